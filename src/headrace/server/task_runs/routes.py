"""`/task_runs`: the routes that write."""

from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.http.routing import Reply, Router
from headrace.server.operations import inline
from headrace.server.states.proposals import Asker, proposed
from headrace.server.task_runs import service
from headrace.wire.errors import ObjectNotFound
from headrace.wire.operations import OperationNoun
from headrace.wire.orchestration import OrchestrationResult, SetState
from headrace.wire.task_runs import TaskRun, TaskRunCreate, TaskRunUpdate

router = Router(prefix="/task_runs", tag="Task Runs")


@router.post("/", status=201, also=(200,))
async def create_task_run(ctx: Context, body: TaskRunCreate) -> Reply[TaskRun]:
    """Make a run; 200 with the existing one if its flow run, task key and dynamic key are taken."""
    run, new = await service.create(ctx.store, body, Asker.of(ctx))
    return Reply(run, status=201 if new else 200)


@router.patch("/{id}")
async def update_task_run(ctx: Context, id: UUID, body: TaskRunUpdate) -> None:
    """Rename the run; an empty name gives a random one."""
    name = None if body.name is msgspec.UNSET else body.name
    await service.rename(ctx.store, id, name, Asker.of(ctx))


@router.delete("/{id}")
async def delete_task_run(ctx: Context, id: UUID) -> None:
    """Delete the run with its states, logs and artifacts."""
    if not await inline.delete(ctx, OperationNoun.TASK_RUNS, [id]):
        raise ObjectNotFound("Task run not found")


@router.post("/{id}/set_state", status=201, also=(200,))
async def set_task_run_state(ctx: Context, id: UUID, body: SetState) -> Reply[OrchestrationResult]:
    """Propose a state; 201 if one was written, be it the proposed one or another in its place."""
    asker = Asker.of(ctx)
    try:
        outcome = await service.set_state(ctx.store, id, proposed(body.state, asker.now), force=body.force, asker=asker)
    except ObjectNotFound:
        told = await service.told_to_end(ctx.store, id)
        if told is None:
            raise
        outcome = told
    return Reply(outcome.result, status=outcome.http_status)
