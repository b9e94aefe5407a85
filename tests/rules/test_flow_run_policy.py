"""Each rule of the flow-run policies as a table: from, to, facts → the contract's decision and reason (§4.3)."""

from datetime import timedelta
from uuid import UUID

import pytest

from headrace.rules.effects import EmitStateEvent, MirrorToParentTaskRun, RetryFailedTaskRuns
from headrace.rules.facts import Needs
from headrace.rules.flow_run_policy import CORE, FORCED, MARK_LATE, policy_for
from headrace.rules.transitions import Accept, Reject, needs
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import StateType
from tests.rules.samples import (
    DEPLOYMENT_ID,
    NOW,
    PARENT_ID,
    PERSISTED,
    PROPOSED_ID,
    UNPERSISTED,
    ask,
    at,
    flow_run,
    outcome,
    propose,
    state,
)

TRANSITION = UUID(int=99)
TERMINAL = ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]
ACTIVE = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"]


def entry(decision):
    assert isinstance(decision, Accept | Reject)
    assert decision.entry is not None
    return decision.entry


class TestPreventDuplicate:
    def test_a_transition_is_made_once(self):
        run = flow_run(state("RUNNING", transition_id=TRANSITION))
        decision = ask(CORE, run, state("COMPLETED", transition_id=TRANSITION))
        assert outcome(decision) == ("REJECT", "PreventDuplicate", "This run has already made this state transition.")

    @pytest.mark.parametrize("earlier", [None, UUID(int=98)])
    def test_another_transition_passes(self, earlier):
        run = flow_run(state("RUNNING", transition_id=earlier))
        assert outcome(ask(CORE, run, state("COMPLETED", transition_id=TRANSITION)))[0] == "ACCEPT"

    def test_runs_without_transition_ids_pass(self):
        assert outcome(ask(CORE, flow_run(state("RUNNING")), state("COMPLETED")))[0] == "ACCEPT"

    def test_force_repeats_a_transition(self):
        run = flow_run(state("RUNNING", transition_id=TRANSITION))
        assert outcome(ask(FORCED, run, state("COMPLETED", transition_id=TRANSITION)))[0] == "ACCEPT"


