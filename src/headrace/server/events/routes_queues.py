"""`/x/queues`: how far the server is with the events that have arrived."""

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.wire.queues import Queues

router = Router(prefix="/x", tag="Headrace")


@router.get("/queues")
async def read_queues(ctx: Context) -> Queues:
    """What waits to be written, how long the log is, and how far each of its consumers has come."""
    from headrace.server.events import queues

    return await queues.read(ctx.store, ctx.received)
