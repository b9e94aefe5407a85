"""How far an operation is: written down in the transaction that brings it there."""

import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from headrace.server.operations import claims, queries
from headrace.server.operations.kinds.outcomes import Outcome, Told
from headrace.server.operations.records import Record
from headrace.server.store.base import Connection, Store
from headrace.server.trash.outcomes import together
from headrace.wire.base import encode_text
from headrace.wire.errors import HeadraceError, InternalError
from headrace.wire.operations import ItemStatus, OperationItem
from headrace.wire.times import now

_log = logging.getLogger("headrace.server.operations")


async def note(
    transaction: Connection,
    store: Store,
    record: Record,
    batch: Sequence[OperationItem],
    outcomes: Sequence[Outcome],
) -> None:
    """Write down what came of items, and how far the operation is with them."""
    told: dict[UUID, Told] = {}
    counts: Mapping[str, int] = record.counts
    changed = record.changed
    for outcome in outcomes:
        told |= outcome.told
        changed += outcome.changed
        counts = together([counts, outcome.counts])
    of = {status: sum(1 for one in told.values() if one.status is status) for status in ItemStatus}
    await _tell(transaction, record, batch, told)
    await _get_on(
        transaction,
        store,
        record,
        position=max(record.position, batch[-1].position),
        changed=changed,
        skipped=record.skipped + of[ItemStatus.SKIPPED],
        failed=record.failed + of[ItemStatus.FAILED] + of[ItemStatus.CONFLICT],
        counts=counts,
    )


async def note_changed(
    transaction: Connection, store: Store, record: Record, upto: int, changed: int, counts: Mapping[str, int]
) -> None:
    """Write down that all items up to a position were changed, and how far the operation is."""
    await _get_on(
        transaction,
        store,
        record,
        position=upto,
        changed=record.changed + changed,
        skipped=record.skipped,
        failed=record.failed,
        counts=together([record.counts, counts]),
    )


async def _get_on(
    transaction: Connection,
    store: Store,
    record: Record,
    *,
    position: int,
    changed: int,
    skipped: int,
    failed: int,
    counts: Mapping[str, int],
) -> None:
    so_far = (position, changed, skipped, failed, encode_text(counts))
    await transaction.execute(queries.GET_ON, record.id, claims.holder(store), *so_far, now() + claims.LEASE)


async def _tell(
    transaction: Connection, record: Record, batch: Sequence[OperationItem], told: Mapping[UUID, Told]
) -> None:
    """Give items their status: those that were tried again, which have one, and those of which there is more to say."""
    positions: dict[Told, list[int]] = {}
    over: list[int] = []
    for item in batch:
        one = told.get(item.id)
        if one is not None:
            positions.setdefault(one, []).append(item.position)
        elif item.position <= record.position:
            over.append(item.position)
    for one, places in positions.items():
        await transaction.execute(queries.TELL, record.source, record.id, places, one.status.value, one.error)
    if over:
        await transaction.execute(queries.CLEAR if record.items_of is None else queries.DROP, record.id, over)


def failure(record: Record, id: UUID, error: Exception) -> Told:
    """What is kept of an error: without the item's own id, so that the same errors of several items are one."""
    if not isinstance(error, HeadraceError) or isinstance(error, InternalError):
        _log.error("operation_item_failed", extra={"operation_id": str(record.id), "item_id": str(id)}, exc_info=error)
    return Told(ItemStatus.FAILED, str(error).replace(str(id), "…") or type(error).__name__)
