"""A durable consumer of the log: one transaction takes a batch, has it handled, and moves the consumer's place.

Whatever dies, an event is handled once: what the handler writes, what is parked, and how far the consumer has come
commit together. Of several servers one works at a time; the others pass by.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from headrace.rules.ordering import arrange
from headrace.server.events.consumers import followers, queries
from headrace.server.events.consumers.entries import ENTRIES, Entry
from headrace.server.events.consumers.queries import Pending, Place
from headrace.server.events.quarantine import service as quarantine
from headrace.server.events.quarantine.entries import Entry as Quarantined
from headrace.server.events.reading import Reader
from headrace.server.store.base import Connection, Store, Topic
from headrace.wire.errors import InternalError, RequestError, ServiceUnavailable
from headrace.wire.times import now as current_moment

BATCH = 250
"""Events in one transaction, and as many that they release: on SQLite it holds the only writer for so long."""

LONG_TURN = 0.05
"""Seconds of work that one transaction should not exceed."""

SWEEP, SWEEP_SECONDS = 5_000, 5.0
"""At most so many are released for having waited too long, and how often that is looked after."""

_log = logging.getLogger("headrace.server.events")


IDLE_SECONDS = 0.1
"""While nobody wants events, so much time passes between two looks whether somebody does."""


class Refused(msgspec.Struct, frozen=True):
    """An event that a handler could not handle, and why; it is set aside, and the others are not held up."""

    entry: Entry
    reason: str


class Handler(Protocol):
    """What a consumer does with events."""

    async def wants_any(self, connection: Connection) -> bool:
        """Whether there is anybody for whom events are looked at; if not, they are passed over unread."""
        ...

    async def handle(self, transaction: Connection, entries: Sequence[Entry], clock: datetime) -> Sequence[Refused]:
        """Handle events in this order, in this transaction; `clock` is how far the log had come before them."""
        ...


class Consumer:
    """Carries the events of the log to a handler. `turn` is called again and again, by one task.

    `wishes` is the topic that is announced when the handler may want other events than before.
    """

    def __init__(
        self, store: Store, name: str, handler: Handler, *, wishes: Topic | None = None, batch: int = BATCH
    ) -> None:
        self.name = name
        self._store, self._handler = store, handler
        self._wishes = None if wishes is None else store.announced(wishes)
        self._reader = Reader(store, "events", ENTRIES.columns(), 0)
        self._most = self._limit = batch
        self._failing = False
        self._sweep_due = self._idle_until = 0.0

    @property
    def held_up(self) -> bool:
        """Whether what is next waits for a transaction that may still write below it: nobody tells when it ends."""
        return self._reader.held_up

    async def turn(self) -> bool:
        """Handle one batch; whether there is more to do at once.

        A batch that the database refuses is tried again in smaller ones, until the event alone that cannot be
        handled is set aside.
        """
        wished = self._wishes is not None and self._wishes.heard()
        if time.monotonic() < self._idle_until and not wished:
            return False
        pending = await self._look()
        sweep = pending.parked and time.monotonic() >= self._sweep_due
        if not (pending.fresh or pending.ready or sweep):
            return False
        if not await self._handler.wants_any(self._store):
            self._idle_until = time.monotonic() + IDLE_SECONDS
            return await self._pass_over()
        if sweep:
            return await self._sweep(pending)
        began = time.thread_time()
        try:
            more = await self._take_batch(pending)
        except ServiceUnavailable:
            raise
        except (RequestError, InternalError):
            if self._limit == 1:
                self._failing = True
                raise
            self._limit = max(1, self._limit // 8)
            return True
        self._failing = False
        self._adapt(time.thread_time() - began)
        return more

    def _adapt(self, seconds: float) -> None:
        """Take fewer events at a time where much follows from each: nobody else is served meanwhile."""
        if seconds > LONG_TURN:
            self._limit = max(1, self._limit // 2)
        elif seconds < LONG_TURN / 4:
            self._limit = min(self._limit * 2, self._most)

    async def _look(self) -> Pending:
        row = await self._store.fetch_one(queries.LOOK, self.name)
        if row is None:
            await self._store.execute(queries.ADD, self.name, current_moment())
            return Pending(0, fresh=True, ready=False, parked=False)
        return queries.PENDING.one(row, self._store.dialect)

    async def _take_batch(self, pending: Pending) -> bool:
        now = current_moment()
        async with self._store.transaction() as transaction:
            place = await self._claim(transaction)
            if place is None:
                return False
            self._reader.cursor = place.seq
            if pending.ready:
                taken = free = await followers.take_ready(transaction, self.name, self._limit)
            else:
                rows = await self._reader.read(self._limit, transaction)
                taken = ENTRIES.all(rows, transaction.dialect)
                # Asked after they are read: whoever has committed a wish before sending an event gets it.
                if not await self._handler.wants_any(transaction):
                    return True
                free = await self._park(transaction, taken, now)
            partial = False
            if free and (pending.parked or len(free) < len(taken)):
                wave = await followers.release(transaction, self.name, [entry.id for entry in free], self._limit)
                free, partial = [*free, *wave.entries], wave.partial
            if taken:
                await self._handle(transaction, place, free, now)
        return partial or pending.ready or len(taken) == self._limit

    async def _park(self, transaction: Connection, fresh: Sequence[Entry], now: datetime) -> list[Entry]:
        """Those that can be handled, in their order; the others are kept until their leader has been handled."""
        waits = await followers.waiting_test(transaction, self.name, fresh, self._reader.cursor, now)
        arranged = arrange(fresh, waits)
        if arranged.parked:
            await followers.park(transaction, self.name, arranged.parked)
        return arranged.handled

    async def _handle(self, transaction: Connection, place: Place, entries: Sequence[Entry], now: datetime) -> None:
        refused: Sequence[Refused] = ()
        if self._failing:
            # It was alone, and was tried twice.
            refused = [Refused(entry, "the database refuses what follows from it") for entry in entries]
        elif entries:
            refused = await self._handler.handle(transaction, entries, place.clock or entries[0].received)
        if refused:
            await self._set_aside(transaction, refused, now)
        counts = len(entries) - len(refused), len(refused)
        await transaction.execute(queries.ADVANCE, self.name, self._reader.cursor, *counts, now)

    async def _set_aside(self, transaction: Connection, refused: Sequence[Refused], now: datetime) -> None:
        kept = [
            Quarantined(self.name, one.entry.id, one.entry.event, one.entry.seq, one.reason, one.entry.as_json())
            for one in refused
        ]
        await quarantine.add(transaction, kept, now)
        for one in refused:
            facts = {"consumer": self.name, "event_id": str(one.entry.id), "reason": one.reason}
            _log.error("event_quarantined", extra=facts)

    async def _sweep(self, pending: Pending) -> bool:
        """Release those that have waited long enough."""
        async with self._store.transaction() as transaction:
            place = await self._claim(transaction)
            if place is None:
                return False
            clock = (place.clock if pending.fresh else None) or current_moment()
            released = await followers.give_up(transaction, self.name, clock, SWEEP)
        if released < SWEEP:
            self._sweep_due = time.monotonic() + SWEEP_SECONDS
        return True

    async def _pass_over(self) -> bool:
        """Go to the end of the log without looking at events that nobody wants."""
        before = await self._look()
        self._reader.cursor = before.seq
        if not await self._reader.skip():
            return False
        row = await self._store.scan(queries.BETWEEN, before.seq, self._reader.cursor)
        # Whoever has wished for events meanwhile wants those after its wish, which may be among these.
        async with self._store.transaction() as transaction:
            place = await self._claim(transaction)
            if place is None or place.seq != before.seq or await self._handler.wants_any(transaction):
                return place is not None
            passed = row[0][0] + await transaction.execute(queries.FORGET, self.name)
            await transaction.execute(queries.ADVANCE, self.name, self._reader.cursor, passed, 0, current_moment())
        return False

    async def _claim(self, transaction: Connection) -> Place | None:
        row = await transaction.fetch_one(queries.CLAIM, self.name)
        return None if row is None else queries.PLACES.one(row, transaction.dialect)