class TestTerminalProtection:
    @pytest.mark.parametrize("from_", TERMINAL)
    @pytest.mark.parametrize("to", ["CANCELLING", "PAUSED", "CRASHED"])
    def test_what_is_over_is_neither_cancelled_nor_paused_nor_crashed(self, from_, to):
        reason = f"Run is already in terminal state {from_}."
        assert outcome(ask(CORE, flow_run(state(from_)), state(to))) == ("ABORT", "TerminalProtection", reason)

    @pytest.mark.parametrize("to", ["SCHEDULED", "PENDING", "RUNNING"])
    def test_a_completed_run_with_a_kept_result_is_not_run_again(self, to):
        run = flow_run(state("COMPLETED", data=PERSISTED), deployment_id=DEPLOYMENT_ID)
        assert outcome(ask(CORE, run, state(to))) == ("REJECT", "TerminalProtection", "Run is already COMPLETED.")

    @pytest.mark.parametrize("data", [None, UNPERSISTED])
    @pytest.mark.parametrize("policy", [CORE, FORCED])
    def test_a_kept_result_is_not_forgotten(self, policy, data):
        decision = ask(policy, flow_run(state("COMPLETED", data=PERSISTED)), state("COMPLETED", data=data))
        rule = "TerminalProtection" if policy is CORE else "PreventResultDataLoss"
        reason = "Cannot overwrite a COMPLETED state that carries persisted result data with one that does not."
        assert outcome(decision) == ("REJECT", rule, reason)

    @pytest.mark.parametrize(
        ("from_", "old", "to", "new"),
        [
            ("COMPLETED", PERSISTED, "COMPLETED", PERSISTED),
            ("COMPLETED", PERSISTED, "FAILED", None),
            ("COMPLETED", UNPERSISTED, "COMPLETED", None),
            ("COMPLETED", 5, "RUNNING", None),
            ("FAILED", PERSISTED, "COMPLETED", None),
            ("FAILED", PERSISTED, "RUNNING", None),
            ("CRASHED", None, "CANCELLED", None),
            ("CANCELLED", None, "RUNNING", None),
            ("CRASHED", None, "PENDING", None),
        ],
    )
    def test_outcomes_are_corrected_and_runs_repeated(self, from_, old, to, new):
        decision = ask(CORE, flow_run(state(from_, data=old)), state(to, data=new))
        assert outcome(decision) == ("ACCEPT", f"{to} {to.capitalize()}")

    @pytest.mark.parametrize("from_", TERMINAL)
    def test_only_a_deployment_can_start_a_run_later(self, from_):
        reason = "Cannot reschedule a run without an associated deployment."
        decision = ask(CORE, flow_run(state(from_)), state("SCHEDULED"))
        assert outcome(decision) == ("ABORT", "TerminalProtection", reason)
        decision = ask(CORE, flow_run(state(from_), deployment_id=DEPLOYMENT_ID), state("SCHEDULED"))
        assert outcome(decision) == ("ACCEPT", "SCHEDULED Scheduled")

    @pytest.mark.parametrize("api_version", [None, (0, 8, 4), (0, 9, 0)])
    @pytest.mark.parametrize(("to", "retry_type"), [("SCHEDULED", "reschedule"), ("PENDING", None)])
    def test_a_repeated_run_starts_with_clean_books(self, to, retry_type, api_version):
        policy = FlowRunPolicy(retries=3, retry_delay=5, pause_keys={"a"}, resuming=True, retry_type="in_process")
        run = flow_run(state("FAILED"), deployment_id=None, empirical_policy=policy)
        if to == "SCHEDULED":
            run.deployment_id = DEPLOYMENT_ID
        changes = entry(ask(CORE, run, state(to), api_version=api_version)).changes
        assert changes.empirical_policy == FlowRunPolicy(
            retries=3, retry_delay=5, pause_keys=set(), resuming=False, retry_type=retry_type
        )

    def test_clients_before_0_8_4_clean_the_books_themselves(self):
        run = flow_run(state("FAILED"), empirical_policy=FlowRunPolicy(pause_keys={"a"}))
        assert entry(ask(CORE, run, state("PENDING"), api_version=(0, 8, 3))).changes.empirical_policy is None

    def test_a_reset_that_a_later_rule_refuses_is_void(self):
        run = flow_run(state("CANCELLED"), empirical_policy=FlowRunPolicy(pause_keys={"a"}))
        reason = "This run is in a CANCELLED state and cannot transition to a PENDING state."
        assert outcome(ask(CORE, run, state("PENDING"))) == ("ABORT", "PreventPending", reason)

    @pytest.mark.parametrize("from_", TERMINAL)
    @pytest.mark.parametrize("to", ACTIVE)
    def test_force_gets_past(self, from_, to):
        run = flow_run(state(from_, data=PERSISTED))
        assert outcome(ask(FORCED, run, state(to))) == ("ACCEPT", f"{to} {to.capitalize()}")


