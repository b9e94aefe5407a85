"""What can be subscribed to: each channel picks its items from one log."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar, assert_never

import msgspec

from headrace.rules.event_matching import compile_filter
from headrace.rules.log_matching import compile_log_filter
from headrace.server.streams.positions import Position
from headrace.server.streams.tail import Item, Tail
from headrace.server.subscriptions.run_changes import compile_run_filter, run_change
from headrace.wire.base import encode_text
from headrace.wire.events import ReceivedEvent
from headrace.wire.filters import LogFilter
from headrace.wire.filters.events import EventFilter
from headrace.wire.logs import Log
from headrace.wire.stream_errors import InvalidStreamFilter
from headrace.wire.streams import Channel, RunChangeFilter

Filter = TypeVar("Filter")
Pick = Callable[[Item[Any]], str | None]
"""The JSON of what an item is to a subscription, or None if it is not asked for."""


class Past(Protocol):
    """Knows where in a log a time begins."""

    async def before(self, since: datetime) -> Position | None: ...


class Channels:
    """The tails of one process, by channel."""

    def __init__(self, events: Tail[ReceivedEvent], event_past: Past, logs: Tail[Log], log_past: Past) -> None:
        self._events, self._event_past = events, event_past
        self._logs, self._log_past = logs, log_past

    def tail(self, channel: Channel) -> Tail[Any]:
        """The log that a channel is a part of."""
        return self._logs if channel is Channel.LOGS else self._events

    async def beginning(self, channel: Channel, since: datetime) -> Position | None:
        """A place in the channel's log before all that happened at `since` or later, None if nothing has."""
        past = self._log_past if channel is Channel.LOGS else self._event_past
        return await past.before(since)

    @staticmethod
    def pick(channel: Channel, given: msgspec.Raw) -> Pick:
        """What a filter of the channel picks; raises `InvalidStreamFilter` for one that is none."""
        match channel:
            case Channel.EVENTS:
                wanted = compile_filter(_read(given, EventFilter, channel))
                return lambda item: item.text if wanted(item.value) else None
            case Channel.LOGS:
                asked = compile_log_filter(_read(given, LogFilter, channel))
                return lambda item: item.text if asked(item.value) else None
            case Channel.RUNS:
                test = compile_run_filter(_read(given, RunChangeFilter, channel))

                def picked(item: Item[ReceivedEvent]) -> str | None:
                    change = run_change(item.value)
                    return encode_text(change) if change is not None and test(change) else None

                return picked
            case _:
                assert_never(channel)


def _read(given: msgspec.Raw, kind: type[Filter], channel: Channel) -> Filter:
    try:
        found = msgspec.json.decode(given, type=kind | None)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidStreamFilter(
            f"This is no filter of the channel {channel.value} ({error}): send {kind.__name__}, or {{}} for everything."
        ) from error
    return kind() if found is None else found
