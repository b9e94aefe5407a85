"""Looking for runs that are due, again and again, and beginning them on time.

Each look is for what becomes due until shortly after the next one, so that a run begins at its time rather than at the
look after it. A run is not claimed before its time: until then, whoever is free first may have it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headrace.wire.chance import CHANCE
from headrace.wire.errors import HeadraceError
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.sdk.execution.under_way import UnderWay
    from headrace.wire.flow_runs import FlowRun

_log = logging.getLogger("headrace.runner")

EARLY = timedelta(seconds=1.0)
"""How long before its time a run's process is started: that takes about as long."""
_AT_ONCE = 100
"""Runs asked for where there is no limit."""
_SOONEST = 0.05
_AGAIN = 0.5
"""Seconds between two looks while there are more runs than are asked for."""

Fetch = Callable[[datetime, int], Awaitable[Sequence["FlowRun"]]]
"""The runs that are due before a moment, at most so many, in the order in which they are to begin."""


class Poller:
    """Fetches runs and begins them, until it is told to stop. `wake` makes it look at once.

    `every` is in seconds; `last_looked` is when it last could look, by the monotonic clock.
    """

    def __init__(self, fetch: Fetch, under_way: UnderWay, every: float) -> None:
        self._fetch, self._under_way, self.every = fetch, under_way, every
        self.last_looked = time.monotonic()
        self.wake = asyncio.Event()
        self._early = EARLY
        self._away = False

    def begin_early(self, seconds: float) -> None:
        """Begin each run so many seconds before its time, for infrastructure that takes that long to start."""
        self._early = timedelta(seconds=seconds)

    async def run(self) -> None:
        """Look, begin, rest; for ever."""
        while True:
            self.wake.clear()
            self._under_way.freed.clear()
            await self._rest(await self.look())

    async def look(self) -> float:
        """Look once and begin what is due; the seconds until the next look."""
        room = self._under_way.room
        if room == 0:
            self.last_looked = time.monotonic()
            return self.every
        horizon = now() + timedelta(seconds=self.every) + self._early
        try:
            asked = _AT_ONCE if room is None else min(_AT_ONCE, room + len(self._under_way.ids))
            runs = await self._fetch(horizon, asked)
        except HeadraceError as error:
            self._tell_away(error)
            return self.every * CHANCE.uniform(0.5, 1.0)
        self.last_looked = time.monotonic()
        self._tell_back()
        soon = now() + self._early
        due = [run for run in runs if _due(run) <= soon and not _waits_in_its_process(run)]
        begun = self._under_way.begin(due)
        if begun and len(runs) >= asked and self._under_way.room != 0:
            return _AGAIN
        later = [(_due(run) - soon).total_seconds() for run in runs if _due(run) > soon]
        return max(_SOONEST, min([self.every * CHANCE.uniform(0.75, 1.0), *later]))

    async def _rest(self, seconds: float) -> None:
        waits = [asyncio.create_task(self.wake.wait()), asyncio.create_task(self._under_way.freed.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if self.wake.is_set():
                # Runs that are made in one go are found by one look.
                await asyncio.sleep(_SOONEST)
        finally:
            for wait in waits:
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait

    def _tell_away(self, error: HeadraceError) -> None:
        if not self._away:
            _log.warning("No runs can be fetched; this is tried again until they can be: %s", error)
        self._away = True

    def _tell_back(self) -> None:
        if self._away:
            _log.warning("Runs can be fetched again.")
        self._away = False


def _due(run: FlowRun) -> datetime:
    return run.next_scheduled_start_time or run.expected_start_time or now()


def _waits_in_its_process(run: FlowRun) -> bool:
    """Whether the run's own process is there and starts it again: the API lists it among those that are due."""
    return run.empirical_policy.retry_type == "in_process"