class TestCancelling:
    @pytest.mark.parametrize("to", [type for type in StateType if type != "CANCELLED"])
    def test_cancelling_ends_in_cancelled_only(self, to):
        reason = "Cannot transition flows that are cancelling to a state other than Cancelled."
        decision = ask(CORE, flow_run(state("CANCELLING")), state(to))
        assert outcome(decision) == ("REJECT", "CancellingOnlyToCancelled", reason)

    def test_cancelling_ends_in_cancelled(self):
        decision = ask(CORE, flow_run(state("CANCELLING")), state("CANCELLED"))
        assert outcome(decision) == ("ACCEPT", "CANCELLED Cancelled")

    @pytest.mark.parametrize("policy", [CORE, FORCED])
    @pytest.mark.parametrize(
        ("current", "pid", "waiting"),
        [
            (state("SCHEDULED"), None, "Scheduled"),
            (state("SCHEDULED", "Late"), None, "Scheduled"),
            (state("SCHEDULED", "Resuming"), "123", "Scheduled"),
            (state("PAUSED", "Resuming"), "123", "Scheduled"),
            (state("PAUSED", "Suspended", pause_reschedule=True), "123", "Suspended"),
        ],
    )
    def test_where_nothing_runs_cancelled_is_written_at_once(self, policy, current, pid, waiting):
        decision = ask(policy, flow_run(current, infrastructure_pid=pid), state("CANCELLING"))
        reason = f"{waiting} flow run has no infrastructure to terminate."
        assert outcome(decision) == ("REJECT", "BypassCancelling", reason, "CANCELLED Cancelled")
        assert entry(decision).state.id == PROPOSED_ID
        assert entry(decision).changes.end_time == NOW

    @pytest.mark.parametrize(
        ("current", "pid"),
        [
            (state("SCHEDULED", "AwaitingRetry"), "123"),
            (state("PAUSED"), None),
            (state("RUNNING"), None),
            (state("PENDING"), None),
        ],
    )
    def test_where_something_may_run_it_is_told(self, current, pid):
        decision = ask(CORE, flow_run(current, infrastructure_pid=pid), state("CANCELLING"))
        assert outcome(decision) == ("ACCEPT", "CANCELLING Cancelling")


class TestPreventPending:
    @pytest.mark.parametrize("from_", ["PENDING", "RUNNING", "CANCELLED"])
    def test_a_run_is_picked_up_once(self, from_):
        reason = f"This run is in a {from_} state and cannot transition to a PENDING state."
        decision = ask(CORE, flow_run(state(from_)), state("PENDING"))
        assert outcome(decision) == ("ABORT", "PreventPending", reason)

    @pytest.mark.parametrize(
        ("old", "new", "passes"),
        [
            ("Pending", "Submitting", True),
            ("Submitting", "InfrastructurePending", True),
            ("Submitting", "Submitting", False),
            ("Submitting", "Pending", False),
        ],
    )
    def test_who_picked_it_up_refines_the_name(self, old, new, passes):
        current = state("PENDING", old, scheduled_time=at(5))
        decision = ask(CORE, flow_run(current), state("PENDING", new))
        assert (outcome(decision)[0] == "ACCEPT") is passes
        if passes:
            assert entry(decision).state.state_details.scheduled_time == at(5)

    @pytest.mark.parametrize("from_", ["SCHEDULED", "COMPLETED", "FAILED", "CRASHED"])
    def test_what_waits_or_is_over_can_be_picked_up(self, from_):
        assert outcome(ask(CORE, flow_run(state(from_)), state("PENDING")))[0] == "ACCEPT"


class TestOnlyScheduledLate:
    @pytest.mark.parametrize("policy", [CORE, MARK_LATE])
    @pytest.mark.parametrize("current", [None, state("PENDING"), state("RUNNING"), state("PAUSED")])
    def test_only_what_is_scheduled_is_late(self, policy, current):
        decision = ask(policy, flow_run(current), state("SCHEDULED", "Late"))
        assert outcome(decision) == ("REJECT", "OnlyScheduledLate", "Only scheduled flows can be marked late.")

    @pytest.mark.parametrize("policy", [CORE, MARK_LATE])
    def test_a_run_becomes_late_once(self, policy):
        decision = ask(policy, flow_run(state("SCHEDULED", "Late")), state("SCHEDULED", "Late"))
        assert outcome(decision) == ("REJECT", "OnlyScheduledLate", "This flow run is already marked late.")

    @pytest.mark.parametrize("policy", [CORE, MARK_LATE])
    def test_what_is_scheduled_becomes_late(self, policy):
        decision = ask(policy, flow_run(state("SCHEDULED")), state("SCHEDULED", "Late", scheduled_time=at(-60)))
        assert outcome(decision) == ("ACCEPT", "SCHEDULED Late")
        assert entry(decision).changes.next_scheduled_start_time == at(-60)


