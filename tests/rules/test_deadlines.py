"""When the server ends a state by itself."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.deadlines import NO_DEADLINE, Deadline, deadline_of
from headrace.settings import ServerServicesSettings
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType
from tests.rules.samples import DEPLOYMENT_ID, NOW, at, flow_run

SERVICES = ServerServicesSettings()
CLAIM, INFRASTRUCTURE = 300, 3600
CANCELLING = 300
UNTRIED, IN_PROCESS = FlowRunPolicy(), FlowRunPolicy(retry_type="in_process")


def entered(type, name="", **details):
    return State(type=StateType(type), name=name, timestamp=NOW, state_details=StateDetails(**details))


def deadline(state, run=None, policy=UNTRIED, lease=None):
    return deadline_of(state, run or flow_run(), policy, SERVICES, lease)


FETCHED = [flow_run(deployment_id=DEPLOYMENT_ID), flow_run(work_queue_id=DEPLOYMENT_ID)]


class TestTable:
    @pytest.mark.parametrize("type", sorted(TERMINAL_STATES))
    def test_what_is_over_waits_for_nothing(self, type):
        assert deadline(entered(type), FETCHED[0], IN_PROCESS, 30.0) == NO_DEADLINE

    def test_what_is_scheduled_waits_for_its_time(self):
        assert deadline(entered("SCHEDULED", scheduled_time=at(60)), FETCHED[0]) == NO_DEADLINE
        rescheduled = FlowRunPolicy(retry_type="reschedule")
        assert deadline(entered("SCHEDULED", scheduled_time=at(60)), FETCHED[0], rescheduled) == NO_DEADLINE

    def test_a_retry_in_the_process_begins_soon_after_it_is_due(self):
        retrying = entered("SCHEDULED", "AwaitingRetry", scheduled_time=at(60))
        assert deadline(retrying, policy=IN_PROCESS) == Deadline(at(60 + CLAIM))
        overdue = entered("SCHEDULED", "AwaitingRetry", scheduled_time=at(-60))
        assert deadline(overdue, policy=IN_PROCESS) == Deadline(at(CLAIM))

    @pytest.mark.parametrize("run", FETCHED)
    def test_a_claim_leads_to_something_soon_and_infrastructure_later(self, run):
        assert deadline(entered("PENDING"), run) == Deadline(at(CLAIM))
        for name in ("Submitting", "InfrastructurePending"):
            assert deadline(entered("PENDING", name), run) == Deadline(at(INFRASTRUCTURE))

    def test_a_claim_before_the_run_is_due_counts_from_then(self):
        assert deadline(entered("PENDING", scheduled_time=at(10)), FETCHED[0]) == Deadline(at(10 + CLAIM))
        assert deadline(entered("PENDING", scheduled_time=at(-99)), FETCHED[0]) == Deadline(at(CLAIM))

    def test_a_pending_run_that_nobody_fetches_has_no_claim(self):
        assert deadline(entered("PENDING")) == NO_DEADLINE

    def test_a_running_run_has_the_lease_it_asks_for_and_no_other(self):
        assert deadline(entered("RUNNING"), FETCHED[0]) == NO_DEADLINE
        assert deadline(entered("RUNNING"), FETCHED[0], lease=30.0) == Deadline(at(30), 30.0)

    def test_cancelling_takes_its_time_and_no_more(self):
        assert deadline(entered("CANCELLING"), lease=30.0) == Deadline(at(CANCELLING))

    def test_a_pause_ends_when_it_says(self):
        assert deadline(entered("PAUSED", pause_timeout=at(5))) == Deadline(at(5))
        assert deadline(entered("PAUSED")) == NO_DEADLINE


def test_a_time_out_beyond_the_calendar_is_its_last_moment():
    services = msgspec.structs.replace(
        SERVICES,
        cancellation_cleanup=msgspec.structs.replace(SERVICES.cancellation_cleanup, cancelling_timeout_seconds=1e12),
    )
    found = deadline_of(entered("CANCELLING"), flow_run(), FlowRunPolicy(), services)
    assert found.at is not None
    assert found.at.year == 9999


@given(
    type=st.sampled_from(StateType),
    name=st.sampled_from(["", "Submitting", "AwaitingRetry"]),
    run=st.sampled_from([flow_run(), *FETCHED]),
    retry_type=st.sampled_from([None, "in_process", "reschedule"]),
    due=st.none() | st.integers(-1000, 1000).map(at),
    lease=st.none() | st.floats(0.1, 86_400),
)
def test_a_deadline_is_never_over_when_it_is_set_and_only_leases_are_renewed(type, name, run, retry_type, due, lease):
    state = entered(type, name, scheduled_time=due)
    found = deadline(state, run, FlowRunPolicy(retry_type=retry_type), lease)
    assert found.at is None or found.at > state.timestamp
    assert (found.lease_seconds is not None) == (type is StateType.RUNNING and lease is not None)
    if found.lease_seconds is not None:
        assert found.at == state.timestamp + timedelta(seconds=found.lease_seconds)
