"""Histories by looking at every run that matches.

The bar of a run is arithmetic on its expected start, so the cost is one walk over the window's part of an
index, however many bars there are.
"""

from collections.abc import Mapping
from datetime import datetime

from headrace.server.filters import Query
from headrace.server.history.bars import Bars, Sheet, micros
from headrace.server.history.sums import state_key
from headrace.server.store.base import Dialect, Store
from headrace.wire.filters import Filter
from headrace.wire.listings import HistoryBar
from headrace.wire.states import TERMINAL_STATES
from headrace.wire.times import to_micros

COLUMNS = "expected_start_time, start_time, state_type, state_name, state_timestamp, total_run_time"
TERMINAL = ", ".join(f"'{type_}'" for type_ in sorted(TERMINAL_STATES))
_RUNNING_FOR = "CASE WHEN state_type = 'RUNNING' THEN {now} - state_timestamp END"
_LATE_BY = (
    "CASE WHEN start_time > expected_start_time THEN start_time - expected_start_time"
    f" WHEN start_time IS NULL AND state_type NOT IN ({TERMINAL}) AND expected_start_time < {{now}}"
    " THEN {now} - expected_start_time END"
)
RUN_TIME = f"sum(total_run_time) + coalesce(extract(epoch FROM sum({_RUNNING_FOR}))::float8, 0)"
RUN_TIME_SQLITE = f"total(total_run_time) + total({_RUNNING_FOR}) / 1e6"
LATENESS = f"coalesce(extract(epoch FROM sum({_LATE_BY}))::float8, 0)"
LATENESS_SQLITE = f"total({_LATE_BY}) / 1e6"

_BARS = """
SELECT {bar}, state_type, state_name, count(*), {run_time}, {lateness}
FROM ({{matching}}) AS matching
WHERE expected_start_time >= {{start}} AND expected_start_time < {{end}} AND state_type IS NOT NULL
GROUP BY 1, 2, 3
"""


def flow_run_of(noun: str, table: str) -> str:
    """The column with the id of the flow run that a run is, or is in."""
    return f"{table}.id" if noun == "flow_runs" else f"{table}.flow_run_id"


class Walk:
    """The histories of one noun."""

    def __init__(self, noun: str) -> None:
        self._bars = Query(
            noun,
            COLUMNS,
            _BARS.format(
                bar="date_bin({width} * interval '1 microsecond', expected_start_time, {start})",
                run_time=RUN_TIME,
                lateness=LATENESS,
            ),
            sqlite=_BARS.format(
                bar="(expected_start_time - {start}) / {width}", run_time=RUN_TIME_SQLITE, lateness=LATENESS_SQLITE
            ),
            extras=("start", "end", "width", "now"),
            walks=True,
        )
        self._lateness = Query(
            noun,
            COLUMNS,
            f"SELECT count(*), {LATENESS} FROM ({{matching}}) AS matching",
            sqlite=f"SELECT count(*), {LATENESS_SQLITE} FROM ({{matching}}) AS matching",
            extras=("now",),
            walks=True,
        )

    async def bars(self, store: Store, bars: Bars, filters: Mapping[str, Filter], now: datetime) -> list[HistoryBar]:
        """The bars of the runs that match."""
        statement, values = self._bars.bind(
            store.dialect, filters, start=bars.start, end=bars.end, width=bars.micros, now=now
        )
        sheet = Sheet(bars)
        for bar, state_type, state_name, runs, run_time, late_by in await store.scan(statement, *values):
            number = bar if store.dialect is Dialect.SQLITE else bars.number(to_micros(bar))
            sheet.add(number, state_key(state_type, state_name), runs, micros(run_time), micros(late_by))
        return sheet.draw()

    async def lateness(self, store: Store, filters: Mapping[str, Filter], now: datetime) -> float | None:
        """By how many seconds the runs that match started late, on average; None if there are none."""
        statement, values = self._lateness.bind(store.dialect, filters, now=now)
        count, late_by = (await store.scan(statement, *values))[0]
        return late_by / count if count else None
