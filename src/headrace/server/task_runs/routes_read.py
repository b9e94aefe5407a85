"""`/task_runs`: what only reads."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.history import History
from headrace.server.http.routing import Router
from headrace.server.paging import list_limit, page_count
from headrace.server.task_runs import reading
from headrace.wire.errors import ObjectNotFound
from headrace.wire.listings import (
    Filters,
    HistoryBar,
    HistoryRequest,
    TaskRunList,
    TaskRunPage,
    TaskRunPageRequest,
)
from headrace.wire.task_runs import TaskRun

router = Router(prefix="/task_runs", tag="Task Runs")
_HISTORY = History("task_runs")
_LIST, _PAGE, _ALL = TaskRunList(), TaskRunPageRequest(), Filters()


@router.get("/{id}")
async def read_task_run(ctx: Context, id: UUID) -> TaskRun:
    """One task run with its state."""
    run = await reading.read(ctx.store, id, ctx.received)
    if run is None:
        raise ObjectNotFound("Task not found")
    return run


@router.post("/filter")
async def read_task_runs(ctx: Context, body: TaskRunList = _LIST) -> list[TaskRun]:
    """The runs that match."""
    limit = list_limit(ctx, body.limit)
    return await reading.send_runs(ctx.store, body.given(), body.sort, limit, body.offset, ctx.received)


@router.post("/paginate")
async def paginate_task_runs(ctx: Context, body: TaskRunPageRequest = _PAGE) -> TaskRunPage:
    """One page of the runs that match, in their reduced form, and how many there are."""
    limit, filters = list_limit(ctx, body.limit), body.given()
    offset = (body.page - 1) * limit
    runs = await reading.list_runs(ctx.store, filters, body.sort, limit, offset, ctx.received)
    count = await reading.count(ctx.store, filters)
    results = [reading.summary(run) for run in runs]
    return TaskRunPage(results=results, count=count, limit=limit, pages=page_count(count, limit), page=body.page)


@router.post("/count")
async def count_task_runs(ctx: Context, body: Filters = _ALL) -> int:
    """How many runs match."""
    return await reading.count(ctx.store, body.given())


@router.post("/history")
async def task_run_history(ctx: Context, body: HistoryRequest) -> list[HistoryBar]:
    """The runs that match, counted by interval and state."""
    return await _HISTORY.bars(ctx.store, body, ctx.received)
