"""Calls that ask the log of events (contract §6.2)."""

from urllib.parse import parse_qs, urlsplit

from headrace.client._async.base import Part
from headrace.wire.events import (
    EVENT_PAGE,
    Countable,
    EventCount,
    EventCountRequest,
    EventListRequest,
    EventPage,
    TimeUnit,
)
from headrace.wire.filters import EventFilter


class EventLogCalls(Part):
    """The events that the API keeps."""

    async def read_events(self, filter: EventFilter | None = None, limit: int = EVENT_PAGE) -> EventPage:
        """The first page of the events that match, at most 50 on it, the newest first unless the filter says."""
        body = EventListRequest(filter=filter, limit=min(limit, EVENT_PAGE))
        return await self._call("POST", "/events/filter", EventPage, body=body)

    async def read_events_page(self, next_page_url: str) -> EventPage:
        """The page that another one names as its `next_page`."""
        query = urlsplit(next_page_url).query
        return await self._call("GET", "/events/filter/next", EventPage, query={"page-token": _token_of(query)})

    async def count_events(
        self,
        filter: EventFilter,
        countable: Countable = Countable.DAY,
        time_unit: TimeUnit = TimeUnit.DAY,
        time_interval: float = 1.0,
    ) -> list[EventCount]:
        """How many events that match there are of each name, of each resource or in each span of time."""
        body = EventCountRequest(filter=filter, time_unit=time_unit, time_interval=time_interval)
        return await self._call("POST", f"/events/count-by/{countable}", list[EventCount], body=body)


def _token_of(query: str) -> str:
    """The page token in the query of a URL."""
    return parse_qs(query).get("page-token", [""])[0]
