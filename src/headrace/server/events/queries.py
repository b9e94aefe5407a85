"""Statements that ask the log (contract §6.2).

Each is put together from the parts of its filter. Filters of one shape give one text, whose plan the database keeps.
A filter that names ids is looked up by them; `begin` says where to begin with another, if that is known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from headrace.server.events.conditions import Values, conditions, forms_of
from headrace.server.events.lookups import Lookup, find_lookup
from headrace.server.events.rows import columns
from headrace.server.store.base import Dialect, Statement
from headrace.wire.filters import EventFilter, EventOrder

Bound = tuple[Statement, list[Any]]


class Place(msgspec.Struct, frozen=True):
    """Where a page ends: the time and number of its last event."""

    occurred: datetime
    seq: int


class Window(msgspec.Struct, frozen=True):
    """When the events occurred, inclusive at both ends."""

    since: datetime
    until: datetime


class _Source(msgspec.Struct, frozen=True):
    """The rows that match: from what, under which conditions. `row` has their `occurred` and `seq`.

    `joined` tells whether each event is there whole, as `e`.
    """

    tables: str
    where: list[str]
    row: str
    joined: bool

    def select(self, what: str) -> str:
        return f"SELECT {what} FROM {self.tables} WHERE {' AND '.join(self.where)}"


def page(
    dialect: Dialect, wanted: EventFilter, window: Window, limit: int, after: Place | None, begin: Lookup | None = None
) -> Bound:
    """At most `limit` rows of `columns` in the filter's order, from after a place on."""
    values = Values()
    source = _matching(dialect, wanted, _times(window, values), values, begin, in_order=True)
    descending = wanted.order is EventOrder.DESC
    if _is_distinct(wanted):
        source = _Source(f"({_first_of_each(source, descending)}) AS r", ["r.place = 1"], "r", False)
    source = _with_event(source)
    way, compare = ("DESC", "<") if descending else ("ASC", ">")
    row, where = source.row, list(source.where)
    if after is not None:
        where.append(f"({row}.occurred, {row}.seq) {compare} ({values.add(after.occurred)}, {values.add(after.seq)})")
    found = msgspec.structs.replace(source, where=where).select(columns("e"))
    text = f"{found} ORDER BY {row}.occurred {way}, {row}.seq {way} LIMIT {values.add(limit)}"
    return Statement(text), values.all


def count(dialect: Dialect, wanted: EventFilter, window: Window, begin: Lookup | None = None) -> Bound:
    """How many events match; with `distinct`, how many resources they are about."""
    values = Values()
    source = _matching(dialect, wanted, _times(window, values), values, begin)
    return Statement(source.select("count(DISTINCT e.resource_id)" if _is_distinct(wanted) else "count(*)")), values.all


