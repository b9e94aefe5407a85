"""What a run's times amount to at a given moment, while it may still be going on (contract §3)."""

from datetime import datetime

from headrace.wire.states import TERMINAL_STATES, StateType


def estimated_run_time(
    total_run_time: float, state_type: StateType | None, state_timestamp: datetime | None, now: datetime
) -> float:
    """Seconds spent in Running so far: what is on the books, and the current spell if there is one."""
    if state_type is StateType.RUNNING and state_timestamp is not None:
        return total_run_time + (now - state_timestamp).total_seconds()
    return total_run_time


def estimated_start_time_delta(
    expected_start_time: datetime | None, start_time: datetime | None, state_type: StateType | None, now: datetime
) -> float:
    """Seconds by which the run started late, or is late by now; 0 for one on time, not due, or over."""
    if expected_start_time is None:
        return 0.0
    if start_time is not None:
        return max(0.0, (start_time - expected_start_time).total_seconds())
    if state_type in TERMINAL_STATES:
        return 0.0
    return max(0.0, (now - expected_start_time).total_seconds())
