"""Ends events whose time is over, with all that is kept about them, a batch at a time.

What counts is when the server took an event in: one whose clock is wrong, or that tells of last year, is kept as
long as any other. Where names have periods of their own, it must also have occurred so long ago, because by name
events are found in the order in which they occurred.

An event stays until every consumer of the log has handled it, however old it is. A consumer that has not moved for
as long as events are kept is switched off, and is not waited for.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from headrace.rules.retention import Retention
from headrace.server.store.base import Connection, Dialect, Row, Statement, Store, View
from headrace.server.store.batches import batch_delete
from headrace.server.streams import trims
from headrace.wire.events import RESOURCE_ID
from headrace.wire.times import from_micros

BATCH = 1_000
"""Events that one transaction ends: on SQLite it keeps others from the event loop for some milliseconds."""

_OVER = "received < $1 AND seq <= $2"
OLDEST = f"seq IN (SELECT seq FROM (SELECT seq, received FROM events ORDER BY seq LIMIT $3) AS oldest WHERE {_OVER})"
"""Of the first $3 in the log, those that came before $1 and that all have handled: they are up to $2."""
OF_ONE_NAME = f"event = $3 AND occurred < $1 AND {_OVER}"
"""Of those named $3, those that occurred and came before $1 and that all have handled."""

_ALL = 2**62
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_HANDLED = Statement(
    """
    SELECT coalesce(min(seq), $2) FROM (
        SELECT seq FROM event_consumers WHERE updated > $1
        UNION ALL
        SELECT (SELECT min(f.seq) - 1 FROM event_followers AS f WHERE f.consumer = c.name)
        FROM event_consumers AS c WHERE updated > $1
    ) AS done
    """
)
_NEXT_NAME = Statement("SELECT min(event) FROM events WHERE event > $1")
_FORGET = Statement(
    """
    DELETE FROM event_resources AS r
    USING unnest($1::text[], $2::timestamptz[], $3::bigint[]) AS gone (resource_id, occurred, seq)
    WHERE r.resource_id = gone.resource_id AND r.occurred = gone.occurred AND r.seq = gone.seq
    """
)
_FORGET_ONE = Statement("DELETE FROM event_resources WHERE resource_id = $1 AND occurred = $2 AND seq = $3")
_FORGET_ASIDE = "quarantined_at < $1"

_SIZES = "count(*), min(occurred), coalesce(sum(length(payload)), 0)"
_DUE = "SELECT occurred, payload FROM events WHERE {of}occurred < $1 ORDER BY occurred, seq LIMIT $2"
_TOTALS = Statement(f"SELECT {_SIZES} FROM ({_DUE.format(of='')}) AS due")
_TOTALS_OF_ONE = Statement(f"SELECT {_SIZES} FROM ({_DUE.format(of='event = $3 AND ')}) AS due")


class Totals(msgspec.Struct, frozen=True):
    """How many events are due, at least so many where `capped`, and how long their payloads are."""

    many: int
    oldest: datetime | None
    characters: int
    capped: bool

    def plus(self, other: "Totals") -> "Totals":
        """Both together."""
        moments = [moment for moment in (self.oldest, other.oldest) if moment is not None]
        return Totals(
            self.many + other.many,
            min(moments, default=None),
            self.characters + other.characters,
            self.capped or other.capped,
        )


_decode_related = msgspec.json.Decoder(list[dict[str, str]]).decode


async def trim(store: Store, retention: Retention, now: datetime, ended: Counter[str | None] | None = None) -> bool:
    """End one batch of the events of each name, and of those kept aside; True if there may be more.

    How many were ended is added to `ended`, by what of the retention says how long they are kept.
    """
    counted = Counter[str | None]() if ended is None else ended
    oldest = _before(now, retention.default)
    handled = (await store.fetch(_HANDLED, oldest, _ALL))[0][0]
    more = False
    async for source, condition, order, values in _conditions(store, retention, now, handled):
        many = await batch_delete(
            store,
            "events",
            condition,
            *values,
            key="seq",
            order=order,
            returning="seq, occurred, resource_id, related",
            following=partial(_forget, now=now),
            batch_size=BATCH,
            batches=1,
        )
        counted[source] += many
        more = more or many == BATCH
    aside = await batch_delete(store, "event_quarantine", _FORGET_ASIDE, oldest, batch_size=BATCH, batches=1)
    return more or aside == BATCH


async def _conditions(
    store: Store, retention: Retention, now: datetime, handled: int
) -> AsyncIterator[tuple[str | None, str, str, tuple[Any, ...]]]:
    if retention.uniform:
        yield None, OLDEST, "seq", (_before(now, retention.default), handled, BATCH)
        return
    async for name in _names(store):
        yield (
            retention.source(name),
            OF_ONE_NAME,
            "occurred, seq",
            (_before(now, retention.seconds(name)), handled, name),
        )


def _before(now: datetime, seconds: float) -> datetime:
    try:
        return now - timedelta(seconds=seconds)
    except OverflowError:
        return _BEGINNING


async def totals(view: View, retention: Retention, now: datetime, limit: int) -> Mapping[str | None, Totals]:
    """What is due of the events that occurred longest ago, by what of the retention says how long they are kept."""
    if retention.uniform:
        return {None: await _totals(view, "", _before(now, retention.default), limit)}
    found: dict[str | None, Totals] = {}
    name = ""
    while (name := (await view.scan(_NEXT_NAME, name))[0][0]) is not None:
        source = retention.source(name)
        here = await _totals(view, name, _before(now, retention.seconds(name)), limit)
        found[source] = here if source not in found else found[source].plus(here)
    return found


async def _totals(view: View, name: str, before: datetime, limit: int) -> Totals:
    statement, values = (_TOTALS_OF_ONE, (before, limit, name)) if name else (_TOTALS, (before, limit))
    many, oldest, characters = (await view.scan(statement, *values))[0]
    return Totals(many, from_micros(oldest) if isinstance(oldest, int) else oldest, characters, many == limit)


async def _names(store: Store) -> AsyncIterator[str]:
    """The names of the events in the log, each found by one step in an index."""
    name = ""
    while (row := await store.fetch_one(_NEXT_NAME, name)) is not None and row[0] is not None:
        name = row[0]
        yield name


async def _forget(transaction: Connection, rows: Sequence[Row], now: datetime) -> None:
    """What is kept about events that were deleted."""
    places = [place for row in rows for place in _places(row)]
    match transaction.dialect:
        case Dialect.POSTGRES:
            await transaction.execute(_FORGET, *map(list, zip(*places, strict=True)))
        case Dialect.SQLITE:
            await transaction.execute_many(_FORGET_ONE, places)
    await trims.note(transaction, "events", max(row[0] for row in rows), len(rows), now)


def _places(row: Row) -> Iterator[tuple[str, Any, int]]:
    seq, occurred, resource_id, related = row
    yield resource_id, occurred, seq
    for id in {resource[RESOURCE_ID] for resource in _decode_related(related)} - {resource_id}:
        yield id, occurred, seq