def count_by_span(
    dialect: Dialect,
    wanted: EventFilter,
    window: Window,
    first: datetime,
    width: timedelta,
    begin: Lookup | None = None,
) -> Bound:
    """Rows of (number of a span, how many events), for spans of one width of which the first ends at `first`.

    Each span is counted along an index, which takes less than sorting all events into spans.
    """
    values = Values()
    since, until, last = values.add(window.since), values.add(min(first, window.until)), values.add(window.until)
    if dialect is Dialect.POSTGRES:
        first_span, moment, earlier = (
            f"0, {since}::timestamptz, {until}::timestamptz",
            "interval '1 microsecond'",
            "least",
        )
        step = f"{values.add(width)}::interval"
    else:
        first_span, moment, earlier = f"0, {since}, {until}", "1", "min"
        step = values.add(width // timedelta(microseconds=1))
    matching = _matching(dialect, wanted, ("s.since", "s.until"), values, begin)
    return Statement(
        f"WITH RECURSIVE s (number, since, until) AS (SELECT {first_span} UNION ALL"
        f" SELECT number + 1, until + {moment}, {earlier}(until + {step}, {last}) FROM s WHERE until < {last})"
        f" SELECT s.number, ({matching.select('count(*)')}) FROM s"
    ), values.all


def count_by_name(dialect: Dialect, wanted: EventFilter, window: Window, begin: Lookup | None = None) -> Bound:
    """Rows of (name, how many events, time of the first, time of the last)."""
    values = Values()
    if _asks_names_alone(wanted):
        return _count_along_names(dialect, wanted, window, values)
    source = _with_event(_matching(dialect, wanted, _times(window, values), values, begin))
    chosen = source.select("e.event, count(*), min(e.occurred), max(e.occurred)")
    return Statement(f"{chosen} GROUP BY e.event"), values.all


def _asks_names_alone(wanted: EventFilter) -> bool:
    """Whether the index of names and times answers everything."""
    return all(
        given is None for given in (wanted.id, wanted.resource, wanted.related, wanted.any_resource, wanted.text)
    )


def _count_along_names(dialect: Dialect, wanted: EventFilter, window: Window, values: Values) -> Bound:
    """From one name to the next along their index, for events are many and names are few."""
    within = " AND ".join(["m.event = e.event", *_within("m", _times(window, values))])
    moments = f"SELECT m.occurred FROM events AS m WHERE {within} ORDER BY m.occurred"
    chosen = " AND ".join(["e.event IS NOT NULL", *conditions(wanted, forms_of(dialect, values))])
    return Statement(
        "WITH RECURSIVE n (event) AS (SELECT min(event) FROM events UNION ALL"
        " SELECT (SELECT min(event) FROM events WHERE event > n.event) FROM n WHERE n.event IS NOT NULL)"
        " SELECT * FROM ("
        f"SELECT e.event, (SELECT count(*) FROM events AS m WHERE {within}) AS count,"
        f" ({moments} LIMIT 1) AS first, ({moments} DESC LIMIT 1) AS last FROM n AS e WHERE {chosen}"
        ") AS c WHERE c.first IS NOT NULL"
    ), values.all


def count_by_resource(dialect: Dialect, wanted: EventFilter, window: Window, begin: Lookup | None = None) -> Bound:
    """Rows of (id, how many events, time of the first, time of the last, labels of the resource then)."""
    values = Values()
    source = _with_event(_matching(dialect, wanted, _times(window, values), values, begin))
    counted = source.select("e.resource_id AS id, count(*) AS count, min(e.occurred) AS first, max(e.occurred) AS last")
    latest = (
        "SELECT n.resource FROM event_resources AS m JOIN events AS n ON n.seq = m.seq"
        " WHERE m.resource_id = c.id AND m.occurred = c.last AND m.position = 0 ORDER BY m.seq DESC LIMIT 1"
    )
    text = f"SELECT c.id, c.count, c.first, c.last, ({latest}) FROM ({counted} GROUP BY e.resource_id) AS c"
    return Statement(text), values.all


def _matching(
    dialect: Dialect,
    wanted: EventFilter,
    times: tuple[str, str],
    values: Values,
    begin: Lookup | None,
    *,
    in_order: bool = False,
) -> _Source:
    """The events between two times that match, each once.

    With `in_order` those found by one id come in the order of their index, and no more are looked at than are taken.
    """
    forms = forms_of(dialect, values)
    lookup = find_lookup(wanted) or begin
    if lookup is None:
        asked = list(conditions(wanted, forms))
        return _Source("events AS e", [*_within("e", times), *asked], "e", True)
    looked_up = [*lookup.conditions("r", forms), *_within("r", times)]
    tables = "event_resources AS r"
    if lookup.repeats and in_order and lookup.in_order:
        looked_up.append(_unrepeated(lookup, dialect, values))
    elif lookup.repeats:
        tables = f"(SELECT DISTINCT r.occurred, r.seq FROM {tables} WHERE {' AND '.join(looked_up)}) AS r"
        looked_up = ["TRUE"]
    asked = list(conditions(wanted, forms, lookup.criterion if lookup.exact else None))
    source = _Source(tables, [*looked_up, *asked], "r", False)
    return _with_event(source) if asked or _is_distinct(wanted) else source


def _with_event(source: _Source) -> _Source:
    """The same with the event of each row as `e`."""
    if source.joined:
        return source
    return _Source(f"{source.tables} JOIN events AS e ON e.seq = r.seq", source.where, source.row, True)


def _times(window: Window, values: Values) -> tuple[str, str]:
    return values.add(window.since), values.add(window.until)


def _within(row: str, times: tuple[str, str]) -> Sequence[str]:
    return f"{row}.occurred >= {times[0]}", f"{row}.occurred <= {times[1]}"


def _unrepeated(lookup: Lookup, dialect: Dialect, values: Values) -> str:
    """Only the first of the rows that an event has for one id."""
    same = "d.occurred = r.occurred AND d.seq = r.seq"
    found = " AND ".join([*lookup.conditions("d", forms_of(dialect, values)), same])
    return f"r.position = (SELECT min(d.position) FROM event_resources AS d WHERE {found})"


def _is_distinct(wanted: EventFilter) -> bool:
    return wanted.resource is not None and wanted.resource.distinct


def _first_of_each(source: _Source, descending: bool) -> str:
    """The rows that match with their place among those about the same resource, the first of them at 1."""
    way, row = "DESC" if descending else "ASC", source.row
    place = f"row_number() OVER (PARTITION BY e.resource_id ORDER BY {row}.occurred {way}, {row}.seq {way}) AS place"
    return source.select(f"{row}.occurred, {row}.seq, {place}")
