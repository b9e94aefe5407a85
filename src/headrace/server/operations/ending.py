"""How an operation ends, and what its end means for the one that it undoes."""

from datetime import datetime, timedelta

import msgspec

from headrace.server.operations import events, queries
from headrace.server.operations.records import RECORDS, Record
from headrace.server.store.base import Connection, Topic
from headrace.wire.operations import OperationKind, OperationStatus

_IN_VAIN = (OperationStatus.ABORTED, OperationStatus.FAILED)


async def finish(
    transaction: Connection,
    record: Record,
    status: OperationStatus,
    moment: datetime,
    *,
    keep_seconds: float = 0.0,
    error: str | None = None,
) -> None:
    """End a locked operation; what it has deleted is kept for so many seconds, unless it says otherwise itself."""
    purge_at = _purge_at(record, status, moment, keep_seconds)
    await transaction.execute(queries.FINISH, record.id, status.value, moment, error, purge_at)
    await events.tell(transaction, msgspec.structs.replace(record, error=error), status, moment)
    if purge_at is not None:
        transaction.announce(Topic.PURGE)
    if record.undoes is not None:
        await _settle_undone(transaction, record, status, moment, keep_seconds)
    transaction.announce(Topic.OPERATIONS)


def _purge_at(record: Record, status: OperationStatus, moment: datetime, keep_seconds: float) -> datetime | None:
    match record.kind:
        case OperationKind.PURGE if status is OperationStatus.COMPLETED and record.changed:
            return moment
        case OperationKind.DELETE if record.changed:
            given = record.options.purge_after
            return moment + timedelta(seconds=keep_seconds if given is None else given)
        case _:
            return None


async def _settle_undone(
    transaction: Connection, undo: Record, status: OperationStatus, moment: datetime, keep_seconds: float
) -> None:
    """Where undoing has not succeeded, it can be tried again; what is still deleted is purged in its time."""
    assert undo.undoes is not None
    row = await transaction.fetch_one(queries.LOCK, undo.undoes)
    if row is None:
        return
    undone = RECORDS.one(row, transaction.dialect)
    in_vain = status in _IN_VAIN
    is_left = in_vain or undo.failed > 0
    purge_at = _purge_at(undone, undone.status, moment, keep_seconds) if is_left else None
    await transaction.execute(queries.UNDONE_BY, undone.id, None if in_vain else undo.id, purge_at)
    if not in_vain:
        await events.tell(transaction, undone, events.UNDONE, moment)
