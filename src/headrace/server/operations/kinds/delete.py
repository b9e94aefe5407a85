"""Hides items from every read, until they are purged."""

from headrace.server.operations.kinds.outcomes import GONE, Batch, Outcome, Told
from headrace.server.store.base import Connection
from headrace.server.trash import service as trash
from headrace.server.trash import under_way
from headrace.wire.operations import ItemStatus

NOT_OVER = "It has begun anew meanwhile, and no retention policy deletes what is not over."


async def carry_out(transaction: Connection, batch: Batch) -> Outcome:
    """Delete those that are live, with what belongs to them; for a retention policy, only those that are over."""
    left = [] if batch.record.policy is None else await under_way.lock(transaction, batch.noun, batch.ids)
    ids = [id for id in batch.ids if id not in set(left)] if left else batch.ids
    done = await trash.remove(transaction, batch.record.id, batch.noun, ids, batch.moment)
    told = {id: Told(ItemStatus.SKIPPED, GONE) for id in done.gone}
    told |= {id: Told(ItemStatus.SKIPPED, NOT_OVER) for id in left}
    return Outcome(len(done.removed), told, done.counts)
