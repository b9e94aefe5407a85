"""What becomes of a background task whose worker is lost: it goes on or ends, and never runs when it must not."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.task_leases import MOST_BEGINNINGS, after_lease
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType
from headrace.wire.task_runs import TaskRun, TaskRunPolicy

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PARAMETERS = uuid4()

policies = st.builds(
    TaskRunPolicy,
    retries=st.none() | st.integers(0, 5),
    retry_delay=st.none() | st.floats(0, 1e6) | st.lists(st.floats(0, 1e6), max_size=3),
    retry_jitter_factor=st.none() | st.floats(0, 2),
)
due_times = st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=1)).map(lambda away: NOW + away)
draws = st.floats(0, 1, exclude_max=True)


def run_in(type: StateType, run_count: int, policy: TaskRunPolicy, due: datetime | None = None) -> TaskRun:
    details = StateDetails(scheduled_time=due, task_parameters_id=PARAMETERS, deferred=True)
    state = State(type=type, timestamp=NOW - timedelta(minutes=1), state_details=details)
    return TaskRun(
        id=UUID(int=1),
        name="grind",
        task_key="grind",
        dynamic_key="1",
        state=state,
        run_count=run_count,
        empirical_policy=policy,
    )


@given(
    st.sampled_from(StateType),
    st.integers(0, 8),
    st.integers(0, 8),
    policies,
    due_times,
    st.floats(0, 1, exclude_max=True),
)
def test_whatever_is_not_over_goes_on_or_ends(
    type: StateType, run_count: int, begun: int, policy: TaskRunPolicy, due: datetime | None, draw: float
) -> None:
    state = after_lease(run_in(type, run_count, policy, due), begun, NOW, draw)
    if type in TERMINAL_STATES:
        assert state is None
        return
    assert state is not None
    assert state.state_details.deferred
    assert state.message or type is StateType.SCHEDULED
    if state.type is StateType.SCHEDULED:
        assert state.state_details.scheduled_time is not None
        assert state.state_details.scheduled_time >= NOW
        assert state.state_details.task_parameters_id == PARAMETERS
    else:
        assert state.type in TERMINAL_STATES


@given(st.integers(1, 8), policies, draws)
def test_what_ran_runs_again_only_if_it_has_retries_left(run_count: int, policy: TaskRunPolicy, draw: float) -> None:
    state = after_lease(run_in(StateType.RUNNING, run_count, policy), 1, NOW, draw)
    assert state is not None
    left = policy.retries is not None and run_count <= policy.retries
    assert (state.type, state.name) == (
        (StateType.SCHEDULED, "AwaitingRetry") if left else (StateType.CRASHED, "Crashed")
    )


@given(st.integers(0, 2 * MOST_BEGINNINGS), policies)
def test_what_never_ran_goes_to_another_worker_until_it_must_be_its_own_fault(
    begun: int, policy: TaskRunPolicy
) -> None:
    state = after_lease(run_in(StateType.PENDING, 0, policy), begun, NOW, 0.5)
    assert state is not None
    assert (state.type is StateType.CRASHED) == (begun >= MOST_BEGINNINGS)


@given(due_times)
def test_what_waits_for_its_next_attempt_still_waits_for_its_time(due: datetime | None) -> None:
    state = after_lease(run_in(StateType.SCHEDULED, 1, TaskRunPolicy(retries=1), due), 1, NOW, 0.5)
    assert state is not None
    assert state.state_details.scheduled_time == max(NOW, due or NOW)
