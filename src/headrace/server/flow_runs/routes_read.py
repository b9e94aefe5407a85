"""`/flow_runs`: what only reads."""

from datetime import UTC, datetime
from uuid import UUID

from headrace.server.context import Context
from headrace.server.flow_runs import download, graph, reading, sending
from headrace.server.history import History
from headrace.server.http.routing import Reply, Router
from headrace.server.paging import list_limit, page_count
from headrace.wire.errors import ObjectNotFound
from headrace.wire.flow_runs import FlowRun
from headrace.wire.listings import (
    Dependency,
    FlowRunHistoryRequest,
    FlowRunList,
    FlowRunPage,
    FlowRunPageRequest,
    Graph,
    HistoryBar,
    QueueFilters,
)

router = Router(prefix="/flow_runs", tag="Flow Runs")
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_HISTORY = History("flow_runs")
_LIST, _PAGE, _ALL = FlowRunList(), FlowRunPageRequest(), QueueFilters()


async def _found(ctx: Context, id: UUID) -> FlowRun:
    run = await reading.read(ctx.store, id, ctx.received)
    if run is None:
        raise ObjectNotFound("Flow run not found")
    return run


@router.get("/{id}")
async def read_flow_run(ctx: Context, id: UUID) -> FlowRun:
    """One flow run with its state."""
    return await _found(ctx, id)


@router.post("/filter")
async def read_flow_runs(ctx: Context, body: FlowRunList = _LIST) -> list[FlowRun]:
    """The runs that match."""
    limit = list_limit(ctx, body.limit)
    return await sending.send_runs(ctx.store, body.given(), body.sort, limit, body.offset, ctx.received)


@router.post("/paginate")
async def paginate_flow_runs(ctx: Context, body: FlowRunPageRequest = _PAGE) -> FlowRunPage:
    """One page of the runs that match, and how many there are."""
    limit, filters = list_limit(ctx, body.limit), body.given()
    offset = (body.page - 1) * limit
    results = await sending.send_runs(ctx.store, filters, body.sort, limit, offset, ctx.received)
    count = await reading.count(ctx.store, filters)
    return FlowRunPage(results=results, count=count, limit=limit, pages=page_count(count, limit), page=body.page)


@router.post("/count")
async def count_flow_runs(ctx: Context, body: QueueFilters = _ALL) -> int:
    """How many runs match."""
    return await reading.count(ctx.store, body.given())


@router.post("/lateness")
async def average_flow_run_lateness(ctx: Context, body: QueueFilters = _ALL) -> float | None:
    """By how many seconds the runs that match started late, on average."""
    return await _HISTORY.lateness(ctx.store, body.given(), ctx.received)


@router.post("/history")
async def flow_run_history(ctx: Context, body: FlowRunHistoryRequest) -> list[HistoryBar]:
    """The runs that match, counted by interval and state."""
    return await _HISTORY.bars(ctx.store, body, ctx.received)


@router.get("/{id}/graph")
async def read_flow_run_dependencies(ctx: Context, id: UUID) -> list[Dependency]:
    """The run's task runs, each with those it waited for."""
    return await graph.read_dependencies(ctx.store, id, ctx.received)


@router.get("/{id}/graph-v2")
async def read_flow_run_graph(ctx: Context, id: UUID, since: datetime = _BEGINNING) -> Graph:
    """The run drawn as what it ran, without what ended before `since`."""
    return await graph.read(ctx.store, id, since)


@router.get("/{id}/logs/download", media_type="text/csv")
async def download_logs(ctx: Context, id: UUID) -> Reply[bytes]:
    """The run's log lines as a CSV file."""
    run = await _found(ctx, id)
    return Reply(
        download.lines_as_csv(ctx.store, id),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": download.disposition(run.name)},
    )
