"""The current states of runs, read in the same rows as the runs, and what follows from them."""

from collections.abc import Sequence
from datetime import datetime

from headrace.rules.estimates import estimated_run_time, estimated_start_time_delta
from headrace.server.states.rows import FIELDS
from headrace.server.store.base import Dialect, Row
from headrace.server.store.rows import Reader
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State
from headrace.wire.task_runs import TaskRun

STATES = Reader(State, FIELDS)


def current_states(rows: Sequence[Row], at: int, dialect: Dialect) -> list[State | None]:
    """The state that begins at column `at` of each row, None where the run has none."""
    found = iter(STATES.all([row[at:] for row in rows if row[at] is not None], dialect))
    return [None if row[at] is None else next(found) for row in rows]


def complete(
    runs: Sequence[FlowRun] | Sequence[TaskRun], rows: Sequence[Row], at: int, dialect: Dialect, now: datetime
) -> None:
    """Give runs their states, which begin at column `at` of their rows, and their estimates as of `now`."""
    for run, state in zip(runs, current_states(rows, at, dialect), strict=True):
        run.state = state
        since = None if state is None else state.timestamp
        run.estimated_run_time = estimated_run_time(run.total_run_time, run.state_type, since, now)
        run.estimated_start_time_delta = estimated_start_time_delta(
            run.expected_start_time, run.start_time, run.state_type, now
        )
