"""`/work_pools/{name}/queues` and, for agents and the UI, `/work_queues`."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.flow_runs import queued
from headrace.server.http.routing import Router
from headrace.server.paging import list_limit
from headrace.server.work_pools import polling, slots
from headrace.server.work_pools import service as work_pools
from headrace.server.work_queues import service
from headrace.server.work_queues.queries import BY_ITSELF
from headrace.wire.flow_runs import FlowRun
from headrace.wire.work_listings import WorkQueueList
from headrace.wire.work_pools import DEFAULT_AGENT_POOL
from headrace.wire.work_queues import (
    QueueConcurrencyRequest,
    QueueRunsRequest,
    WorkQueue,
    WorkQueueConcurrencyStatus,
    WorkQueueCreate,
    WorkQueueStatusDetail,
    WorkQueueUpdate,
)

in_pools = Router(prefix="/work_pools", tag="Work Pools")
by_themselves = Router(prefix="/work_queues", tag="Work Queues")
routers = (in_pools, by_themselves)
_LIST, _DUE, _PAGE = WorkQueueList(), QueueRunsRequest(), QueueConcurrencyRequest()
_YES = frozenset({"1", "true", "yes", "on"})


async def _in_pool(ctx: Context, pool_name: str, name: str) -> WorkQueue:
    place = await work_pools.find_place(ctx.store, pool_name, name)
    if place is None:
        raise work_pools.queue_missing(pool_name, name)
    return await service.read(ctx.store, place.work_queue_id)


@in_pools.post("/{work_pool_name}/queues", status=201)
async def create_work_queue(ctx: Context, work_pool_name: str, body: WorkQueueCreate) -> WorkQueue:
    """Add a queue to the pool."""
    pool = await work_pools.read(ctx.store, work_pool_name)
    async with ctx.store.transaction() as transaction:
        return await service.create(transaction, pool.id, body, ctx.received)


@in_pools.get("/{work_pool_name}/queues/{name}")
async def read_work_queue(ctx: Context, work_pool_name: str, name: str) -> WorkQueue:
    """The queue of that name in the pool."""
    return await _in_pool(ctx, work_pool_name, name)


@in_pools.post("/{work_pool_name}/queues/filter")
async def read_work_queues(ctx: Context, work_pool_name: str, body: WorkQueueList = _LIST) -> list[WorkQueue]:
    """The queues of the pool that match, the most urgent first."""
    limit = list_limit(ctx, body.limit)
    pool = await work_pools.read(ctx.store, work_pool_name)
    return await service.list_of_pool(ctx.store, pool.id, body.work_queues, limit, body.offset)


@in_pools.patch("/{work_pool_name}/queues/{name}")
async def update_work_queue(ctx: Context, work_pool_name: str, name: str, body: WorkQueueUpdate) -> None:
    """Change the queue."""
    queue = await _in_pool(ctx, work_pool_name, name)
    async with ctx.store.transaction() as transaction:
        await service.update(transaction, queue, body, ctx.received)


@in_pools.delete("/{work_pool_name}/queues/{name}")
async def delete_work_queue(ctx: Context, work_pool_name: str, name: str) -> None:
    """Delete the queue; its runs stay."""
    await service.delete(ctx.store, await _in_pool(ctx, work_pool_name, name), ctx.received)


@by_themselves.post("/", status=201)
async def create_agent_work_queue(ctx: Context, body: WorkQueueCreate) -> WorkQueue:
    """Add a queue to the default agent pool, which is made where it is missing."""
    async with ctx.store.transaction() as transaction:
        pool_id = await work_pools.agent_pool(transaction, ctx.received)
        return await service.create(transaction, pool_id, body, ctx.received)


@by_themselves.get("/{id}")
async def read_work_queue_by_id(ctx: Context, id: UUID) -> WorkQueue:
    """One queue, of whichever pool."""
    return await service.read(ctx.store, id, BY_ITSELF)


@by_themselves.get("/name/{name}")
async def read_agent_work_queue(ctx: Context, name: str) -> WorkQueue:
    """The queue of that name in the default agent pool."""
    place = await work_pools.find_place(ctx.store, DEFAULT_AGENT_POOL, name)
    if place is None:
        raise service.missing()
    return await service.read(ctx.store, place.work_queue_id, BY_ITSELF)


@by_themselves.post("/filter")
async def read_all_work_queues(ctx: Context, body: WorkQueueList = _LIST) -> list[WorkQueue]:
    """The queues of all pools that match, by name."""
    return await service.list_all(ctx.store, body.work_queues, list_limit(ctx, body.limit), body.offset)


@by_themselves.patch("/{id}")
async def update_work_queue_by_id(ctx: Context, id: UUID, body: WorkQueueUpdate) -> None:
    """Change a queue, of whichever pool."""
    async with ctx.store.transaction() as transaction:
        await service.update(transaction, await service.read(transaction, id), body, ctx.received)


@by_themselves.delete("/{id}")
async def delete_work_queue_by_id(ctx: Context, id: UUID) -> None:
    """Delete a queue, of whichever pool; its runs stay."""
    await service.delete(ctx.store, await service.read(ctx.store, id), ctx.received)


@by_themselves.post("/{id}/get_runs")
async def read_work_queue_runs(ctx: Context, id: UUID, body: QueueRunsRequest = _DUE) -> list[FlowRun]:
    """The due runs of the queue, as far as its slots reach; a poll, unless it is the UI that asks."""
    limit = list_limit(ctx, body.limit)
    return await polling.due_runs_of_queue(
        ctx.store,
        await service.read(ctx.store, id),
        body.scheduled_before,
        limit,
        ctx.received,
        is_poll=ctx.headers.get("x-prefect-ui", "").lower() not in _YES,
    )


@by_themselves.get("/{id}/status")
async def read_work_queue_status(ctx: Context, id: UUID) -> WorkQueueStatusDetail:
    """Whether the queue's runs are fetched in time."""
    queue = await service.read(ctx.store, id)
    late = await queued.count_late(ctx.store, id)
    return WorkQueueStatusDetail(
        healthy=late == 0 and service.is_fresh(queue.last_polled, ctx.received),
        late_runs_count=late,
        last_polled=queue.last_polled,
    )


@by_themselves.post("/{id}/concurrency_status")
async def read_work_queue_concurrency_status(
    ctx: Context, id: UUID, body: QueueConcurrencyRequest = _PAGE
) -> WorkQueueConcurrencyStatus:
    """Who holds the queue's slots."""
    limit = list_limit(ctx, body.limit)
    return await slots.of_queue(ctx.store, await service.read(ctx.store, id), body.page, limit, ctx.received)
