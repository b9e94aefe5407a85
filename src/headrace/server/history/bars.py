"""The intervals of a history, and what is summed up in each."""

from collections import defaultdict
from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from headrace.server.history.sums import state_of
from headrace.server.history.wanted import Wanted
from headrace.wire.errors import Unprocessable
from headrace.wire.listings import HistoryBar, HistoryRequest, HistoryState
from headrace.wire.states import StateType
from headrace.wire.times import as_utc, to_micros

MOST_BARS = 500


class Bars(msgspec.Struct, frozen=True, dict=True):
    """So many intervals of one width, one after the other."""

    start: datetime
    width: timedelta
    count: int

    @classmethod
    def of(cls, request: HistoryRequest) -> "Bars":
        """The intervals from the start until one reaches the end, at most 500."""
        if request.history_interval_seconds < 1:
            raise Unprocessable("History interval must not be less than 1 second.")
        start, end = as_utc(request.history_start), as_utc(request.history_end)
        try:
            width = timedelta(seconds=request.history_interval_seconds)
            bars = cls(start, width, max(0, min(-((start - end) // width), MOST_BARS)))
            _ = bars.end
        except OverflowError:
            raise Unprocessable("History interval reaches past the year 9999: choose a shorter one.") from None
        return bars

    @property
    def end(self) -> datetime:
        """Where the last one ends."""
        return self.start + self.count * self.width

    @property
    def micros(self) -> int:
        """The width in microseconds."""
        return self.width // timedelta(microseconds=1)

    @cached_property
    def edges(self) -> list[int]:
        """Where each begins, and where the last one ends, in microseconds."""
        start = to_micros(self.start)
        return [start + number * self.micros for number in range(self.count + 1)]

    def number(self, micros: int) -> int:
        """The number of the bar that a moment, in microseconds, is in."""
        return (micros - self.edges[0]) // self.micros


_Column = tuple[list[int], list[int], list[int]]


class Sheet:
    """How many runs there are in each bar and state, with their estimated run time and lateness in microseconds.

    All in whole numbers, so that what is added and taken away again leaves nothing behind. The bar before the
    first, -1, and the one after the last may be written to as well; they are not drawn.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._columns: defaultdict[str, _Column] = defaultdict(self._column)

    def add(self, bar: int, key: str, runs: int, run_time: int, lateness: int) -> None:
        """Count runs in a bar; `key` is that of their state (see sums.py)."""
        all_runs, run_times, latenesses = self._columns[key]
        all_runs[bar] += runs
        run_times[bar] += run_time
        latenesses[bar] += lateness

    def move(self, bar: int, key: str, runs: int, run_time: int, lateness: int) -> None:
        """Count runs in the bar before this one instead."""
        all_runs, run_times, latenesses = self._columns[key]
        all_runs[bar] -= runs
        run_times[bar] -= run_time
        latenesses[bar] -= lateness
        all_runs[bar - 1] += runs
        run_times[bar - 1] += run_time
        latenesses[bar - 1] += lateness

    def draw(self, wanted: Wanted | None = None) -> list[HistoryBar]:
        """The bars with their states in a steady order, or with those that are wanted."""
        columns = [
            (StateType(state_type), state_name, *column)
            for (state_type, state_name), column in sorted(
                (state_of(key), column) for key, column in self._columns.items()
            )
            if wanted is None or wanted(state_type, state_name)
        ]
        begin, drawn = self._bars.start, list[HistoryBar]()
        for number in range(self._bars.count):
            end = self._bars.start + (number + 1) * self._bars.width
            states = [
                HistoryState(
                    state_type=state_type,
                    state_name=state_name,
                    count_runs=runs[number],
                    sum_estimated_run_time=run_time[number] / 1e6,
                    sum_estimated_lateness=lateness[number] / 1e6,
                )
                for state_type, state_name, runs, run_time, lateness in columns
                if runs[number]
            ]
            drawn.append(HistoryBar(interval_start=begin, interval_end=end, states=states))
            begin = end
        return drawn

    def _column(self) -> _Column:
        width = self._bars.count + 2
        return [0] * width, [0] * width, [0] * width


def micros(seconds: float) -> int:
    """Whole microseconds."""
    return round(seconds * 1e6)
