"""`/work_pools`."""

import re
from collections.abc import Sequence

import msgspec

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.paging import list_limit
from headrace.server.work_pools import polling, service, slots
from headrace.wire.work_listings import WorkPoolCount, WorkPoolList
from headrace.wire.work_pools import (
    PoolConcurrencyRequest,
    ScheduledRunsRequest,
    WorkerFlowRun,
    WorkPool,
    WorkPoolConcurrencyStatus,
    WorkPoolCreate,
    WorkPoolUpdate,
)

router = Router(prefix="/work_pools", tag="Work Pools")
_LIST, _ALL, _DUE, _PAGE = WorkPoolList(), WorkPoolCount(), ScheduledRunsRequest(), PoolConcurrencyRequest()


_RELEASE = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_WITHOUT_RESULT_STORAGE = (3, 3, 7)
"""The last client that does not know where the runs of a pool keep their results (contract §1)."""


def _shown(ctx: Context, pools: Sequence[WorkPool]) -> list[WorkPool]:
    """The pools as this client understands them."""
    release = _RELEASE.match(ctx.client_version or "")
    if release is not None and tuple(map(int, release.groups())) <= _WITHOUT_RESULT_STORAGE:
        for pool in pools:
            pool.storage_configuration.default_result_storage_block_id = msgspec.UNSET
    return list(pools)


@router.post("/", status=201)
async def create_work_pool(ctx: Context, body: WorkPoolCreate) -> WorkPool:
    """Make a work pool with its default queue."""
    return _shown(ctx, [await service.create(ctx.store, body, ctx.received)])[0]


@router.get("/{name}")
async def read_work_pool(ctx: Context, name: str) -> WorkPool:
    """The pool of that name."""
    return _shown(ctx, await slots.count_in(ctx.store, [await service.read(ctx.store, name)]))[0]


@router.post("/filter")
async def read_work_pools(ctx: Context, body: WorkPoolList = _LIST) -> list[WorkPool]:
    """The pools that match, by name."""
    limit = list_limit(ctx, body.limit)
    found = await service.list_pools(ctx.store, body.work_pools, limit, body.offset)
    return _shown(ctx, await slots.count_in(ctx.store, found))


@router.post("/count")
async def count_work_pools(ctx: Context, body: WorkPoolCount = _ALL) -> int:
    """How many pools match."""
    return await service.count(ctx.store, body.work_pools)


@router.patch("/{name}")
async def update_work_pool(ctx: Context, name: str, body: WorkPoolUpdate) -> None:
    """Change the pool."""
    await service.update(ctx.store, name, body, ctx.received)


@router.delete("/{name}")
async def delete_work_pool(ctx: Context, name: str) -> None:
    """Delete the pool with its queues and workers."""
    await service.delete(ctx.store, name, ctx.received)


@router.post("/{name}/get_scheduled_flow_runs")
async def get_scheduled_flow_runs(ctx: Context, name: str, body: ScheduledRunsRequest = _DUE) -> list[WorkerFlowRun]:
    """The due runs of the pool, as far as its slots and those of its queues reach."""
    return await polling.due_runs(ctx.store, name, body, list_limit(ctx, body.limit), ctx.received)


@router.post("/{name}/concurrency_status")
async def read_work_pool_concurrency_status(
    ctx: Context, name: str, body: PoolConcurrencyRequest = _PAGE
) -> WorkPoolConcurrencyStatus:
    """Who holds the pool's slots, queue by queue."""
    limit = list_limit(ctx, body.limit)
    return await slots.of_pool(ctx.store, name, body.page, limit, body.flow_run_limit, ctx.received)
