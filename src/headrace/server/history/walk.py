"""Runs counted by when they were expected to start and the state they are in (contract §3).

The bar of a run is arithmetic on its expected start, so the cost is one walk over the window's part of an
index, however many bars there are. Both kinds of run answer the same way.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from headrace.server.filters import Query
from headrace.server.store.base import Dialect, Row, Store
from headrace.wire.errors import Unprocessable
from headrace.wire.filters import Filter
from headrace.wire.listings import HistoryBar, HistoryRequest, HistoryState
from headrace.wire.states import TERMINAL_STATES, StateType
from headrace.wire.times import as_utc, to_micros

MOST_BARS = 500

_COLUMNS = "expected_start_time, start_time, state_type, state_name, state_timestamp, total_run_time"
_TERMINAL = ", ".join(f"'{type_}'" for type_ in sorted(TERMINAL_STATES))
_RUNNING_FOR = "CASE WHEN state_type = 'RUNNING' THEN {now} - state_timestamp END"
_LATE_BY = (
    "CASE WHEN start_time > expected_start_time THEN start_time - expected_start_time"
    f" WHEN start_time IS NULL AND state_type NOT IN ({_TERMINAL}) AND expected_start_time < {{now}}"
    " THEN {now} - expected_start_time END"
)
_BARS = """
SELECT {bar}, state_type, state_name, count(*), sum(total_run_time), {running_for}, {late_by}
FROM ({{matching}}) AS matching
WHERE expected_start_time >= {{start}} AND expected_start_time < {{end}} AND state_type IS NOT NULL
GROUP BY 1, 2, 3
"""


class History:
    """The histories of one noun, "flow_runs" or "task_runs"."""

    def __init__(self, noun: str) -> None:
        self._bars = Query(
            noun,
            _COLUMNS,
            _BARS.format(
                bar="date_bin({width} * interval '1 microsecond', expected_start_time, {start})",
                running_for=f"extract(epoch FROM sum({_RUNNING_FOR}))::float8",
                late_by=f"extract(epoch FROM sum({_LATE_BY}))::float8",
            ),
            sqlite=_BARS.format(
                bar="(expected_start_time - {start}) / {width}",
                running_for=f"sum({_RUNNING_FOR}) / 1e6",
                late_by=f"sum({_LATE_BY}) / 1e6",
            ),
            extras=("start", "end", "width", "now"),
        )
        self._lateness = Query(
            noun,
            _COLUMNS,
            f"SELECT count(*), extract(epoch FROM sum({_LATE_BY}))::float8 FROM ({{matching}}) AS matching",
            sqlite=f"SELECT count(*), sum({_LATE_BY}) / 1e6 FROM ({{matching}}) AS matching",
            extras=("now",),
        )

    async def bars(self, store: Store, request: HistoryRequest, now: datetime) -> list[HistoryBar]:
        """A bar for each interval, empty ones too; the last may reach past the end that was asked for.

        Raises `Unprocessable` for intervals shorter than a second.
        """
        starts, width = _intervals(request)
        if not starts:
            return []
        start, end = starts[0], starts[-1] + width
        micros = width // timedelta(microseconds=1)
        statement, values = self._bars.bind(store.dialect, request.given(), start=start, end=end, width=micros, now=now)
        rows = await store.scan(statement, *values)
        states = _by_bar(rows, store.dialect, to_micros(start), micros)
        return [
            HistoryBar(interval_start=at, interval_end=at + width, states=states.get(number, []))
            for number, at in enumerate(starts)
        ]

    async def lateness(self, store: Store, filters: Mapping[str, Filter], now: datetime) -> float | None:
        """By how many seconds the runs that match started late, on average; None if there are none."""
        statement, values = self._lateness.bind(store.dialect, filters, now=now)
        count, late_by = (await store.scan(statement, *values))[0]
        return (late_by or 0.0) / count if count else None


def _intervals(request: HistoryRequest) -> tuple[list[datetime], timedelta]:
    """Where the bars begin, and how wide they are."""
    if request.history_interval_seconds < 1:
        raise Unprocessable("History interval must not be less than 1 second.")
    start, end = as_utc(request.history_start), as_utc(request.history_end)
    try:
        width = timedelta(seconds=request.history_interval_seconds)
        bars = min(-((start - end) // width), MOST_BARS)
        edges = [start + number * width for number in range(bars + 1)]
    except OverflowError:
        raise Unprocessable("History interval reaches past the year 9999: choose a shorter one.") from None
    return edges[:-1], width


def _by_bar(rows: Iterable[Row], dialect: Dialect, start: int, width: int) -> dict[int, list[HistoryState]]:
    """The states of each bar that has any, by the bar's number, in a steady order."""
    found: dict[int, list[HistoryState]] = {}
    for bar, state_type, state_name, count, run_time, running_for, late_by in rows:
        number = bar if dialect is Dialect.SQLITE else (to_micros(bar) - start) // width
        state = HistoryState(
            state_type=StateType(state_type),
            state_name=state_name,
            count_runs=count,
            sum_estimated_run_time=run_time + (running_for or 0.0),
            sum_estimated_lateness=late_by or 0.0,
        )
        found.setdefault(number, []).append(state)
    for states in found.values():
        states.sort(key=lambda state: (state.state_type, state.state_name))
    return found