class TestPausing:
    @pytest.mark.parametrize(
        ("current", "name", "details", "fields", "expected"),
        [
            (None, "", {}, {}, ("ABORT", "Cannot pause flows with no state.")),
            (None, "Suspended", {}, {}, ("ABORT", "Cannot suspend flows with no state.")),
            (state("PENDING"), "", {}, {}, ("REJECT", "Cannot pause flows that are not currently running.")),
            (state("PAUSED"), "", {}, {}, ("REJECT", "Cannot pause flows that are not currently running.")),
            (
                state("SCHEDULED"),
                "Suspended",
                {},
                {},
                ("REJECT", "Cannot suspend flows that are not currently running."),
            ),
            (state("RUNNING"), "", {"pause_key": "old"}, {}, ("REJECT", "This pause has already fired.")),
            (
                state("RUNNING"),
                "Suspended",
                {"pause_reschedule": True},
                {"parent_task_run_id": PARENT_ID, "deployment_id": DEPLOYMENT_ID},
                ("ABORT", "Cannot suspend subflows."),
            ),
            (
                state("RUNNING"),
                "Suspended",
                {"pause_reschedule": True},
                {},
                ("ABORT", "Cannot suspend flows without a deployment."),
            ),
        ],
    )
    def test_when_a_flow_cannot_pause(self, current, name, details, fields, expected):
        run = flow_run(current, empirical_policy=FlowRunPolicy(pause_keys={"old"}), **fields)
        kind, reason = expected
        assert outcome(ask(CORE, run, state("PAUSED", name, **details))) == (kind, "Pausing", reason)

    def test_a_pause_remembers_its_key(self):
        run = flow_run(state("RUNNING"), empirical_policy=FlowRunPolicy(pause_keys={"old"}, retries=1))
        decision = ask(CORE, run, state("PAUSED", pause_key="new"))
        assert outcome(decision) == ("ACCEPT", "PAUSED Paused")
        assert entry(decision).changes.empirical_policy == FlowRunPolicy(pause_keys={"old", "new"}, retries=1)
        assert run.empirical_policy.pause_keys == {"old"}

    def test_a_pause_without_a_key_takes_one_of_its_own(self):
        run = flow_run(state("RUNNING"), empirical_policy=FlowRunPolicy(pause_keys=None))
        changes = entry(ask(CORE, run, state("PAUSED"))).changes
        assert changes.empirical_policy.pause_keys == {str(PROPOSED_ID)}

    def test_a_deployed_run_is_suspended(self):
        run = flow_run(state("RUNNING"), deployment_id=DEPLOYMENT_ID)
        decision = ask(CORE, run, state("PAUSED", "Suspended", pause_reschedule=True))
        assert outcome(decision) == ("ACCEPT", "PAUSED Suspended")


class TestResuming:
    def test_a_paused_run_is_not_picked_up(self):
        decision = ask(CORE, flow_run(state("PAUSED")), state("PENDING"))
        reason = "This run cannot transition to the PENDING state from the PAUSED state."
        assert outcome(decision) == ("REJECT", "Resuming", reason)

    @pytest.mark.parametrize("to", ["RUNNING", "SCHEDULED", *TERMINAL])
    def test_a_suspended_run_cannot_go_on_without_its_deployment(self, to):
        current = state("PAUSED", "Suspended", pause_reschedule=True)
        reason = f"Cannot reschedule a {to.lower()} flow run without a deployment."
        assert outcome(ask(CORE, flow_run(current), state(to))) == ("REJECT", "Resuming", reason)

    @pytest.mark.parametrize("to", ["RUNNING", "SCHEDULED", *TERMINAL])
    @pytest.mark.parametrize(("name", "was"), [("Paused", "paused"), ("Suspended", "suspended")])
    def test_after_its_time_out_a_paused_run_fails(self, to, name, was):
        decision = ask(CORE, flow_run(state("PAUSED", name, pause_timeout=at(-0.1))), state(to))
        reason = "The flow run pause has timed out and can no longer resume."
        assert outcome(decision) == ("REJECT", "Resuming", reason, "FAILED Failed")
        assert entry(decision).state.message == f"The flow was {was} and never resumed."

    @pytest.mark.parametrize("timeout", [None, at(0), at(5)])
    @pytest.mark.parametrize("to", ["RUNNING", "SCHEDULED", *TERMINAL])
    def test_a_paused_run_goes_on_or_ends(self, to, timeout):
        run = flow_run(state("PAUSED", pause_timeout=timeout), run_count=1)
        decision = ask(CORE, run, state(to))
        assert outcome(decision) == ("ACCEPT", f"{to} {to.capitalize()}")
        assert entry(decision).changes.empirical_policy.resuming is True

    def test_a_paused_run_can_be_cancelled_after_its_time_out(self):
        decision = ask(CORE, flow_run(state("PAUSED", pause_timeout=at(-5))), state("CANCELLING"))
        assert outcome(decision) == ("ACCEPT", "CANCELLING Cancelling")

    def test_a_resumed_run_goes_on_with_the_attempt_it_was_in(self):
        resuming = FlowRunPolicy(resuming=True, pause_keys={"a"})
        run = flow_run(state("PENDING"), empirical_policy=resuming, run_count=1)
        changes = entry(ask(CORE, run, state("RUNNING"))).changes
        assert changes.run_count == 1
        assert changes.empirical_policy == FlowRunPolicy(resuming=False, pause_keys={"a"})


