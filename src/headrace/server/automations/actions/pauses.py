"""Actions that pause and resume work pools, work queues and automations."""

from headrace.server.automations import service as automations
from headrace.server.automations.actions.work import ActionFailed, Work
from headrace.server.automations.events import Ending
from headrace.server.work_pools import service as work_pools
from headrace.server.work_queues import service as work_queues
from headrace.wire.filters import WorkPoolFilter, WorkPoolFilterId
from headrace.wire.work_pools import WorkPoolUpdate
from headrace.wire.work_queues import WorkQueueUpdate

_DONE = Ending(result={"status_code": 204})


async def set_queue(work: Work, *, paused: bool) -> Ending:
    """Hand out no more runs of a work queue, or hand them out again."""
    async with work.store.transaction() as transaction:
        queue = await work_queues.read(transaction, work.target())
        await work_queues.update(transaction, queue, WorkQueueUpdate(is_paused=paused), work.now)
    return _DONE


async def set_pool(work: Work, *, paused: bool) -> Ending:
    """Hand out no more runs of a work pool, or hand them out again."""
    id = work.target()
    found = await work_pools.list_pools(work.store, WorkPoolFilter(id=WorkPoolFilterId(any_=[id])), 1, 0)
    if not found:
        raise ActionFailed(f"Work pool {id} not found", {"status_code": 404})
    await work_pools.update(work.store, found[0].name, WorkPoolUpdate(is_paused=paused), work.now)
    return _DONE


async def set_automation(work: Work, *, enabled: bool) -> Ending:
    """Keep an automation from firing, or let it fire again."""
    await automations.set_enabled(work.store, work.target(), enabled, work.now)
    return _DONE
