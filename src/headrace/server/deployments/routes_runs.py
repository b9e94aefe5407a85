"""`/deployments`: runs that are asked for, and those that are due."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from headrace.server.context import Context
from headrace.server.deployments import runs, service
from headrace.server.flow_runs import scheduled
from headrace.server.http.routing import Reply, Router
from headrace.server.paging import list_limit
from headrace.server.states.proposals import Asker
from headrace.wire.base import Parts, assume_utc
from headrace.wire.deployments import DeploymentFlowRunCreate, FlowRunBulkCreateResult
from headrace.wire.errors import BadRequest
from headrace.wire.flow_runs import CreatedBy, FlowRun

_AUTOMATION_ID, _AUTOMATION_NAME = "prefect-automation-id", "prefect-automation-name"

router = Router(prefix="/deployments", tag="Deployments")

_SEVERAL = 100


class DueRuns(Parts, kw_only=True):
    deployment_ids: list[UUID]
    scheduled_before: datetime | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        """Datetimes without an offset are read as UTC."""
        assume_utc(self)


@router.post("/get_scheduled_flow_runs")
async def get_scheduled_flow_runs_for_deployments(ctx: Context, body: DueRuns) -> list[FlowRun]:
    """The scheduled runs that are due, the first due first; whoever asks makes the deployments ready."""
    limit = list_limit(ctx, body.limit)
    due = await scheduled.due(ctx.store, body.deployment_ids, body.scheduled_before, limit, ctx.received)
    await service.mark_polled(ctx.store, ctx.received, body.deployment_ids)
    return due


@router.post("/{id}/create_flow_run", status=201, also=(200,))
async def create_flow_run_from_deployment(ctx: Context, id: UUID, body: DeploymentFlowRunCreate) -> Reply[FlowRun]:
    """Make a run; 200 with the existing one if the flow has a run with this idempotency key."""
    limit = ctx.settings.server.api.max_parameter_bytes
    run, new = await runs.create(ctx.store, id, body, Asker.of(ctx), limit, automation_of(ctx.headers))
    return Reply(run, status=201 if new else 200)


@router.post("/{id}/create_flow_run/bulk")
async def bulk_create_flow_runs_from_deployment(
    ctx: Context, id: UUID, body: list[DeploymentFlowRunCreate]
) -> FlowRunBulkCreateResult:
    """Make up to 100 runs, and say how each fared."""
    if len(body) > _SEVERAL:
        raise BadRequest(f"Cannot create more than {_SEVERAL} flow runs at once.")
    return await runs.create_all(ctx.store, id, body, Asker.of(ctx), ctx.settings.server.api.max_parameter_bytes)


def automation_of(headers: Mapping[str, str]) -> CreatedBy | None:
    """The automation on whose behalf the request says that it comes; its name is in base64 (contract §8)."""
    try:
        id = UUID(headers.get(_AUTOMATION_ID, ""))
    except ValueError:
        return None
    try:
        name = b64decode(headers.get(_AUTOMATION_NAME, ""), validate=True).decode()
    except ValueError:
        name = ""
    return CreatedBy(id=id, type="AUTOMATION", display_value=name or None)
