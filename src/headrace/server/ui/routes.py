"""`/ui`: what the web UI asks for beside the plain nouns."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.ui import flow_runs, flows, schemas, task_runs
from headrace.wire.listings import Filters
from headrace.wire.ui import (
    CountByState,
    FlowIds,
    FlowRunIds,
    FlowRunPoints,
    SchemaValues,
    SchemaValuesValidationResponse,
    SimpleFlowRun,
    SimpleNextFlowRun,
    TaskRunCount,
    TaskRunCounts,
    UITaskRun,
)

router = Router(prefix="/ui", tag="UI")

_POINTS, _ALL = FlowRunPoints(), Filters()


@router.post("/flows/count-deployments")
async def count_deployments_by_flow(ctx: Context, body: FlowIds) -> dict[UUID, int]:
    """How many deployments each flow has."""
    return await flows.count_deployments(ctx.store, body.flow_ids)


@router.post("/flows/next-runs")
async def next_runs_by_flow(ctx: Context, body: FlowIds) -> dict[UUID, SimpleNextFlowRun | None]:
    """The run of each flow that is due first."""
    return await flows.next_runs(ctx.store, body.flow_ids)


@router.post("/flow_runs/history")
async def read_flow_run_history(ctx: Context, body: FlowRunPoints = _POINTS) -> list[SimpleFlowRun]:
    """The flow runs that match, as points of a plot."""
    return await flow_runs.points(ctx.store, body, ctx.received)


@router.post("/flow_runs/count-task-runs")
async def count_task_runs_by_flow_run(ctx: Context, body: FlowRunIds) -> dict[UUID, int]:
    """How many task runs each flow run has."""
    return await flow_runs.count_task_runs(ctx.store, body.flow_run_ids)


@router.post("/task_runs/dashboard/counts")
async def read_dashboard_task_run_counts(ctx: Context, body: TaskRunCounts) -> list[TaskRunCount]:
    """The task runs that ended well or badly, bar by bar of the dashboard's plot."""
    return await task_runs.dashboard(ctx.store, body, ctx.received)


@router.post("/task_runs/count")
async def read_task_run_counts_by_state(ctx: Context, body: Filters = _ALL) -> CountByState:
    """How many task runs match, by the type of their state."""
    return await task_runs.count_by_state(ctx.store, body.given())


@router.get("/task_runs/{id}")
async def read_ui_task_run(ctx: Context, id: UUID) -> UITaskRun:
    """One task run, with the name of its flow run."""
    return await task_runs.read(ctx.store, id, ctx.received)


@router.post("/schemas/validate")
async def validate_values(ctx: Context, body: SchemaValues) -> SchemaValuesValidationResponse:
    """What is wrong with values that should fit a JSON Schema."""
    return await schemas.validate(ctx.store, body.schema, body.values)
