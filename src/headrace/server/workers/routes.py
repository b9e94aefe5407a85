"""`/work_pools/{name}/workers`."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.paging import list_limit
from headrace.server.work_pools import service as work_pools
from headrace.server.workers import service
from headrace.wire.work_listings import WorkerList
from headrace.wire.workers import Worker, WorkerHeartbeat

router = Router(prefix="/work_pools", tag="Work Pools")
_LIST = WorkerList()


@router.post("/{work_pool_name}/workers/heartbeat", status=204)
async def worker_heartbeat(ctx: Context, work_pool_name: str, body: WorkerHeartbeat) -> None:
    """Hear of a worker; its pool is ready from now on."""
    await work_pools.hear(ctx.store, work_pool_name, body, ctx.received)


@router.post("/{work_pool_name}/workers/filter")
async def read_workers(ctx: Context, work_pool_name: str, body: WorkerList = _LIST) -> list[Worker]:
    """The workers of a pool that match, the last heard of first."""
    limit = list_limit(ctx, body.limit)
    pool = await work_pools.read(ctx.store, work_pool_name)
    return await service.list_workers(ctx.store, pool.id, body.workers, limit, body.offset, ctx.received)


@router.delete("/{work_pool_name}/workers/{name}")
async def delete_worker(ctx: Context, work_pool_name: str, name: str) -> None:
    """Forget a worker."""
    pool = await work_pools.read(ctx.store, work_pool_name)
    await service.delete(ctx.store, pool.id, name)
