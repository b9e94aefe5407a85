"""The service that removes for good what was deleted, once it can no longer be asked back."""

import asyncio
import logging
from datetime import datetime, timedelta
from time import perf_counter
from typing import ClassVar

from headrace.rules import pace
from headrace.rules.pace import Bounds, Pace
from headrace.server.latency.meter import meter_of
from headrace.server.purge import batches, queries
from headrace.server.purge.batches import ROWS_OF_AN_ITEM, Batch
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.store.base import Store, Topic
from headrace.settings import Settings
from headrace.wire.times import now

_FIRST_ROWS = 500
_WINDOW = 5.0
"""Seconds after which requests say nothing any more about the pace at which they were answered."""
_BETWEEN_LISTENINGS, _LISTENING = 60.0, 1.5
"""Seconds between two pauses in which the purge listens to what requests take without it, and how long one is."""

_log = logging.getLogger("headrace.server.purge")


class Purge(ExclusiveService):
    """Removes batch after batch, in as large pieces and with as short rests as others do not notice."""

    name: ClassVar[str] = "purge"
    topic = Topic.PURGE

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._terms = settings.server.services.purge
        self._bounds = Bounds(
            most=self._terms.batch_size, longest_rest=self._terms.longest_rest, slowdown=self._terms.slowdown
        )
        self.pace = Pace(rows=min(_FIRST_ROWS, self._terms.batch_size))
        self._rows_of_an_item = float(ROWS_OF_AN_ITEM)
        self._meter = meter_of(store)
        self._since = perf_counter()
        self._listens_at = 0.0
        self._behind = False

    async def tick(self) -> bool:
        """Remove one batch and rest as long as others need; whether there is more."""
        return await self.tick_at(now())

    async def tick_at(self, moment: datetime) -> bool:
        """The same of what is due at a moment."""
        await self._listen()
        began = perf_counter()
        with self._meter.working():
            items = round(self.pace.rows / self._rows_of_an_item)
            batch = await batches.remove(self.store, moment, self.pace.rows, items)
        if batch is None:
            self.interval = await self._until_next(moment)
            await self._tell_whether_behind(moment)
            return False
        self._learn(batch, perf_counter() - began)
        await self._tell_whether_behind(moment)
        if self.pace.rest:
            await asyncio.sleep(self.pace.rest)
        return True

    def _learn(self, batch: Batch, took: float) -> None:
        """Set the pace of the next batch."""
        if batch.items:
            ratio = batch.rows / batch.items
            self._rows_of_an_item = max(0.7 * self._rows_of_an_item + 0.3 * ratio, 1.0)
        seen = self._meter.seen_since(self._since)
        self.pace = pace.adapt(self.pace, took, batch.rows, seen, self._bounds)
        if seen.requests >= pace.FEW or perf_counter() - self._since > _WINDOW:
            self._since = perf_counter()

    async def _listen(self) -> None:
        """Now and then, hear what requests take while nothing goes on, or there is nothing to compare with."""
        if perf_counter() < self._listens_at:
            return
        seen = self._meter.seen_since(perf_counter() - _WINDOW)
        self._listens_at = perf_counter() + _BETWEEN_LISTENINGS
        if not seen.alone and (seen.calm is None or self.pace.rest):
            await asyncio.sleep(_LISTENING)

    async def _until_next(self, moment: datetime) -> float:
        """Seconds until something is due, or until it is time to look again."""
        due = await queries.next_due(self.store)
        if due is None:
            return self._terms.loop_seconds
        return min(max((due - moment).total_seconds(), 0.1), self._terms.loop_seconds)

    async def _tell_whether_behind(self, moment: datetime) -> None:
        """Say so once when what is due has waited for too long, and once when that is over."""
        due = await queries.next_due(self.store)
        overdue = timedelta(0) if due is None else moment - due
        behind = overdue.total_seconds() > self._terms.late_after_seconds
        if behind and not self._behind:
            _log.warning("purge_behind", extra={"oldest_overdue_seconds": round(overdue.total_seconds())})
        elif self._behind and not behind:
            _log.warning("purge_caught_up")
        self._behind = behind
