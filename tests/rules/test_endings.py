"""What becomes of the runs inside a flow run when that is cancelled or ends."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.endings import OPEN_STATES, ending_of_subflow_run, ending_of_task_run, is_left_over, timed_out
from headrace.wire.cancellations import Cancellation
from headrace.wire.states import TERMINAL_STATES, StateType
from tests.rules.samples import DEPLOYMENT_ID, NOW, RUN_ID, flow_run

INSIDE, ELSEWHERE = flow_run(), flow_run(deployment_id=DEPLOYMENT_ID)
types, opens, overs = (st.sampled_from(sorted(some)) for some in (StateType, OPEN_STATES, TERMINAL_STATES))


@pytest.mark.parametrize(
    ("parent", "child", "current", "becomes"),
    [
        ("CANCELLING", INSIDE, "RUNNING", "CANCELLING"),
        ("CANCELLING", ELSEWHERE, "RUNNING", "CANCELLING"),
        ("CANCELLING", ELSEWHERE, "SCHEDULED", "CANCELLING"),
        ("CANCELLING", INSIDE, "CANCELLING", None),
        ("CANCELLED", INSIDE, "RUNNING", "CANCELLED"),
        ("CANCELLED", INSIDE, "CANCELLING", "CANCELLED"),
        ("CANCELLED", ELSEWHERE, "RUNNING", "CANCELLING"),
        ("CANCELLED", ELSEWHERE, "CANCELLING", None),
        ("CRASHED", INSIDE, "RUNNING", "CRASHED"),
        ("CRASHED", INSIDE, "CANCELLING", "CANCELLED"),
        ("CRASHED", ELSEWHERE, "RUNNING", None),
        ("COMPLETED", INSIDE, "RUNNING", "CRASHED"),
        ("COMPLETED", ELSEWHERE, "RUNNING", None),
        ("FAILED", INSIDE, "PENDING", "CRASHED"),
        ("RUNNING", INSIDE, "RUNNING", None),
        ("PAUSED", INSIDE, "PAUSED", None),
    ],
)
def test_subflow_runs_go_along_with_their_parent(parent, child, current, becomes):
    ending = ending_of_subflow_run(StateType(parent), child, StateType(current))
    assert (None if ending is None else ending.type) == becomes


@pytest.mark.parametrize(
    ("parent", "current", "becomes"),
    [
        ("CANCELLING", "RUNNING", "CANCELLING"),
        ("CANCELLING", "PENDING", "CANCELLED"),
        ("CANCELLING", "SCHEDULED", "CANCELLED"),
        ("CANCELLING", "CANCELLING", None),
        ("CANCELLED", "RUNNING", "CANCELLED"),
        ("CRASHED", "RUNNING", "CRASHED"),
        ("CRASHED", "CANCELLING", "CANCELLED"),
        ("COMPLETED", "RUNNING", "CRASHED"),
        ("RUNNING", "RUNNING", None),
    ],
)
def test_task_runs_end_with_their_flow_run(parent, current, becomes):
    ending = ending_of_task_run(StateType(parent), StateType(current))
    assert (None if ending is None else ending.type) == becomes


@given(types, opens)
def test_nothing_in_the_process_of_a_run_that_is_over_goes_on(parent, current):
    for ending in (ending_of_subflow_run(parent, INSIDE, current), ending_of_task_run(parent, current)):
        if parent in TERMINAL_STATES:
            assert ending is not None
            assert ending.type in TERMINAL_STATES
            assert ending.message
        elif parent is not StateType.CANCELLING:
            assert ending is None


@given(types, overs)
def test_what_is_over_is_never_touched(parent, current):
    assert ending_of_subflow_run(parent, INSIDE, current) is None
    assert ending_of_subflow_run(parent, ELSEWHERE, current) is None
    assert ending_of_task_run(parent, current) is None


@given(types, st.floats(0, 1e6), st.floats(0, 1e6))
def test_reports_are_waited_for_after_an_orderly_end_alone(parent, ago, patience):
    left = is_left_over(parent, NOW - timedelta(seconds=ago), NOW, patience)
    if parent in ("CANCELLED", "CRASHED"):
        assert left
    elif parent in TERMINAL_STATES:
        assert left == (timedelta(seconds=ago).total_seconds() >= patience)
    else:
        assert not left


def test_an_end_without_a_time_is_not_waited_for():
    assert is_left_over(StateType.COMPLETED, None, NOW, 60)


def test_the_end_by_the_server_says_how_long_it_waited_and_what_is_known():
    asked = Cancellation(flow_run_id=RUN_ID, root_id=RUN_ID, requested_at=NOW)
    assert "timed out after 300 s" in timed_out(asked, 300.0)
    assert timed_out(None, 5.0) == timed_out(asked, 5.0)