class TestScheduledTime:
    def test_a_run_that_is_picked_up_keeps_its_time(self):
        decision = ask(CORE, flow_run(state("SCHEDULED", scheduled_time=at(9))), state("PENDING"))
        assert entry(decision).state.state_details.scheduled_time == at(9)

    @pytest.mark.parametrize("from_", ["SCHEDULED", "PENDING"])
    @pytest.mark.parametrize(("seconds", "delay"), [(0.6, 1), (1.2, 1), (1.7, 2), (60.4, 60), (86400, 86400)])
    def test_a_run_does_not_start_before_its_time(self, from_, seconds, delay):
        decision = ask(CORE, flow_run(state(from_, scheduled_time=at(seconds))), state("RUNNING"))
        expected = ("WAIT", "WaitForScheduledTime", "Scheduled time is in the future", delay)
        assert outcome(decision) == expected

    @pytest.mark.parametrize("seconds", [None, -3600, 0, 0.3, 0.5])
    def test_a_run_starts_when_it_is_due(self, seconds):
        current = state("PENDING", scheduled_time=None if seconds is None else at(seconds))
        assert outcome(ask(CORE, flow_run(current), state("RUNNING"))) == ("ACCEPT", "RUNNING Running")

    def test_force_starts_a_run_early(self):
        run = flow_run(state("SCHEDULED", scheduled_time=at(60)))
        assert outcome(ask(FORCED, run, state("RUNNING"))) == ("ACCEPT", "RUNNING Running")


