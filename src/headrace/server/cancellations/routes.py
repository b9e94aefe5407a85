"""`/x/flow_runs/{id}/cancellation`: how the cancelling of a flow run goes."""

from uuid import UUID

from headrace.server.cancellations import service
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.cancellations import Cancellation, CancellationStep

router = Router(prefix="/x/flow_runs", tag="Headrace")


@router.get("/{id}/cancellation")
async def read_flow_run_cancellation(ctx: Context, id: UUID) -> Cancellation:
    """When and by whom it was asked for, who was told and who ended the processes, and how the tree stands."""
    return await service.read(ctx.store, id)


@router.post("/{id}/cancellation", status=204)
async def note_flow_run_cancellation(ctx: Context, id: UUID, body: CancellationStep) -> None:
    """Note what whoever looks after the run's processes has done to end them."""
    await service.note(ctx.store, id, body, ctx.received)
