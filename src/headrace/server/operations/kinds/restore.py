"""Gives back what is deleted: what one operation has deleted, or whatever is named."""

from headrace.server.operations.kinds.outcomes import NOT_DELETED, Batch, Outcome, Told
from headrace.server.store.base import Connection
from headrace.server.trash import service as trash
from headrace.wire.operations import ItemStatus


async def carry_out(transaction: Connection, batch: Batch) -> Outcome:
    """Restore those that are deleted and have no conflict, with what was deleted along with them."""
    record = batch.record
    done = await trash.restore(
        transaction, record.undoes, batch.noun, batch.ids, batch.moment, record.options.on_conflict
    )
    told = dict.fromkeys(done.gone, Told(ItemStatus.SKIPPED, NOT_DELETED))
    told |= {conflict.id: Told(ItemStatus.CONFLICT, conflict.reason) for conflict in done.conflicts}
    return Outcome(len(done.restored), told, done.counts)
