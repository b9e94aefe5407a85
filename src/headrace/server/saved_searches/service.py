"""Keeping saved searches, and the statements that do it."""

from datetime import datetime
from uuid import UUID

from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.errors import ObjectNotFound
from headrace.wire.ids import uuid7
from headrace.wire.saved_searches import SavedSearch, SavedSearchCreate, SavedSearchFilter

_SEARCHES = Reader(
    SavedSearch,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "filters": JSON(list[SavedSearchFilter]),
    },
)
_COLUMNS = _SEARCHES.columns()
_SAVE = Statement(
    f"""
    INSERT INTO saved_searches ({_COLUMNS}) VALUES ($1, $2, $2, $3, $4)
    ON CONFLICT (name) WHERE deleted_at IS NULL
    DO UPDATE SET updated = excluded.updated, filters = excluded.filters
    RETURNING {_COLUMNS}
    """
)
_BY_ID = Statement(f"SELECT {_COLUMNS} FROM saved_searches WHERE id = $1 AND deleted_at IS NULL")
_LIST = Statement(f"SELECT {_COLUMNS} FROM saved_searches WHERE deleted_at IS NULL ORDER BY name LIMIT $1 OFFSET $2")
_DELETE = Statement("DELETE FROM saved_searches WHERE id = $1 AND deleted_at IS NULL")


async def save(store: Store, wanted: SavedSearchCreate, now: datetime) -> tuple[SavedSearch, bool]:
    """Keep a search under its name, in place of the one that was there; and whether none was."""
    new_id = uuid7()
    row = await store.fetch_one(_SAVE, new_id, now, wanted.name, encode_text(wanted.filters))
    assert row is not None, "an upsert answers the row that it wrote"
    saved = _SEARCHES.one(row, store.dialect)
    return saved, saved.id == new_id


async def read(connection: Connection, search_id: UUID) -> SavedSearch:
    """The search, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(_BY_ID, search_id)
    if row is None:
        raise _missing()
    return _SEARCHES.one(row, connection.dialect)


async def list_searches(store: Store, limit: int, offset: int) -> list[SavedSearch]:
    """The searches by name, from `offset` on."""
    return _SEARCHES.all(await store.fetch(_LIST, limit, offset), store.dialect)


async def delete(store: Store, search_id: UUID) -> None:
    """Forget a search, or raise `ObjectNotFound`."""
    if not await store.execute(_DELETE, search_id):
        raise _missing()


def _missing() -> ObjectNotFound:
    return ObjectNotFound("Saved search not found")