class TestRetryFailedFlows:
    def failing(self, run_count: int, policy: FlowRunPolicy, **more):
        run = flow_run(state("RUNNING"), run_count=run_count, empirical_policy=policy)
        return ask(CORE, run, state("FAILED", message="boo", data={"a": 1}), **more)

    @pytest.mark.parametrize(("run_count", "retries"), [(1, 1), (1, 3), (3, 3)])
    def test_a_run_with_retries_left_rests(self, run_count, retries):
        policy = FlowRunPolicy(retries=retries, retry_delay=30, pause_keys={"a"}, resuming=True)
        decision = self.failing(run_count, policy)
        assert outcome(decision) == ("REJECT", "RetryFailedFlows", "Retrying", "SCHEDULED AwaitingRetry")
        written = entry(decision).state
        assert (written.message, written.data, written.id) == ("boo", {"a": 1}, PROPOSED_ID)
        assert written.state_details.scheduled_time == NOW + timedelta(seconds=30)
        assert entry(decision).changes.empirical_policy == FlowRunPolicy(
            retries=retries, retry_delay=30, pause_keys=set(), resuming=False, retry_type="in_process"
        )

    @pytest.mark.parametrize(("run_count", "retries"), [(1, None), (1, 0), (2, 1)])
    def test_a_run_without_retries_left_fails(self, run_count, retries):
        decision = self.failing(run_count, FlowRunPolicy(retries=retries))
        assert outcome(decision) == ("ACCEPT", "FAILED Failed")
        assert entry(decision).changes.empirical_policy is None

    def test_the_last_attempt_leaves_no_retry_behind(self):
        changes = entry(self.failing(2, FlowRunPolicy(retries=1, retry_type="in_process"))).changes
        assert changes.empirical_policy == FlowRunPolicy(retries=1, retry_type=None)

    def test_no_delay_means_at_once(self):
        assert entry(self.failing(1, FlowRunPolicy(retries=1))).changes.next_scheduled_start_time == NOW

    @pytest.mark.parametrize("api_version", [(0, 8, 2), (0, 8, 0)])
    def test_old_clients_have_their_task_runs_rescheduled(self, api_version):
        effects = entry(self.failing(1, FlowRunPolicy(retries=1), api_version=api_version)).effects
        assert RetryFailedTaskRuns(NOW) in effects

    @pytest.mark.parametrize("api_version", [None, (0, 8, 3), (0, 8, 4)])
    def test_others_reschedule_their_task_runs_themselves(self, api_version):
        assert entry(self.failing(1, FlowRunPolicy(retries=1), api_version=api_version)).effects == (EmitStateEvent(),)

    def test_a_crash_is_no_failure(self):
        run = flow_run(state("RUNNING"), run_count=1, empirical_policy=FlowRunPolicy(retries=5))
        assert outcome(ask(CORE, run, state("CRASHED"))) == ("ACCEPT", "CRASHED Crashed")

    def test_a_delay_beyond_the_calendar_is_its_last_day(self):
        decision = self.failing(1, FlowRunPolicy(retries=1, retry_delay=10**18))
        assert entry(decision).changes.next_scheduled_start_time.year == 9999

    def test_force_fails_at_once(self):
        run = flow_run(state("RUNNING"), run_count=1, empirical_policy=FlowRunPolicy(retries=5))
        assert outcome(ask(FORCED, run, state("FAILED"))) == ("ACCEPT", "FAILED Failed")


class TestAftermath:
    @pytest.mark.parametrize("policy", [CORE, FORCED, MARK_LATE])
    def test_what_is_written_is_told_to_the_world_and_to_the_parent(self, policy):
        run = flow_run(state("SCHEDULED"), parent_task_run_id=PARENT_ID)
        effects = entry(ask(policy, run, state("SCHEDULED", "Late"))).effects
        assert effects == (EmitStateEvent(), MirrorToParentTaskRun(PARENT_ID))

    def test_so_is_a_state_that_a_rule_put_in_the_place_of_the_proposed_one(self):
        run = flow_run(state("SCHEDULED"), parent_task_run_id=PARENT_ID)
        effects = entry(ask(CORE, run, state("CANCELLING"))).effects
        assert effects == (EmitStateEvent(), MirrorToParentTaskRun(PARENT_ID))


class TestTheWayOfMostRuns:
    def test_it_needs_to_look_up_nothing(self):
        for from_, to in [(None, "PENDING"), ("PENDING", "RUNNING"), ("RUNNING", "COMPLETED"), ("RUNNING", "FAILED")]:
            proposal = propose(flow_run(state(from_) if from_ else None), state(to), client_version="3.8.8")
            assert needs(CORE, proposal) is Needs.NOTHING

    def test_it_is_accepted_from_end_to_end(self):
        for from_, to in [(None, "SCHEDULED"), ("SCHEDULED", "PENDING"), ("PENDING", "RUNNING"), ("RUNNING", "FAILED")]:
            decision = ask(policy_for(force=False), flow_run(state(from_) if from_ else None), state(to))
            assert outcome(decision) == ("ACCEPT", f"{to} {to.capitalize()}")

    @pytest.mark.parametrize("to", list(StateType))
    def test_a_run_can_be_made_in_any_state(self, to):
        decision = ask(policy_for(force=True), flow_run(None), state(to))
        assert outcome(decision) == ("ACCEPT", f"{to} {to.capitalize()}")
