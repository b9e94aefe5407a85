"""Runs counted by when they were expected to start and the state they are in (contract §3).

There are two ways to the same bars: `walk` looks at every run that matches, `counted` takes what has been summed up
before and looks only at the runs between. The second is for histories of many runs, of all states or some.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from headrace.server.history.bars import Bars
from headrace.server.history.counted import Counted
from headrace.server.history.walk import Walk
from headrace.server.history.wanted import wanted_states
from headrace.server.store.base import Store
from headrace.server.store.tallies import TOTAL
from headrace.wire.filters import Filter
from headrace.wire.listings import HistoryBar, HistoryRequest

FEW_RUNS = 20_000
"""Up to so many runs, walking them all takes little, and none are counted."""

_MINUTE = timedelta(minutes=1)


async def has_few_runs(store: Store, noun: str, most: int) -> bool:
    """Whether there are at most so many runs."""
    total = await store.fetch_one(TOTAL, noun)
    return total is None or int(total[0]) <= most


class History:
    """The histories of one noun, "flow_runs" or "task_runs"; up to `few_runs` runs are walked each time."""

    def __init__(self, noun: str, *, few_runs: int = FEW_RUNS) -> None:
        self._noun, self._few_runs = noun, few_runs
        self._walk, self._counted = Walk(noun), Counted(noun)

    async def bars(self, store: Store, request: HistoryRequest, now: datetime) -> list[HistoryBar]:
        """A bar for each interval, empty ones too; the last may reach past the end that was asked for.

        Raises `Unprocessable` for intervals shorter than a second.
        """
        bars, filters = Bars.of(request), request.given()
        if not bars.count:
            return []
        wanted = wanted_states(self._noun, filters)
        if wanted is None or bars.width < _MINUTE or await has_few_runs(store, self._noun, self._few_runs):
            return await self._walk.bars(store, bars, filters, now)
        return await self._counted.bars(store, bars, wanted, now)

    async def lateness(self, store: Store, filters: Mapping[str, Filter], now: datetime) -> float | None:
        """By how many seconds the runs that match started late, on average; None if there are none."""
        return await self._walk.lateness(store, filters, now)
