"""`/events`: many at once are taken in, and the log is asked."""

from typing import Annotated

from headrace.server.context import Context
from headrace.server.events import counting, listing
from headrace.server.events.envelope import IncomingEvent
from headrace.server.events.ingest import accept
from headrace.server.events.listing import FoundPage
from headrace.server.http.routing import Key, Router
from headrace.wire.events import Countable, EventCount, EventCountRequest, EventListRequest, EventPage
from headrace.wire.filters import EventFilter

router = Router(prefix="/events", tag="Events")

_LIST, _ANY = EventListRequest(), EventFilter()


@router.post("", status=204)
async def create_events(ctx: Context, body: list[IncomingEvent]) -> None:
    """Take events in. They are durable when the answer is sent; one that was taken in before is ignored."""
    await accept(ctx, body)


@router.post("/filter")
async def read_events(ctx: Context, body: EventListRequest = _LIST) -> EventPage:
    """The first page of the events that match, and how many there are."""
    return _answer(ctx, await listing.first_page(ctx.store, body.filter or _ANY, body.limit, ctx.received))


@router.get("/filter/next")
async def read_next_events(ctx: Context, page_token: Annotated[str, Key("page-token")]) -> EventPage:
    """The page that another page named as its next."""
    return _answer(ctx, await listing.page_of_token(ctx.store, page_token))


@router.post("/count-by/{countable}")
async def count_events(ctx: Context, countable: Countable, body: EventCountRequest) -> list[EventCount]:
    """How many of the events that match there are in each span of time, of each name or of each resource."""
    return await counting.count(ctx.store, countable, body, ctx.received)


def _answer(ctx: Context, page: FoundPage) -> EventPage:
    url = None if page.next is None else f"{ctx.base_url}/events/filter/next?page-token={page.next.token}"
    return EventPage(events=page.events, total=page.total, next_page=url)
