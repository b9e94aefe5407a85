"""Who holds the slots of pools and queues."""

from collections.abc import Sequence
from datetime import datetime

from headrace.server.flow_runs.queued import NOT_ENDED, UNDER_WAY
from headrace.server.paging import page_count
from headrace.server.store.base import Store
from headrace.server.work_pools import service
from headrace.server.work_queues import service as work_queues
from headrace.wire.work_pools import WorkPool, WorkPoolConcurrencyStatus, WorkQueueConcurrencyStatusDetail
from headrace.wire.work_queues import WorkQueue, WorkQueueConcurrencyStatus


async def count_in(store: Store, pools: Sequence[WorkPool]) -> Sequence[WorkPool]:
    """The pools, each that has a limit with its slots in use counted."""
    limited = [pool.id for pool in pools if pool.concurrency_limit is not None]
    taken = await UNDER_WAY.count_by_pool(store, limited) if limited else {}
    for pool in pools:
        pool.active_slots = taken.get(pool.id)
    return pools


async def of_pool(
    store: Store, name: str, page: int, limit: int, flow_run_limit: int, now: datetime
) -> WorkPoolConcurrencyStatus:
    """A page of a pool's queues, each with the runs that hold its slots. Raises `ObjectNotFound`."""
    pool = await service.read(store, name)
    queues = await work_queues.of_pool(store, pool.id)
    taken = await UNDER_WAY.count(store, [queue.id for queue in queues])
    shown = queues[(page - 1) * limit : page * limit]
    return WorkPoolConcurrencyStatus(
        active_slots=sum(taken.values()),
        concurrency_limit=pool.concurrency_limit,
        queues=[
            WorkQueueConcurrencyStatusDetail(
                queue_id=queue.id,
                queue_name=queue.name,
                active_slots=taken[queue.id],
                concurrency_limit=queue.concurrency_limit,
                flow_runs=await UNDER_WAY.runs(store, queue.id, flow_run_limit, 0, now),
                flow_run_count=taken[queue.id],
            )
            for queue in shown
        ],
        count=len(queues),
        limit=limit,
        pages=page_count(len(queues), limit),
        page=page,
    )


async def of_queue(store: Store, queue: WorkQueue, page: int, limit: int, now: datetime) -> WorkQueueConcurrencyStatus:
    """A page of the runs that hold a queue's slots, those that are being cancelled too."""
    taken = (await NOT_ENDED.count(store, [queue.id]))[queue.id]
    return WorkQueueConcurrencyStatus(
        active_slots=taken,
        concurrency_limit=queue.concurrency_limit,
        flow_runs=await NOT_ENDED.runs(store, queue.id, limit, (page - 1) * limit, now),
        count=taken,
        limit=limit,
        pages=page_count(taken, limit),
        page=page,
    )
