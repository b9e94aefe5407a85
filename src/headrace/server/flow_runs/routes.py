"""`/flow_runs`: the routes that write."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.filters import matching_ids
from headrace.server.flow_runs import bulk, resuming, service
from headrace.server.http.routing import Reply, Router
from headrace.server.operations import inline
from headrace.server.states.proposals import Asker, proposed
from headrace.wire.base import Body
from headrace.wire.errors import BadRequest, ObjectNotFound
from headrace.wire.filters import FlowRunFilter
from headrace.wire.flow_runs import FlowRun, FlowRunCreate, FlowRunUpdate, LabelUpdate
from headrace.wire.leases import LEASE_HEADER, LONGEST_LEASE, LeaseSeconds
from headrace.wire.operations import OperationNoun
from headrace.wire.orchestration import BulkSetStateResult, OrchestrationResult, SetState
from headrace.wire.states import StateCreate

router = Router(prefix="/flow_runs", tag="Flow Runs")

BulkLimit = Annotated[int, msgspec.Meta(ge=1, le=50)]


class Resume(Body, kw_only=True):
    run_input: dict[str, Any] | None = None


class BulkDelete(Body, kw_only=True):
    flow_runs: FlowRunFilter | None = None
    limit: BulkLimit = 50


class BulkDeleted(msgspec.Struct):
    deleted: list[UUID]


class BulkSetState(Body, kw_only=True):
    state: StateCreate
    flow_runs: FlowRunFilter | None = None
    force: bool = False
    limit: BulkLimit = 50


@router.post("/", status=201, also=(200,))
async def create_flow_run(ctx: Context, body: FlowRunCreate) -> Reply[FlowRun]:
    """Make a run; 200 with the existing one if its flow has a run with this idempotency key."""
    limit = ctx.settings.server.api.max_parameter_bytes
    run, new = await service.create(ctx.store, body, Asker.of(ctx), limit)
    return Reply(run, status=201 if new else 200)


@router.patch("/{id}")
async def update_flow_run(ctx: Context, id: UUID, body: FlowRunUpdate) -> None:
    """Set the keys that the body has; an empty name gives a random one."""
    await service.update(ctx.store, id, body, Asker.of(ctx), ctx.settings.server.api.max_parameter_bytes)


@router.patch("/{id}/labels")
async def update_flow_run_labels(ctx: Context, id: UUID, body: LabelUpdate) -> None:
    """Add labels to the run's."""
    await service.merge_labels(ctx.store, id, body, Asker.of(ctx))


@router.delete("/{id}")
async def delete_flow_run(ctx: Context, id: UUID) -> None:
    """Delete the run with its subflow runs, states, task runs, inputs, logs and artifacts."""
    if not await inline.delete(ctx, OperationNoun.FLOW_RUNS, [id]):
        raise ObjectNotFound("Flow run not found")


@router.post("/{id}/set_state", status=201, also=(200,))
async def set_flow_run_state(ctx: Context, id: UUID, body: SetState) -> Reply[OrchestrationResult]:
    """Propose a state; 201 if one was written, be it the proposed one or another in its place."""
    asker = Asker.of(ctx, _lease_seconds(ctx))
    try:
        outcome = await service.set_state(ctx.store, id, proposed(body.state, asker.now), force=body.force, asker=asker)
    except ObjectNotFound:
        told = await service.told_to_end(ctx.store, id)
        if told is None:
            raise
        outcome = told
    return Reply(outcome.result, status=outcome.http_status)


def _lease_seconds(ctx: Context) -> float | None:
    """For how long the client will be heard of at the latest, if it says so. Raises `BadRequest`."""
    text = ctx.headers.get(LEASE_HEADER)
    if text is None:
        return None
    try:
        return msgspec.convert(text, LeaseSeconds, strict=False)
    except msgspec.ValidationError:
        raise BadRequest(
            f"The header {LEASE_HEADER} is {text!r}: give a number of seconds up to {LONGEST_LEASE:g}, such as 30."
        ) from None


@router.post("/{id}/resume", also=(201,))
async def resume_flow_run(ctx: Context, id: UUID, body: Resume = Resume()) -> Reply[OrchestrationResult]:  # noqa: B008
    """Let a paused run go on, with the input it asked for."""
    outcome = await resuming.resume(ctx.store, id, body.run_input, Asker.of(ctx))
    return Reply(outcome.result, status=outcome.http_status)


@router.post("/bulk_set_state")
async def bulk_set_flow_run_state(ctx: Context, body: BulkSetState) -> BulkSetStateResult:
    """Propose a state for each of the newest matching runs, and say how each fared."""
    return await bulk.set_states(
        ctx.store, body.flow_runs, body.limit, body.state, force=body.force, asker=Asker.of(ctx)
    )


@router.post("/bulk_delete")
async def bulk_delete_flow_runs(ctx: Context, body: BulkDelete = BulkDelete()) -> BulkDeleted:  # noqa: B008
    """Delete the newest matching runs, and say which."""
    ids = await matching_ids(ctx.store, "flow_runs", {"flow_runs": body.flow_runs}, body.limit)
    return BulkDeleted(await inline.delete(ctx, OperationNoun.FLOW_RUNS, ids))
