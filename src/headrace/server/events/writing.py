"""Writes what has arrived: the log, what task runs report, and what cannot be taken in, in one transaction."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import reduce

import msgspec

from headrace.server.events.arrivals import Arrival, Refusal
from headrace.server.events.log import append
from headrace.server.events.quarantine import service as quarantine
from headrace.server.events.quarantine.entries import INGEST, TASK_RUN_RECORDER, Entry
from headrace.server.store.base import Store
from headrace.server.task_runs.recording import service as recording
from headrace.wire.errors import Conflict, InternalError, RequestError, ServiceUnavailable, StorageFull
from headrace.wire.times import now

Item = Arrival | Refusal

BATCH = 500
"""Most events in one transaction: on SQLite, writing them keeps others from the event loop for some milliseconds."""

_ATTEMPTS = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0

_log = logging.getLogger("headrace.server.events")


class Outcome(msgspec.Struct, frozen=True):
    """What became of what arrived: new in the log, there already, kept aside."""

    persisted: int = 0
    duplicates: int = 0
    quarantined: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.persisted + other.persisted, self.duplicates + other.duplicates, self.quarantined + other.quarantined
        )


async def persist(store: Store, items: Sequence[Item], patience: float = 0.0) -> Outcome:
    """Write all of it; it is durable when this returns.

    While the database is away it is tried again for `patience` seconds. Then, or at once if the disk is full,
    `ServiceUnavailable` is raised; what was written until then is there, and sending it again changes nothing.
    """
    deadline = asyncio.get_running_loop().time() + patience
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    return reduce(Outcome.__add__, [await _patiently(store, batch, deadline) for batch in batches], Outcome())


async def _patiently(store: Store, items: Sequence[Item], deadline: float) -> Outcome:
    pause = _FIRST_PAUSE
    while True:
        try:
            return await _write(store, items)
        except StorageFull:
            raise
        except ServiceUnavailable as error:
            if asyncio.get_running_loop().time() + pause > deadline:
                raise
            if pause == _LONGEST_PAUSE:
                _log.warning("Events wait for the database: %s", error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _write(store: Store, items: Sequence[Item]) -> Outcome:
    """Write them together or, where the database refuses that, in halves until what it refuses is alone."""
    try:
        return await _write_together(store, items)
    except (RequestError, InternalError) as error:
        if len(items) == 1:
            return await _keep_aside(store, items[0], error)
    half = len(items) // 2
    return await _write(store, items[:half]) + await _write(store, items[half:])


async def _write_together(store: Store, items: Sequence[Item]) -> Outcome:
    """In one transaction, again where another server that records the same runs has come between."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(Conflict):
            return await _write_once(store, items)
    return await _write_once(store, items)


async def _write_once(store: Store, items: Sequence[Item]) -> Outcome:
    arrivals = [item for item in items if isinstance(item, Arrival)]
    aside = [entry for item in items if (entry := _entry(item)) is not None]
    async with store.transaction() as transaction:
        await recording.record(transaction, [arrival.report for arrival in arrivals if arrival.report is not None])
        added = await append(transaction, [arrival.event for arrival in arrivals], now())
        await quarantine.add(transaction, aside, now())
    for entry in aside:
        _log.warning("Quarantined event %s (%s) for the %s: %s", entry.event_id, entry.event, entry.whom, entry.reason)
    return Outcome(added, len(arrivals) - added, len(items) - len(arrivals))


async def _keep_aside(store: Store, item: Item, error: Exception) -> Outcome:
    """What the database refuses about one event: its report, or else the event itself."""
    match item:
        case Arrival(report=None) as arrival:
            event = arrival.event
            return await _write_together(store, [Refusal(str(error), arrival.body(), event.id, event.event)])
        case Arrival() as arrival:
            return await _write(store, [Arrival(arrival.event, malformed=str(error))])
        case Refusal():
            raise error


def _entry(item: Item) -> Entry | None:
    match item:
        case Refusal():
            return Entry(INGEST, item.event_id, item.event, None, item.reason, item.body)
        case Arrival():
            if item.malformed is None:
                return None
            return Entry(TASK_RUN_RECORDER, item.event.id, item.event.event, None, item.malformed, item.body())
