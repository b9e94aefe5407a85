"""The intervals of a history, and what is summed up in each."""

from datetime import datetime, timedelta

import msgspec

from headrace.wire.errors import Unprocessable
from headrace.wire.listings import HistoryBar, HistoryRequest, HistoryState
from headrace.wire.states import StateType
from headrace.wire.times import as_utc, to_micros

MOST_BARS = 500

Key = tuple[int, str, str]
"""A bar's number, a state's type and its name."""


class Sums(msgspec.Struct):
    """Of the runs of one bar in one state: how many, and their estimated run time and lateness in seconds."""

    runs: int = 0
    run_time: float = 0.0
    lateness: float = 0.0

    def add(self, runs: int, run_time: float, lateness: float) -> None:
        self.runs += runs
        self.run_time += run_time
        self.lateness += lateness

    def settle(self) -> None:
        """Drop what adding and taking away left below a microsecond."""
        self.run_time, self.lateness = round(self.run_time, 6) + 0.0, round(self.lateness, 6) + 0.0


class Bars(msgspec.Struct, frozen=True):
    """So many intervals of one width, one after the other; `end` is where the last one ends."""

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
        return self.start + self.count * self.width

    @property
    def micros(self) -> int:
        """The width in microseconds."""
        return self.width // timedelta(microseconds=1)

    def number(self, micros: int) -> int:
        """The number of the bar that a moment, in microseconds, is in."""
        return (micros - to_micros(self.start)) // self.micros

    def draw(self, found: dict[Key, Sums]) -> list[HistoryBar]:
        """The bars with their states in a steady order."""
        states: dict[int, list[HistoryState]] = {}
        for (number, state_type, state_name), sums in sorted(found.items()):
            if sums.runs:
                state = HistoryState(
                    state_type=StateType(state_type),
                    state_name=state_name,
                    count_runs=sums.runs,
                    sum_estimated_run_time=sums.run_time,
                    sum_estimated_lateness=sums.lateness,
                )
                states.setdefault(number, []).append(state)
        edges = [self.start + number * self.width for number in range(self.count + 1)]
        return [
            HistoryBar(interval_start=edges[number], interval_end=edges[number + 1], states=states.get(number, []))
            for number in range(self.count)
        ]
