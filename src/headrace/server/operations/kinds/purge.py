"""Has what is deleted be removed for good by the service that does that, without waiting until it is due."""

from headrace.server.operations.kinds.outcomes import Batch, Outcome
from headrace.server.store.base import Connection


async def carry_out(_: Connection, batch: Batch) -> Outcome:
    """Nothing yet: once all of them are known, the operation as a whole is due (see `ending`)."""
    return Outcome(len(batch.ids), {}, {batch.noun.value: len(batch.ids)})
