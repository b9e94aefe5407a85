"""The books kept for every state that is written, forced or not (contract §4.5).

`enter_flow_run(run, state)` and `enter_task_run(run, state)` give the state as it is stored and the
values the run's columns take with it. The server keeps its books with them, and the SDK those of the
task runs that it orchestrates itself.

Timestamps of one run strictly increase: a state that is not later than the current one is moved to
one microsecond after it, so that the order of a history is never in doubt, whatever the clocks do.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

import msgspec

from headrace.rules.runs import OrchestratedFlowRun, Run, TrackedTaskRun
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType

S = TypeVar("S", bound=msgspec.Struct)

_TICK = timedelta(microseconds=1)


class RunChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a run that a state sets: all of them, each time. `total_run_time` is in seconds."""

    state_id: UUID
    state_type: StateType
    state_name: str
    state_timestamp: datetime
    run_count: int
    start_time: datetime | None
    end_time: datetime | None
    expected_start_time: datetime
    next_scheduled_start_time: datetime | None
    total_run_time: float


class FlowRunChanges(RunChanges, frozen=True, kw_only=True):
    """`empirical_policy` is None where it stays as it is."""

    empirical_policy: FlowRunPolicy | None = None


class TaskRunChanges(RunChanges, frozen=True, kw_only=True):
    """`flow_run_run_count` is the attempt of the flow run in which the task run ran last."""

    flow_run_run_count: int


def enter_flow_run(
    run: OrchestratedFlowRun,
    state: State,
    *,
    policy: FlowRunPolicy | None = None,
    policy_after: FlowRunPolicy | None = None,
) -> tuple[State, FlowRunChanges]:
    """The stored form of a flow run's new state, and what it changes on the run.

    `policy` takes the place of the run's own beforehand, `policy_after` once the books are done.
    A run that resumes goes on with the attempt it was in, so it is not counted as another.
    """
    current = run.empirical_policy if policy is None else policy
    running = state.type is StateType.RUNNING
    run_count = run.run_count + 1 if running and not current.resuming else run.run_count
    if current.resuming and (running or state.type in TERMINAL_STATES):
        policy = msgspec.structs.replace(current, resuming=False)
    state = _stamped(run, state, flow_run_id=run.id, task_run_id=run.parent_task_run_id)
    times = _times(run, state)
    return state, FlowRunChanges(
        state_id=state.id,
        state_type=state.type,
        state_name=state.name,
        state_timestamp=state.timestamp,
        run_count=run_count,
        start_time=times.start,
        end_time=times.end,
        expected_start_time=times.expected_start,
        next_scheduled_start_time=times.next_scheduled_start,
        total_run_time=times.total_run,
        empirical_policy=policy if policy_after is None else policy_after,
    )


def enter_task_run(
    run: TrackedTaskRun,
    state: State,
    *,
    run_count: int | None = None,
    flow_run_run_count: int | None = None,
) -> tuple[State, TaskRunChanges]:
    """The stored form of a task run's new state, and what it changes on the run.

    The two counts take the place of the run's own beforehand.
    """
    count = run.run_count if run_count is None else run_count
    state = _stamped(run, state, flow_run_id=run.flow_run_id, task_run_id=run.id)
    times = _times(run, state)
    return state, TaskRunChanges(
        state_id=state.id,
        state_type=state.type,
        state_name=state.name,
        state_timestamp=state.timestamp,
        run_count=count + 1 if state.type is StateType.RUNNING else count,
        start_time=times.start,
        end_time=times.end,
        expected_start_time=times.expected_start,
        next_scheduled_start_time=times.next_scheduled_start,
        total_run_time=times.total_run,
        flow_run_run_count=run.flow_run_run_count if flow_run_run_count is None else flow_run_run_count,
    )


def mirrored(state: State, child_flow_run_id: UUID, id: UUID) -> State:
    """A copy of a subflow's state for the task run that tracks it in the parent (contract §4.5)."""
    return amended(state, id=id, state_details=detailed(state.state_details, child_flow_run_id=child_flow_run_id))


def amended(state: State, **fields: Any) -> State:
    """A copy of the state with these fields set. The original stays as it is."""
    return _copied(state, fields)


def detailed(details: StateDetails, **fields: Any) -> StateDetails:
    """A copy of the details with these fields set. The original stays as it is."""
    return _copied(details, fields)


def _copied(struct: S, fields: dict[str, Any]) -> S:
    """Unlike `msgspec.structs.replace`, this does not check again what was checked when the original was made."""
    duplicate = cast("S", struct.__copy__())  # pyright: ignore  # msgspec has it and does not declare it
    for name, value in fields.items():
        setattr(duplicate, name, value)
    return duplicate


def _stamped(run: Run, state: State, *, flow_run_id: UUID | None, task_run_id: UUID | None) -> State:
    """The state with the ids of its run, later than the one before it."""
    timestamp = state.timestamp
    if run.state is not None and timestamp <= run.state.timestamp:
        timestamp = run.state.timestamp + _TICK
    details = detailed(state.state_details, flow_run_id=flow_run_id, task_run_id=task_run_id)
    return amended(state, timestamp=timestamp, state_details=details)


class _Times(NamedTuple):
    start: datetime | None
    end: datetime | None
    expected_start: datetime
    next_scheduled_start: datetime | None
    total_run: float


def _times(run: Run, state: State) -> _Times:
    """The times of the run once it is in the (already stamped) state."""
    start, end, total = run.start_time, run.end_time, run.total_run_time
    if state.type is StateType.RUNNING and start is None:
        start = state.timestamp
    if state.type not in TERMINAL_STATES:
        end = None
    elif end is None:
        end = state.timestamp
        start = state.timestamp if start is None else start
    if run.state is not None and run.state.type is StateType.RUNNING:
        total += (state.timestamp - run.state.timestamp).total_seconds()
    due = state.state_details.scheduled_time if state.type is StateType.SCHEDULED else None
    return _Times(start, end, run.expected_start_time or due or state.timestamp, due, total)
