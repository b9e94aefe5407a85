"""The current states of runs, read in the same rows as the runs, and what follows from them."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from headrace.rules.estimates import estimated_run_time, estimated_start_time_delta
from headrace.server.states.rows import FIELDS
from headrace.server.store.base import Dialect, Row
from headrace.server.store.rows import JSON, Reader
from headrace.server.store.sending import sender, untyped
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State, StateDetails
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
        _estimate(run, state, now)


def complete_sent(runs: Sequence[Any], rows: Sequence[Row], at: int, dialect: Dialect, now: datetime) -> None:
    """The same for runs that are only encoded (see store/sending.py)."""
    states = iter(_sent_states().all([row[at:] for row in rows if row[at] is not None], dialect))
    for run, row in zip(runs, rows, strict=True):
        run.state = None if row[at] is None else next(states)
        _estimate(run, run.state, now)


@cache
def _sent_states() -> Reader[Any]:
    return sender(State, FIELDS, state_details=JSON(untyped(StateDetails)))


def _estimate(run: Any, state: Any, now: datetime) -> None:
    since = None if state is None else state.timestamp
    run.estimated_run_time = estimated_run_time(run.total_run_time, run.state_type, since, now)
    run.estimated_start_time_delta = estimated_start_time_delta(
        run.expected_start_time, run.start_time, run.state_type, now
    )
