"""Pages of events (contract §6.2).

A page ends at a place in the log, not at a count of events, so that events that come in meanwhile neither shift the
next page nor come twice. What a filter leaves to the moment of the request is said in the token of the next page.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Annotated
from zlib import compress, decompressobj
from zlib import error as ZlibError

import msgspec

from headrace.server.events import queries
from headrace.server.events.lookups import find_narrow_lookup
from headrace.server.events.queries import Place, Window
from headrace.server.events.rows import read_rows
from headrace.server.store.base import Store
from headrace.wire.base import assume_utc, encode
from headrace.wire.errors import Forbidden
from headrace.wire.events import EVENT_PAGE, ReceivedEvent
from headrace.wire.filters import EventFilter, EventOccurredFilter

_LOOK_BACK = timedelta(days=180)
_LONGEST_TOKEN = 4_000_000
"""No more bytes of JSON are unpacked from a token, whatever it holds."""


class NextPage(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the token of a page says: what is asked, how many events match, and where the page before ended."""

    filter: EventFilter
    total: Annotated[int, msgspec.Meta(ge=0)]
    limit: Annotated[int, msgspec.Meta(ge=1, le=EVENT_PAGE)]
    occurred: datetime
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**62)]

    def __post_init__(self) -> None:
        assume_utc(self)

    @property
    def token(self) -> str:
        """The token, safe in a URL, and packed, as long URLs are refused on their way and filters may be long."""
        return urlsafe_b64encode(compress(encode(self))).decode().rstrip("=")


class FoundPage(msgspec.Struct, frozen=True):
    """Some of the `total` events that match, and what there is to ask for more, if there is more."""

    events: list[ReceivedEvent]
    total: int
    next: NextPage | None


def window_of(wanted: EventFilter, now: datetime) -> Window:
    """When the events occurred; by default from the midnight (UTC) 180 days ago until now."""
    occurred = wanted.occurred or EventOccurredFilter()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(occurred.since or midnight - _LOOK_BACK, occurred.until or now)


async def first_page(store: Store, wanted: EventFilter, limit: int, now: datetime) -> FoundPage:
    """The first `limit` events that match, in the filter's order."""
    return await _page(store, wanted, window_of(wanted, now), limit, None)


async def page_of_token(store: Store, token: str) -> FoundPage:
    """The page that a token stands for; raises `Forbidden` for a text that is not one."""
    asked = read_token(token)
    window = window_of(asked.filter, asked.occurred)
    return await _page(store, asked.filter, window, asked.limit, asked)


def read_token(token: str) -> NextPage:
    """What a token says, or raise `Forbidden`."""
    try:
        packed = decompressobj()
        said = packed.decompress(urlsafe_b64decode(token + "=" * (-len(token) % 4)), _LONGEST_TOKEN)
        return msgspec.json.decode(said, type=NextPage)
    except (ValueError, ZlibError, msgspec.DecodeError, RecursionError):
        raise Forbidden("This page token is not one of ours: ask for the first page again.") from None


async def _page(store: Store, wanted: EventFilter, window: Window, limit: int, before: NextPage | None) -> FoundPage:
    after = None if before is None else Place(before.occurred, before.seq)
    begin = await find_narrow_lookup(store, wanted)
    statement, values = queries.page(store.dialect, wanted, window, limit + 1, after, begin)
    rows = await store.scan(statement, *values) if limit else []
    shown = rows[:limit]
    if before is not None:
        total = before.total
    elif limit and len(rows) <= limit:
        total = len(rows)
    else:
        statement, values = queries.count(store.dialect, wanted, window, begin)
        total = (await store.scan(statement, *values))[0][0]
    events = read_rows(shown, store.dialect)
    if len(rows) == len(shown):
        return FoundPage(events, total, None)
    asked = msgspec.structs.replace(wanted, occurred=EventOccurredFilter(since=window.since, until=window.until))
    end = events[-1].occurred, shown[-1][0]
    return FoundPage(events, total, NextPage(filter=asked, total=total, limit=limit, occurred=end[0], seq=end[1]))
