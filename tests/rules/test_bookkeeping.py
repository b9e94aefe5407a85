"""The books of a run, state by state (contract §4.5)."""

import msgspec
import pytest

from headrace.rules.bookkeeping import enter_flow_run, enter_task_run, mirrored
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType
from tests.rules.samples import FLOW_ID, NOW, PARENT_ID, PROPOSED_ID, RUN_ID, at, flow_run, state, task_run

KINDS = [(flow_run, enter_flow_run), (task_run, enter_task_run)]


def entering(type, seconds=0.0, **details):
    return State(type=StateType(type), timestamp=at(seconds), state_details=StateDetails(**details))


def live(make, enter, *steps):
    """The run after entering each (type, second) in turn."""
    run = make(None)
    for type, second in steps:
        stored, changes = enter(run, entering(type, second))
        columns = {
            name: value
            for name, value in msgspec.structs.asdict(changes).items()
            if name in run.__struct_fields__ and not (name == "empirical_policy" and value is None)
        }
        run = msgspec.structs.replace(run, state=stored, **columns)
    return run


@pytest.mark.parametrize(("make", "enter"), KINDS)
class TestBothKinds:
    def test_the_run_names_its_state(self, make, enter):
        proposed = entering("PENDING")
        stored, changes = enter(make(None), proposed)
        named = (changes.state_id, changes.state_type, changes.state_name, changes.state_timestamp)
        assert named == (stored.id, "PENDING", "Pending", NOW) == (proposed.id, stored.type, stored.name, NOW)

    def test_times_of_an_ordinary_life(self, make, enter):
        run = live(make, enter, ("PENDING", 0), ("RUNNING", 2), ("COMPLETED", 5))
        assert (run.expected_start_time, run.start_time, run.end_time) == (at(0), at(2), at(5))
        assert (run.total_run_time, run.run_count, run.next_scheduled_start_time) == (3, 1, None)

    def test_the_first_start_counts_and_every_spell_adds_up(self, make, enter):
        run = live(make, enter, ("RUNNING", 1), ("SCHEDULED", 3), ("RUNNING", 10), ("RUNNING", 14), ("FAILED", 20))
        assert (run.start_time, run.end_time, run.total_run_time, run.run_count) == (at(1), at(20), 12, 3)

    def test_a_run_that_ended_without_running_started_when_it_ended(self, make, enter):
        run = live(make, enter, ("PENDING", 0), ("CANCELLED", 4))
        assert (run.start_time, run.end_time, run.total_run_time) == (at(4), at(4), 0)

    def test_the_first_end_counts_until_the_run_goes_on(self, make, enter):
        steps = [("RUNNING", 1), ("FAILED", 2), ("COMPLETED", 9)]
        assert live(make, enter, *steps).end_time == at(2)
        assert live(make, enter, *steps, ("PENDING", 10)).end_time is None
        assert live(make, enter, *steps, ("PENDING", 10), ("CRASHED", 11)).end_time == at(11)

    @pytest.mark.parametrize("type", list(StateType))
    def test_what_is_scheduled_is_due_and_nothing_else(self, make, enter, type):
        run = make(state("SCHEDULED"))
        _, changes = enter(run, entering(type, scheduled_time=at(60)))
        assert changes.next_scheduled_start_time == (at(60) if type == "SCHEDULED" else None)

    def test_a_run_is_expected_when_it_was_first_due(self, make, enter):
        _, changes = enter(make(None), entering("SCHEDULED", scheduled_time=at(60)))
        assert changes.expected_start_time == at(60)
        run = make(state("SCHEDULED"), expected_start_time=at(60))
        _, changes = enter(run, entering("SCHEDULED", scheduled_time=at(90)))
        assert (changes.expected_start_time, changes.next_scheduled_start_time) == (at(60), at(90))

    @pytest.mark.parametrize(("clock", "stamp"), [(-5, 1e-6), (0, 1e-6), (1e-6, 1e-6), (2e-6, 2e-6)])
    def test_a_state_is_later_than_the_one_before(self, make, enter, clock, stamp):
        run = make(msgspec.structs.replace(state("RUNNING"), timestamp=NOW))
        stored, changes = enter(run, entering("COMPLETED", clock))
        assert stored.timestamp == changes.state_timestamp == changes.end_time == at(stamp)
        assert changes.total_run_time == pytest.approx(stamp)

    def test_what_comes_in_stays_as_it_is(self, make, enter):
        run, proposed = make(state("RUNNING"), run_count=1), entering("COMPLETED", -9)
        before = msgspec.json.encode([run, proposed])
        enter(run, proposed)
        assert msgspec.json.encode([run, proposed]) == before


