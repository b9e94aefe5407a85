"""`/x/task_runs`: how headrace's own workers begin background tasks and keep them."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.states.proposals import Asker
from headrace.server.task_runs import background
from headrace.wire.background_tasks import TaskBegin, TaskLeaseRenewal, TaskLeasesEnded
from headrace.wire.orchestration import OrchestrationResult

router = Router(prefix="/x/task_runs", tag="Headrace")


@router.post("/{id}/begin")
async def begin_task_run(ctx: Context, id: UUID, body: TaskBegin) -> OrchestrationResult:
    """Begin a run that was delivered; ABORT if the delivery has ended."""
    return (await background.begin(ctx.store, id, body, Asker.of(ctx))).result


@router.post("/leases")
async def renew_task_leases(ctx: Context, body: TaskLeaseRenewal) -> TaskLeasesEnded:
    """Keep the runs that a worker executes, and hear which are not its any more."""
    return TaskLeasesEnded(ended=await background.renew(ctx.store, body, Asker.of(ctx)))
