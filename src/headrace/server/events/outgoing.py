"""`/events/out`: events as they come, behind those of the last minutes (contract §2).

The client's place in the log is taken first. What lies before it is sent in the order in which it occurred, what comes
behind it in the order of the log: nothing falls between the two, and nothing is sent twice.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from headrace.rules.event_matching import EventTest, compile_filter
from headrace.server.context import Context
from headrace.server.events.following import EventSource
from headrace.server.events.queries import Place, Window
from headrace.server.http.sockets import Socket
from headrace.server.streams.delivery import TRY_LATER, lost, read_filter_frame, until_gone
from headrace.server.streams.tail import Follower, Item, Tail
from headrace.wire.events import ReceivedEvent
from headrace.wire.filters.events import EventFilter, EventOccurredFilter
from headrace.wire.times import now

LOOK_BACK = timedelta(minutes=15)
"""How far back a stream reaches."""

PAGE = 250
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class _Request(msgspec.Struct):
    filter: EventFilter
    backfill: bool = True


_decoder = msgspec.json.Decoder(_Request)


class EventStream:
    """Serves `/events/out` to any number of clients from one tail."""

    def __init__(self, source: EventSource, tail: Tail[ReceivedEvent]) -> None:
        self._source, self._tail = source, tail

    async def __call__(self, ctx: Context, socket: Socket) -> None:
        """Serve one client until it goes away."""
        request: _Request | None = await read_filter_frame(socket, _decoder)
        if request is not None:
            await until_gone(socket, self._send(socket, request))

    async def _send(self, socket: Socket, request: _Request) -> None:
        changed = asyncio.Event()
        window = _window(request.filter, now())
        occurred = EventOccurredFilter(since=window.since, until=window.until)
        live = compile_filter(msgspec.structs.replace(request.filter, occurred=occurred), related=False)
        async with self._tail.listening(changed):
            follower = self._tail.follow()
            if request.backfill:
                await self._backfill(socket, request.filter, window, follower.position.seq)
            await _follow(socket, follower, live, changed)

    async def _backfill(self, socket: Socket, wanted: EventFilter, window: Window, last: int) -> None:
        """Send what was in the log when the client came, up to number `last`, in the order in which it occurred."""
        after = None
        while page := await self._source.page(wanted, window, after, PAGE):
            await _send_all(socket, [item for item in page if item.position.seq <= last], lambda event: True)
            if len(page) < PAGE:
                return
            after = Place(page[-1].value.occurred, page[-1].position.seq)


async def _follow(socket: Socket, follower: Follower[ReceivedEvent], test: EventTest, changed: asyncio.Event) -> None:
    while True:
        changed.clear()
        reading = await follower.read(PAGE)
        if reading.gap is not None:
            await socket.close(TRY_LATER, lost("Events", reading.gap))
            return
        await _send_all(socket, reading.items, test)
        if not follower.behind:
            await changed.wait()


async def _send_all(socket: Socket, items: Sequence[Item[ReceivedEvent]], test: EventTest) -> None:
    await socket.send_many(item.frame for item in items if test(item.value))
    await asyncio.sleep(0)


def _window(wanted: EventFilter, moment: datetime) -> Window:
    """The time in which events are sent: no stream begins before its look-back."""
    occurred = wanted.occurred or EventOccurredFilter()
    earliest = moment - LOOK_BACK
    since = earliest if occurred.since is None else max(occurred.since, earliest)
    return Window(since, _END_OF_TIME if occurred.until is None else occurred.until)