class TestFlowRuns:
    def test_a_state_knows_its_run_and_the_task_run_that_tracks_it(self):
        stored, _ = enter_flow_run(flow_run(None, parent_task_run_id=PARENT_ID), entering("RUNNING"))
        assert (stored.state_details.flow_run_id, stored.state_details.task_run_id) == (RUN_ID, PARENT_ID)

    @pytest.mark.parametrize("type", list(StateType))
    def test_resuming_ends_with_running_or_with_the_run(self, type):
        policy = FlowRunPolicy(resuming=True, retries=2, pause_keys={"a"})
        run = flow_run(state("PENDING"), run_count=1, empirical_policy=policy)
        _, changes = enter_flow_run(run, entering(type))
        assert changes.run_count == 1
        ends = type == "RUNNING" or type in TERMINAL_STATES
        expected = FlowRunPolicy(resuming=False, retries=2, pause_keys={"a"}) if ends else None
        assert changes.empirical_policy == expected

    @pytest.mark.parametrize("resuming", [False, None])
    def test_every_other_start_is_counted(self, resuming):
        run = flow_run(state("PENDING"), run_count=1, empirical_policy=FlowRunPolicy(resuming=resuming))
        _, changes = enter_flow_run(run, entering("RUNNING"))
        assert (changes.run_count, changes.empirical_policy) == (2, None)

    def test_a_policy_set_beforehand_is_the_one_that_counts(self):
        run = flow_run(state("FAILED"), empirical_policy=FlowRunPolicy(resuming=True))
        _, changes = enter_flow_run(run, entering("RUNNING"), policy=FlowRunPolicy(resuming=False))
        assert (changes.run_count, changes.empirical_policy) == (1, FlowRunPolicy(resuming=False))

    def test_a_policy_set_afterwards_is_the_one_that_stays(self):
        run = flow_run(state("PAUSED"), run_count=1)
        _, changes = enter_flow_run(run, entering("RUNNING"), policy_after=FlowRunPolicy(resuming=True))
        assert (changes.run_count, changes.empirical_policy) == (2, FlowRunPolicy(resuming=True))


class TestTaskRuns:
    def test_a_state_knows_its_run_and_the_flow_run_around_it(self):
        stored, _ = enter_task_run(task_run(None, flow_run_id=FLOW_ID), entering("RUNNING", flow_run_id=PROPOSED_ID))
        assert (stored.state_details.flow_run_id, stored.state_details.task_run_id) == (FLOW_ID, RUN_ID)

    def test_counts_set_beforehand_are_the_ones_that_count(self):
        run = task_run(state("FAILED"), run_count=5, flow_run_run_count=1)
        _, changes = enter_task_run(run, entering("RUNNING"), run_count=0, flow_run_run_count=2)
        assert (changes.run_count, changes.flow_run_run_count) == (1, 2)

    def test_otherwise_they_go_on(self):
        run = task_run(state("FAILED"), run_count=5, flow_run_run_count=1)
        _, changes = enter_task_run(run, entering("RUNNING"))
        assert (changes.run_count, changes.flow_run_run_count) == (6, 1)

    def test_a_subflows_state_is_mirrored_under_an_id_of_its_own(self):
        stored, _ = enter_flow_run(flow_run(None, parent_task_run_id=PARENT_ID), entering("RUNNING"))
        copy = mirrored(stored, child_flow_run_id=RUN_ID, id=PROPOSED_ID)
        assert (copy.id, copy.type, copy.name, copy.timestamp) == (PROPOSED_ID, "RUNNING", "Running", NOW)
        assert copy.state_details.child_flow_run_id == RUN_ID
        assert stored.state_details.child_flow_run_id is None
