"""`POST /events`: many events at once."""

from headrace.server.context import Context
from headrace.server.events.envelope import IncomingEvent
from headrace.server.events.ingest import accept
from headrace.server.http.routing import Router

router = Router(prefix="/events", tag="Events")


@router.post("", status=204)
async def create_events(ctx: Context, body: list[IncomingEvent]) -> None:
    """Take events in. They are durable when the answer is sent; one that was taken in before is ignored."""
    await accept(ctx.store, body)
