"""What workers poll for: the due runs of a pool, as far as its slots reach (contract §11.1)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.deployments import service as deployments
from headrace.server.flow_runs import queued, reading
from headrace.server.flow_runs.queued import NOT_ENDED, UNDER_WAY
from headrace.server.store.base import Store
from headrace.server.work_pools import service
from headrace.server.work_queues import service as work_queues
from headrace.wire.flow_runs import FlowRun
from headrace.wire.work_pools import ScheduledRunsRequest, WorkerFlowRun, WorkPool
from headrace.wire.work_queues import WorkQueue


async def due_runs(
    store: Store, pool_name: str, wanted: ScheduledRunsRequest, limit: int, now: datetime
) -> list[WorkerFlowRun]:
    """The due runs of a pool, those of its most urgent queue first, and of each queue the first due first.

    Nothing is claimed: a run is given until it leaves Scheduled. That the queues were polled is remembered,
    also on the deployments that send runs there. Raises `ObjectNotFound` for the pool or a queue.
    """
    pool = await service.read(store, pool_name)
    queues = _named(pool, await work_queues.of_pool(store, pool.id), wanted.work_queue_names)
    found = [] if pool.is_paused else await _due(store, pool, queues, wanted, limit, now)
    await mark_polled(store, [queue.id for queue in queues], now)
    return found


async def due_runs_of_queue(
    store: Store, queue: WorkQueue, before: datetime | None, limit: int, now: datetime, *, is_poll: bool
) -> list[FlowRun]:
    """The due runs of one queue, with their states; runs that are being cancelled hold their slots here too."""
    found: list[FlowRun] = []
    free = limit
    if queue.concurrency_limit is not None:
        taken = await NOT_ENDED.count(store, [queue.id])
        free = min(limit, queue.concurrency_limit - taken[queue.id])
    if not queue.is_paused and free > 0:
        found = await queued.due(store, queue.id, before=before, after=None, limit=free, now=now)
        await reading.name_pools(store, found)
    if is_poll:
        await mark_polled(store, [queue.id], now)
    return found


async def mark_polled(store: Store, queue_ids: Sequence[UUID], now: datetime) -> None:
    """Remember that somebody has come for the runs of these queues."""
    if not queue_ids:
        return
    async with store.transaction() as transaction:
        await work_queues.mark_polled(transaction, queue_ids, now)
        await deployments.mark_polled_by_queue(transaction, now, work_queue_ids=queue_ids)


def _named(pool: WorkPool, queues: Sequence[WorkQueue], names: Sequence[str] | None) -> list[WorkQueue]:
    if not names:
        return list(queues)
    known = {queue.name for queue in queues}
    for name in names:
        if name not in known:
            raise service.queue_missing(pool.name, name)
    return [queue for queue in queues if queue.name in names]


async def _due(
    store: Store, pool: WorkPool, queues: Sequence[WorkQueue], wanted: ScheduledRunsRequest, limit: int, now: datetime
) -> list[WorkerFlowRun]:
    left = min(limit, await _free_in_pool(store, pool, limit))
    taken = await UNDER_WAY.count(store, [queue.id for queue in queues if queue.concurrency_limit is not None])
    found: list[WorkerFlowRun] = []
    for queue in queues:
        free = left if queue.concurrency_limit is None else min(left, queue.concurrency_limit - taken[queue.id])
        if queue.is_paused or free <= 0:
            continue
        before, after = wanted.scheduled_before, wanted.scheduled_after
        runs = await queued.due(store, queue.id, before=before, after=after, limit=free, now=now)
        for run in runs:
            run.state = None
            found.append(WorkerFlowRun(work_pool_id=pool.id, work_queue_id=queue.id, flow_run=run))
        left -= len(runs)
    return found


async def _free_in_pool(store: Store, pool: WorkPool, most: int) -> int:
    if pool.concurrency_limit is None:
        return most
    taken = await UNDER_WAY.count_by_pool(store, [pool.id])
    return max(0, pool.concurrency_limit - taken[pool.id])
