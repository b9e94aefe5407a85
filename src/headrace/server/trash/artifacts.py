"""Artifacts: marked one by one; the collection of a key shows the newest that is left."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.artifacts import collections
from headrace.server.store.base import Connection, Row
from headrace.server.store.hidden import shown_of
from headrace.server.trash import marking
from headrace.server.trash.chosen import LOCK, chosen
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed

_LIVE = chosen(
    f"SELECT id FROM artifacts WHERE id {{among}} AND deleted_at IS NULL AND {shown_of('artifacts')}"
    " ORDER BY id {lock}",
    lock=LOCK,
)


async def remove(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Delete the artifacts of these that are live; those of a deleted run are deleted already."""
    live = IDS.all(await transaction.fetch(_LIVE, list(ids)), transaction.dialect)
    rows = await marking.mark(transaction, "artifacts", live, moment, operation_id, returning="id, key")
    return await _changed(transaction, rows, moment)


async def restore(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Give back the artifacts of these that the operation has deleted."""
    rows = await marking.clear(transaction, "artifacts", ids, operation_id, returning="id, key")
    return await _changed(transaction, rows, moment)


async def _changed(transaction: Connection, rows: Sequence[Row], moment: datetime) -> Changed:
    await collections.show_newest(transaction, {row[1] for row in rows if row[1] is not None}, moment)
    return Changed(IDS.all([row[:1] for row in rows], transaction.dialect), {"artifacts": len(rows)})
