"""What the process of a run is told when it says that it is alive."""

import pytest

from headrace.rules.leases import told
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import StateType
from tests.rules.samples import state

IN_PROCESS, ELSEWHERE = FlowRunPolicy(retry_type="in_process"), FlowRunPolicy(retry_type="reschedule")


@pytest.mark.parametrize(
    ("current", "policy", "directive", "renews"),
    [
        (None, FlowRunPolicy(), "stop", False),
        (state("SCHEDULED"), FlowRunPolicy(), "stop", False),
        (state("SCHEDULED", "AwaitingRetry"), ELSEWHERE, "stop", False),
        (state("SCHEDULED", "AwaitingRetry"), IN_PROCESS, "go_on", True),
        (state("PENDING"), FlowRunPolicy(), "stop", False),
        (state("RUNNING"), FlowRunPolicy(), "go_on", True),
        (state("PAUSED"), FlowRunPolicy(), "go_on", False),
        (state("PAUSED", "Suspended", pause_reschedule=True), FlowRunPolicy(), "suspend", False),
        (state("CANCELLING"), FlowRunPolicy(), "stop", False),
        (state("CANCELLED"), FlowRunPolicy(), "stop", False),
        (state("CRASHED"), FlowRunPolicy(), "stop", False),
        (state("FAILED"), FlowRunPolicy(), "stop", False),
        (state("COMPLETED"), FlowRunPolicy(), "stop", False),
    ],
)
def test_a_process_is_told_what_its_run_is_to_do(current, policy, directive, renews):
    said = told(current, policy)
    assert (said.directive, said.renews) == (directive, renews)


@pytest.mark.parametrize("type", list(StateType))
def test_who_is_not_to_go_on_is_told_why(type):
    said = told(state(type, message="Out of memory."), FlowRunPolicy())
    assert (said.reason is None) == (said.directive == "go_on")
    if type in ("CRASHED", "FAILED"):
        assert said.reason == f"The run is over, it is {type.capitalize()}: Out of memory."
