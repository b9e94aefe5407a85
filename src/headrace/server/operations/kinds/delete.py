"""Hides items from every read, until they are purged."""

from headrace.server.operations.kinds.outcomes import GONE, Batch, Outcome, Told
from headrace.server.store.base import Connection
from headrace.server.trash import service as trash
from headrace.wire.operations import ItemStatus


async def carry_out(transaction: Connection, batch: Batch) -> Outcome:
    """Delete those that are live, with what belongs to them."""
    done = await trash.remove(transaction, batch.record.id, batch.noun, batch.ids, batch.moment)
    gone = Told(ItemStatus.SKIPPED, GONE)
    return Outcome(len(done.removed), dict.fromkeys(done.gone, gone), done.counts)
