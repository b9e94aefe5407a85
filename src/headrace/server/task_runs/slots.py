"""The slots of its tags' limits that a task run takes and gives back, in the transaction of its state."""

from uuid import UUID

from headrace.rules.effects import AcquireTagSlots, ReleaseTagSlots
from headrace.rules.facts import TagLimit
from headrace.server.concurrency import service as concurrency
from headrace.server.store.base import Connection
from headrace.server.task_runs.queries import Orchestrated


async def look_up(transaction: Connection, run: Orchestrated) -> tuple[TagLimit, ...]:
    """The active limits on the run's tags, which stay as they are until the transaction ends."""
    return await concurrency.tag_limits(transaction, run.tags, run.id)


async def carry_out(transaction: Connection, run_id: UUID, effect: AcquireTagSlots | ReleaseTagSlots) -> None:
    """Do to limits and leases what the state that is written asks for."""
    match effect:
        case AcquireTagSlots(tags=tags, lease_id=lease_id):
            await concurrency.hold_tags(transaction, tags, lease_id, run_id)
        case ReleaseTagSlots(tags=tags):
            await concurrency.release_tags(transaction, tags, run_id)
