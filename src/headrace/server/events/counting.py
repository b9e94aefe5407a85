"""Counts of events by span of time, by name or by resource (contract §6.2)."""

from datetime import UTC, datetime, timedelta
from typing import assert_never

import msgspec

from headrace.server.events import queries
from headrace.server.events.listing import window_of
from headrace.server.events.lookups import Lookup, find_narrow_lookup
from headrace.server.events.queries import Window
from headrace.server.store.base import Row, Store
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.errors import Unprocessable
from headrace.wire.events import RESOURCE_NAMES, Countable, EventCount, EventCountRequest, TimeUnit

MOST_SPANS = 1_000
_ALIGNED_TO = datetime(2024, 4, 1, tzinfo=UTC)
"""A Monday at midnight: where a span of any unit begins."""
_MICROSECOND = timedelta(microseconds=1)
_UNITS = {
    TimeUnit.WEEK: timedelta(weeks=1),
    TimeUnit.DAY: timedelta(days=1),
    TimeUnit.HOUR: timedelta(hours=1),
    TimeUnit.MINUTE: timedelta(minutes=1),
    TimeUnit.SECOND: timedelta(seconds=1),
}


class _Counted(msgspec.Struct, frozen=True):
    value: str
    count: int
    first: datetime
    last: datetime
    labels: dict[str, str] | None = None

    @property
    def label(self) -> str:
        """The name that the resource last had, or what was counted where it has none."""
        names = (self.labels.get(label) for label in RESOURCE_NAMES) if self.labels else ()
        return next((name for name in names if name), self.value)


_GROUP = {"value": Kind.TEXT, "count": Kind.INTEGER, "first": Kind.TIME, "last": Kind.TIME}
_NAMES = Reader(_Counted, _GROUP)
_RESOURCES = Reader(_Counted, _GROUP | {"labels": JSON(dict[str, str])})


async def count(store: Store, by: Countable, asked: EventCountRequest, now: datetime) -> list[EventCount]:
    """How many of the events that match there are of each value.

    Spans of time come in their order, those without events too; names and resources the most frequent first.
    Raises `Unprocessable` where the window holds more than a thousand spans, whatever is counted by.
    """
    window = window_of(asked.filter, now)
    spans = _Spans.of(window, _width(by, asked), now)
    begin = await find_narrow_lookup(store, asked.filter)
    match by:
        case Countable.DAY | Countable.TIME:
            return await _by_span(store, asked, window, spans, begin)
        case Countable.EVENT:
            statement, values = queries.count_by_name(store.dialect, asked.filter, window, begin)
            return _by_frequency(_NAMES, await store.scan(statement, *values), store)
        case Countable.RESOURCE:
            statement, values = queries.count_by_resource(store.dialect, asked.filter, window, begin)
            return _by_frequency(_RESOURCES, await store.scan(statement, *values), store)
        case _:
            assert_never(by)


def _width(by: Countable, asked: EventCountRequest) -> timedelta:
    """How long a span is; raises `Unprocessable` for one that is longer than time is counted."""
    if by is Countable.DAY:
        return _UNITS[TimeUnit.DAY]
    try:
        return _UNITS[asked.time_unit] * asked.time_interval
    except OverflowError:
        raise _too_long() from None


class _Spans(msgspec.Struct, frozen=True):
    """The spans of a window: `many` of one width, the first of which begins at `start`."""

    start: datetime
    width: timedelta
    many: int

    @classmethod
    def of(cls, window: Window, width: timedelta, now: datetime) -> "_Spans":
        """The spans that begin before the window's end, and not after now."""
        before = (window.since - _ALIGNED_TO) // width
        until = -((_ALIGNED_TO - min(window.until, now)) // width)
        many = max(until - before, 0)
        if many > MOST_SPANS:
            raise Unprocessable(
                f"The given interval would create {many} buckets, which is too many. Please increase the interval"
                f" or reduce the time range to produce {MOST_SPANS} buckets or fewer."
            )
        try:
            spans = cls(_ALIGNED_TO + width * before, width, many)
            _ = spans.begins(many)
        except OverflowError:
            raise _too_long() from None
        return spans

    def begins(self, number: int) -> datetime:
        return self.start + self.width * number

    def ends(self, number: int) -> datetime:
        return self.begins(number + 1) - _MICROSECOND


def _too_long() -> Unprocessable:
    return Unprocessable("The given interval reaches beyond the years 1 to 9999. Please decrease it.")


async def _by_span(
    store: Store, asked: EventCountRequest, window: Window, spans: _Spans, begin: Lookup | None
) -> list[EventCount]:
    if not spans.many:
        return []
    covered = Window(window.since, min(window.until, spans.ends(spans.many - 1)))
    statement, values = queries.count_by_span(store.dialect, asked.filter, covered, spans.ends(0), spans.width, begin)
    counts = {row[0]: row[1] for row in await store.scan(statement, *values)}
    return [
        EventCount(
            value=str(number),
            label=spans.begins(number).isoformat(),
            count=counts[number],
            start_time=spans.begins(number),
            end_time=spans.ends(number),
        )
        for number in range(spans.many)
    ]


def _by_frequency(reader: Reader[_Counted], rows: list[Row], store: Store) -> list[EventCount]:
    found = sorted(reader.all(rows, store.dialect), key=lambda group: (-group.count, group.label))
    return [
        EventCount(value=group.value, label=group.label, count=group.count, start_time=group.first, end_time=group.last)
        for group in found
    ]
