"""Collections of keys some of whose artifacts come or go by the many: each shows the newest that is shown.

A collection whose last artifact goes is marked as deleted, and is there again as it was once one comes back. When it
was updated is when its newest artifact was, so that what is taken away and given back leaves no difference.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.artifacts import events, queries
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Row, Statement
from headrace.server.store.hidden import shown_of
from headrace.server.store.rows import Kind, Reader
from headrace.wire.ids import uuid7


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key, the newest of its artifacts that is shown, and what its collection shows, if there are such."""

    key: str
    newest: UUID | None
    latest: UUID | None


_KEYS = Reader(_Key, {"key": Kind.TEXT, "newest": Kind.UUID, "latest": Kind.UUID})
_LOCK = Statement(
    "SELECT id FROM artifact_collections WHERE key = ANY($1::text[]) AND deleted_at IS NULL ORDER BY key FOR UPDATE",
    sqlite="SELECT 1 WHERE $1 IS NULL",
)
_LOOK_UP_TEXT = f"""
    SELECT k.{{name}}, (
        SELECT a.id FROM artifacts a WHERE a.key = k.{{name}} AND a.deleted_at IS NULL AND {shown_of("a")}
        ORDER BY a.id DESC LIMIT 1
    ), c.latest_id
    FROM {{keys}} LEFT JOIN artifact_collections c ON c.key = k.{{name}} AND c.deleted_at IS NULL
    ORDER BY k.{{name}}
"""
_LOOK_UP = Statement(
    _LOOK_UP_TEXT.format(name="key", keys="unnest($1::text[]) AS k (key)"),
    sqlite=_LOOK_UP_TEXT.format(name="value", keys="json_each($1) AS k"),
)
_COPIED = ", ".join(f"{name} = a.{name}" for name in queries.SHOWN)
_SHOW_TEXT = f"""
    UPDATE artifact_collections SET updated = a.updated, latest_id = a.id, {_COPIED}
    FROM artifacts a WHERE a.id {{among}} AND artifact_collections.key = a.key
    AND artifact_collections.deleted_at IS NULL
    RETURNING {queries.COLLECTIONS.columns("artifact_collections")}
"""
_SHOW = Statement(
    _SHOW_TEXT.format(among="= ANY($1::uuid[])"), sqlite=_SHOW_TEXT.format(among="IN (SELECT value FROM json_each($1))")
)
_END_TEXT = f"""
    UPDATE artifact_collections SET deleted_at = $2 WHERE key {{among}} AND deleted_at IS NULL
    RETURNING {queries.COLLECTIONS.columns()}
"""
_END = Statement(
    _END_TEXT.format(among="= ANY($1::text[])"), sqlite=_END_TEXT.format(among="IN (SELECT value FROM json_each($1))")
)
_REVIVE = Statement(
    """
    UPDATE artifact_collections SET deleted_at = NULL WHERE id = (
        SELECT id FROM artifact_collections WHERE key = $1 AND deleted_at IS NOT NULL
        ORDER BY deleted_at DESC, id DESC LIMIT 1
    )
    """
)
_BEGIN = Statement(
    f"""
    INSERT INTO artifact_collections (id, created, updated, key, latest_id, {", ".join(queries.SHOWN)})
    SELECT $2, created, updated, key, id, {", ".join(queries.SHOWN)} FROM artifacts WHERE id = $1
    ON CONFLICT (key) WHERE deleted_at IS NULL DO NOTHING
    """
)


async def show_newest(transaction: Connection, keys: Collection[str], moment: datetime) -> None:
    """Let the collections of these keys show their newest artifacts, be there or not, and tell what became of them."""
    if not keys:
        return
    await transaction.fetch(_LOCK, list(keys))
    known = _KEYS.all(await transaction.fetch(_LOOK_UP, list(keys)), transaction.dialect)
    ended = [one.key for one in known if one.newest is None and one.latest is not None]
    begun = [one for one in known if one.newest is not None and one.latest is None]
    changed = [one.newest for one in known if one.newest is not None and one.newest != one.latest]
    for one in begun:
        if not await transaction.execute(_REVIVE, one.key):
            await transaction.execute(_BEGIN, one.newest, uuid7())
    if changed:
        is_new = {one.newest for one in begun}
        rows = await transaction.fetch(_SHOW, changed)
        await _tell(transaction, rows, is_new, moment)
    if ended:
        rows = await transaction.fetch(_END, ended, moment)
        await _tell(transaction, rows, None, moment)


async def _tell(transaction: Connection, rows: Sequence[Row], new: set[UUID | None] | None, moment: datetime) -> None:
    """Tell of collections: those of `new` were created, the others updated; all were deleted if there is no such."""
    told = [
        events.collection_changed(
            Change.DELETED if new is None else Change.CREATED if found.latest_id in new else Change.UPDATED,
            found,
            moment,
        )
        for found in queries.COLLECTIONS.all(rows, transaction.dialect)
    ]
    await log.append(transaction, told, moment)
