"""Takes the time of each request, for whoever works in the background and must not be noticed, and for metrics.

Noting a request costs well under a microsecond (`python -m benchmarks.meter`): two additions and an entry in a ring.
What is asked of it, such as how long the slowest of a moment take, is worked out when it is asked.

    meter = meter_of(store)
    with meter.working():
        await remove_a_batch()
    meter.seen_since(moment)
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter
from weakref import WeakKeyDictionary

from headrace.rules.pace import SHARE, Bounds, Seen, limit
from headrace.server.store.base import Store

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of what is counted together."""

FEW = 20
"""Requests from which on a share of them means something."""

_KEPT = 2_048
_AFTERMATH = 0.25
"""Seconds for which a request may still suffer from a batch that has ended: caches, and a log that is written back."""
_LATELY = 1.0
"""Seconds without a request after which nobody is there."""
_CALM_FOR = 300.0
"""Seconds for which what requests took while nothing went on says how long they take."""


class Meter:
    """The latest requests, and how many there were of each length and class of status."""

    def __init__(self) -> None:
        self.counts: dict[int, list[int]] = {}
        """By the first digit of the status: how many took at most each of the bounds, longer ones at the end."""
        self.sums: dict[int, float] = {}
        self._latest: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._calm: deque[tuple[float, float]] = deque(maxlen=_KEPT // 4)
        self._works = 0
        self._disturbed_until = float("-inf")

    def note(self, began: float, status: int) -> None:
        """A request that began at that moment of `perf_counter` has been answered."""
        ended = perf_counter()
        took = ended - began
        kind = status // 100
        counts = self.counts.get(kind)
        if counts is None:
            counts = self.counts[kind] = [0] * (len(BOUNDS) + 1)
            self.sums[kind] = 0.0
        counts[bisect_left(BOUNDS, took)] += 1
        self.sums[kind] += took
        self._latest.append((ended, took))
        if not self._works and began > self._disturbed_until:
            self._calm.append((ended, took))

    @contextmanager
    def working(self) -> Generator[None]:
        """Something goes on in the background for the length of the block, which requests may suffer from."""
        self._works += 1
        try:
            yield
        finally:
            self._works -= 1
            self._disturbed_until = perf_counter() + _AFTERMATH

    def seen_since(self, moment: float, bounds: Bounds) -> Seen:
        """What clients have seen since that moment of `perf_counter`."""
        took = [seconds for ended, seconds in self._latest if ended >= moment]
        calm = self.calm
        slower = None if calm is None else sum(seconds > limit(calm, bounds) for seconds in took)
        return Seen(alone=self.alone, requests=len(took), slower=slower)

    @property
    def alone(self) -> bool:
        """Whether nobody has asked anything for a moment."""
        return not self._latest or self._latest[-1][0] < perf_counter() - _LATELY

    @property
    def calm(self) -> float | None:
        """What all but the slowest requests take while nothing goes on; None where that is not known."""
        since = perf_counter() - _CALM_FOR
        took = sorted(seconds for ended, seconds in self._calm if ended >= since)
        return took[int(len(took) * (1 - SHARE))] if len(took) >= FEW else None

    def cumulated(self, kind: int) -> list[int]:
        """How many requests of a class of statuses took at most each of the bounds, and how many there were."""
        totals = [0]
        for count in self.counts[kind]:
            totals.append(totals[-1] + count)
        return totals[1:]


def meter_of(store: Store) -> Meter:
    """The meter of the requests that this process answers over a store."""
    meter = _METERS.get(store)
    if meter is None:
        meter = _METERS[store] = Meter()
    return meter


_METERS: WeakKeyDictionary[Store, Meter] = WeakKeyDictionary()
