"""Keeps histories counted while the server is up."""

import asyncio
from time import perf_counter

from headrace.server.history import FEW_RUNS, has_few_runs
from headrace.server.history.counting import Counting
from headrace.server.services.base import Service
from headrace.server.store.base import Store
from headrace.server.store.histories import NOUNS
from headrace.settings import Settings
from headrace.wire.times import now


class Histories(Service):
    """Counts spans of history, the newest first; with `few_runs` or less there is nothing to save."""

    name = "histories"
    interval = 60.0

    def __init__(self, store: Store, settings: Settings, *, few_runs: int = FEW_RUNS) -> None:
        super().__init__(store, settings)
        self._few_runs = few_runs
        self._counting = {noun: Counting(noun) for noun in NOUNS}

    async def tick(self) -> bool:
        """Count some spans of each noun, and rest as long as that took."""
        began, counted = perf_counter(), False
        for noun, counting in self._counting.items():
            if not await has_few_runs(self.store, noun, self._few_runs):
                counted |= await counting.count(self.store, now())
        if counted:
            await asyncio.sleep(perf_counter() - began)
        return counted
