"""Following events as they come, and sending them one by one (contract §2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

import msgspec

from headrace.client.streams import Conversation, StreamEnded, stream
from headrace.sdk.emitting import emit
from headrace.sdk.event_types import Event, ReceivedEvent
from headrace.sdk.session import PATIENCE, session
from headrace.settings import Settings, current
from headrace.wire.chance import CHANCE
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.filters import EventFilter, EventOccurredFilter
from headrace.wire.times import now

_LOOK_BACK = timedelta(minutes=1)
"""How far back a subscription begins, and how far before the last event it was given it begins again."""
_HORIZON = timedelta(days=365)
_REMEMBERED = 50_000
"""Ids of events that were given, so that one that comes again after a reconnection is not given twice."""
_LONGEST_PAUSE = 10.0


class _Frame(msgspec.Struct):
    event: ReceivedEvent


_read = msgspec.json.Decoder(_Frame).decode


class EventSubscriber:
    """The events that match a filter, from a minute ago on and then as they come, each once.

    A connection that breaks is made again, up to `reconnection_attempts` times in a row, and what came meanwhile is
    given then. The iteration ends when the server ends the stream, unless `reconnect_on_clean_close`.

    >>> async with get_events_subscriber(EventFilter(event=EventNameFilter(prefix=["order."]))) as events:
    ...     async for event in events:
    ...         print(event.event, event.resource.id)
    """

    def __init__(
        self,
        filter: EventFilter | None = None,
        reconnection_attempts: int = 10,
        reconnect_on_clean_close: bool = False,
        *,
        settings: Settings | None = None,
    ) -> None:
        self._filter = filter or EventFilter()
        self._attempts = reconnection_attempts
        self._beyond_goodbye = reconnect_on_clean_close
        self._settings = settings or current()
        self._given: OrderedDict[UUID, None] = OrderedDict()
        self._latest: datetime | None = None
        self._open = contextlib.AsyncExitStack()
        self._conversation: Conversation | None = None

    async def __aenter__(self) -> Self:
        await self._connect(self._attempts)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hang_up()

    def __aiter__(self) -> AsyncIterator[ReceivedEvent]:
        return self

    async def __anext__(self) -> ReceivedEvent:
        while True:
            try:
                event = await self._next()
            except StreamEnded as end:
                if end.clean and not self._beyond_goodbye:
                    raise StopAsyncIteration from None
                if self._attempts <= 0:
                    raise
                await self._connect(self._attempts)
                continue
            if event.id not in self._given:
                self._note(event)
                return event

    async def _next(self) -> ReceivedEvent:
        if self._conversation is None:
            raise RuntimeError("A subscription is entered first: `async with get_events_subscriber() as events`.")
        return _read(await self._conversation.receive()).event

    async def _connect(self, attempts: int) -> None:
        """Open the stream, and again after growing pauses. Raises `ServiceUnavailable` after the last attempt."""
        for attempt in range(attempts + 1):
            await self._hang_up()
            try:
                conversation = await self._open.enter_async_context(stream("/events/out", self._settings))
                await conversation.send({"type": "filter", "filter": self._wanted(), "backfill": True})
                self._conversation = conversation
                return
            except ServiceUnavailable:
                if attempt == attempts:
                    raise
                await asyncio.sleep(min(0.1 * 2**attempt, _LONGEST_PAUSE) * CHANCE.uniform(0.75, 1.25))

    async def _hang_up(self) -> None:
        self._conversation = None
        await self._open.aclose()

    def _wanted(self) -> EventFilter:
        asked = self._filter.occurred or EventOccurredFilter()
        since = asked.since or now() - _LOOK_BACK
        if self._latest is not None:
            since = max(since, self._latest - _LOOK_BACK)
        occurred = EventOccurredFilter(since=since, until=asked.until or now() + _HORIZON)
        return msgspec.structs.replace(self._filter, occurred=occurred)

    def _note(self, event: ReceivedEvent) -> None:
        self._given[event.id] = None
        if len(self._given) > _REMEMBERED:
            self._given.popitem(last=False)
        self._latest = event.occurred if self._latest is None else max(self._latest, event.occurred)


class EventsClient:
    """Sends events; when its `with` block is left, the API has stored what was emitted in it.

    >>> async with get_events_client() as client:
    ...     await client.emit(Event(event="order.shipped", resource={"prefect.resource.id": "acme.order.17"}))
    """

    def __init__(self) -> None:
        self._session = session()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        recorder = self._session.recorder
        if not await asyncio.to_thread(recorder.flush, PATIENCE):
            raise ServiceUnavailable(f"{recorder.pending} events were not recorded within {PATIENCE:g} seconds.")

    async def emit(self, event: Event) -> None:
        """Take an event to be sent, in order, in the background."""
        emit(event, self._session)


def get_events_client() -> EventsClient:
    """Sends events to the API that the settings name."""
    return EventsClient()


def get_events_subscriber(
    filter: EventFilter | None = None, reconnection_attempts: int = 10, reconnect_on_clean_close: bool = False
) -> EventSubscriber:
    """Follows the events of the API that the settings name; see `EventSubscriber`."""
    return EventSubscriber(filter, reconnection_attempts, reconnect_on_clean_close)
