"""The service that removes for good what was deleted, once it can no longer be asked back."""

import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta
from time import perf_counter
from typing import ClassVar
from uuid import UUID

from headrace.rules import pace
from headrace.rules.pace import Bounds, Pace
from headrace.server.latency.meter import meter_of
from headrace.server.operations import forgetting
from headrace.server.purge import batches, queries
from headrace.server.purge.batches import Batch
from headrace.server.purge.space import Room
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.store.base import Store, Topic
from headrace.settings import Settings
from headrace.wire.times import now

_FIRST_ROWS = 500
_BETWEEN_LISTENINGS, _LISTENING = 60.0, 1.5
"""Seconds between two pauses in which the purge listens to what requests take without it, and how long one is."""

_BETWEEN_TELLINGS, _BETWEEN_LOOKS = 10.0, 60.0

_log = logging.getLogger("headrace.server.purge")


class Purge(ExclusiveService):
    """Removes batch after batch, in as large pieces and with as short rests as others do not notice."""

    name: ClassVar[str] = "purge"
    topic = Topic.PURGE

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._terms = settings.server.services.purge
        self._kept = settings.server.operations
        most = self._terms.batch_size
        self._bounds = Bounds(
            fewest=min(Bounds().fewest, most),
            most=most,
            longest_rest=self._terms.longest_rest,
            slowdown=self._terms.slowdown,
        )
        self.pace = Pace(rows=min(_FIRST_ROWS, self._terms.batch_size))
        self.rows_of_an_item = float(queries.ROWS_OF_AN_ITEM)
        self.rate = 0.0
        """Rows a second, as it goes on now; 0 before the first batch."""
        self.removed: Counter[str] = Counter()
        """Rows by table, since the process began."""
        self._meter = meter_of(store)
        self._room = Room(store)
        self._emptied: UUID | None = None
        """The operation of which nothing is left, while room is given back."""
        self._since = perf_counter()
        self._listens_at = self._tells_at = self._forgets_at = self._looks_at = 0.0
        self._behind = False

    @property
    def given_back(self) -> int:
        """Bytes that went back to the disk since the process began."""
        return self._room.total

    async def tick(self) -> bool:
        """Remove one batch and rest as long as others need; whether there is more."""
        return await self.tick_at(now())

    async def tick_at(self, moment: datetime) -> bool:
        """The same of what is due at a moment."""
        with self._meter.working():
            more = await (self._remove(moment) if self._emptied is None else self._give_back(self._emptied, moment))
        if not more or perf_counter() >= self._tells_at:
            await self._tell_whether_behind(moment)
        if more and not await self._listened() and self.pace.rest:
            await asyncio.sleep(self.pace.rest)
        return more

    async def stop(self) -> None:
        """A vacuum may take long, and is left to whoever comes next; a batch is over in a moment."""
        self._room.abandon()
        await super().stop()

    async def _remove(self, moment: datetime) -> bool:
        began = perf_counter()
        items = round(self.pace.rows / self.rows_of_an_item)
        batch = await batches.remove(self.store, moment, self.pace.rows, items)
        if batch is None:
            return await self._forget(moment) or await self._look_after_room(moment)
        self._room.add(batch.counts, batch.own_bytes)
        self.removed.update(batch.counts)
        if batch.emptied:
            self._emptied = batch.operation_id
            self._room.begin()
        self._learn(batch, perf_counter() - began)
        return True

    async def _forget(self, moment: datetime) -> bool:
        """Nothing is due: remove what is not kept of operations that were over long ago."""
        if perf_counter() < self._forgets_at:
            return False
        began = perf_counter()
        gone = await forgetting.forget(self.store, self._kept, moment, self.pace.rows)
        if gone is None:
            self._forgets_at = perf_counter() + _BETWEEN_LOOKS
            return False
        self.removed.update({"operation_items": gone.items, "operations": gone.records})
        self._adapt(perf_counter() - began, gone.items + gone.records)
        return True

    async def _look_after_room(self, moment: datetime) -> bool:
        """Nothing is due: give back what others have left, retention above all, a step at a time."""
        if perf_counter() >= self._looks_at:
            if await self._room.look() and await self._give_some_room():
                return True
            self._looks_at = perf_counter() + _BETWEEN_LOOKS
        self.interval = await self._until_next(moment)
        return False

    async def _give_back(self, operation_id: UUID, moment: datetime) -> bool:
        """One step of giving back what the operation's rows have left; after the last one its purge is over."""
        if not await self._give_some_room():
            await queries.finish(self.store, operation_id, max(moment, now()), self._room.given)
            self._emptied = None
        return True

    async def _give_some_room(self) -> bool:
        """One step, and the rest that others need after it; False when all was given back."""
        began = perf_counter()
        more = await self._room.step(alone=self._meter.alone)
        seen = self._meter.seen_since(self._since, self._bounds)
        self._since = perf_counter()
        self.pace = pace.rested(self.pace, self._since - began, seen, self._bounds)
        return more

    def _learn(self, batch: Batch, took: float) -> None:
        """Set the pace of the next batch, and how much is to be expected of it."""
        if batch.items:
            ratio = batch.rows / batch.items
            self.rows_of_an_item = max(0.7 * self.rows_of_an_item + 0.3 * ratio, 1.0)
        speed = batch.rows / (took + self.pace.rest)
        self.rate = speed if not self.rate else 0.9 * self.rate + 0.1 * speed
        self._adapt(took, batch.rows)

    def _adapt(self, took: float, rows: int) -> None:
        """Set the pace of the next batch, after so many rows in so many seconds."""
        seen = self._meter.seen_since(self._since, self._bounds)
        self._since = perf_counter()
        self.pace = pace.adapt(self.pace, took, rows, seen, self._bounds)

    async def _listened(self) -> bool:
        """Now and then, hear what requests take while nothing goes on, or there is nothing to compare with."""
        if perf_counter() < self._listens_at or self._meter.alone:
            return False
        self._listens_at = perf_counter() + _BETWEEN_LISTENINGS
        if self._meter.calm is not None and not self.pace.rest:
            return False
        await asyncio.sleep(_LISTENING)
        self._since = perf_counter()
        return True

    async def _until_next(self, moment: datetime) -> float:
        """Seconds until something is due, or until it is time to look again."""
        due = await queries.next_due(self.store)
        if due is None:
            return self._terms.loop_seconds
        return min(max((due - moment).total_seconds(), 0.1), self._terms.loop_seconds)

    async def _tell_whether_behind(self, moment: datetime) -> None:
        """Say so once when what is due has waited for too long, and once when that is over."""
        self._tells_at = perf_counter() + _BETWEEN_TELLINGS
        due = await queries.next_due(self.store)
        overdue = timedelta(0) if due is None else moment - due
        behind = overdue.total_seconds() > self._terms.late_after_seconds
        if behind and not self._behind:
            _log.warning("purge_behind", extra={"oldest_overdue_seconds": round(overdue.total_seconds())})
        elif self._behind and not behind:
            _log.warning("purge_caught_up")
        self._behind = behind
