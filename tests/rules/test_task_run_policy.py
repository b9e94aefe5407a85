"""Each rule of the task-run policies as a table: from, to, facts → the contract's decision and reason (§4.4)."""

from uuid import UUID

import pytest

from headrace.rules.effects import AcquireTagSlots, Enqueue, ReleaseTagSlots, RememberCached
from headrace.rules.facts import EnclosingFlowRun, Facts, Needs, TagLimit
from headrace.rules.task_run_policy import BACKGROUND, CORE, FORCED, policy_for
from headrace.rules.transitions import Accept, needs
from headrace.wire.states import StateType
from headrace.wire.task_runs import TaskRunPolicy
from tests.rules.samples import (
    FLOW_ID,
    NOW,
    PERSISTED,
    PROPOSED_ID,
    RUN_ID,
    UNPERSISTED,
    ask,
    at,
    outcome,
    propose,
    state,
    task_run,
)

FLOW_RUN_ID = FLOW_ID
PARAMETERS_ID = UUID(int=77)
TERMINAL = ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]


def enclosing(current, **fields):
    return Facts(flow_run=EnclosingFlowRun(id=FLOW_RUN_ID, state=current, **fields))


def in_flow_run(current=None, **fields):
    return task_run(current, flow_run_id=FLOW_RUN_ID, **fields)


class TestCacheRetrieval:
    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    def test_a_cached_result_stands_in_for_the_run(self, policy):
        cached = state("COMPLETED", data=PERSISTED, message="made earlier", cache_key="k", task_run_id=PROPOSED_ID)
        proposed = state("RUNNING", cache_key="k")
        decision = ask(policy, task_run(state("PENDING")), proposed, Facts(cached_state=cached))
        assert outcome(decision) == ("REJECT", "CacheRetrieval", "Retrieved state from cache", "COMPLETED Cached")
        written = decision.entry.state
        assert (written.id, written.timestamp, written.data) == (PROPOSED_ID, NOW, PERSISTED)
        assert (written.message, written.state_details.cache_key) == ("made earlier", "k")
        assert written.state_details.task_run_id == RUN_ID
        assert (cached.name, cached.state_details.task_run_id) == ("Completed", PROPOSED_ID)

    def test_it_also_does_where_the_flow_is_not_running(self):
        facts = Facts(cached_state=state("COMPLETED"), flow_run=EnclosingFlowRun(id=FLOW_RUN_ID))
        decision = ask(CORE, in_flow_run(state("PENDING")), state("RUNNING", cache_key="k"), facts)
        assert outcome(decision)[1] == "CacheRetrieval"

    @pytest.mark.parametrize(
        ("details", "wanted"),
        [
            ({"cache_key": "k"}, Needs.CACHED_STATE),
            ({"cache_key": "k", "refresh_cache": False}, Needs.CACHED_STATE),
            ({"cache_key": "k", "refresh_cache": True}, Needs.NOTHING),
            ({}, Needs.NOTHING),
        ],
    )
    def test_it_is_looked_up_by_its_key_unless_it_is_to_be_refreshed(self, details, wanted):
        proposal = propose(task_run(state("PENDING")), state("RUNNING", **details))
        assert needs(CORE, proposal) == wanted

    def test_what_is_to_be_refreshed_runs(self):
        proposed = state("RUNNING", cache_key="k", refresh_cache=True)
        decision = ask(CORE, task_run(state("PENDING")), proposed, Facts(cached_state=state("COMPLETED")))
        assert outcome(decision) == ("ACCEPT", "RUNNING Running")

    def test_what_is_not_cached_runs(self):
        decision = ask(CORE, task_run(state("PENDING")), state("RUNNING", cache_key="k"))
        assert outcome(decision) == ("ACCEPT", "RUNNING Running")


class TestTaskTerminal:
    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    @pytest.mark.parametrize("from_", TERMINAL)
    @pytest.mark.parametrize("to", ["CANCELLING", "PAUSED", "CRASHED"])
    def test_what_is_over_is_neither_cancelled_nor_paused_nor_crashed(self, from_, to, policy):
        decision = ask(policy, task_run(state(from_, data=PERSISTED)), state(to))
        assert outcome(decision) == ("ABORT", "TaskTerminal", f"Run is already {from_}.")

    @pytest.mark.parametrize("to", ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"])
    def test_a_completed_run_with_a_kept_result_stays_completed(self, to):
        decision = ask(CORE, task_run(state("COMPLETED", data=PERSISTED)), state(to, data=PERSISTED))
        assert outcome(decision) == ("REJECT", "TaskTerminal", "This run is already completed.")

    @pytest.mark.parametrize("data", [None, UNPERSISTED, 5, "text"])
    @pytest.mark.parametrize("to", ["COMPLETED", "FAILED", "CANCELLED"])
    def test_an_outcome_without_one_can_be_corrected(self, to, data):
        run = task_run(state("COMPLETED", data=data), run_count=2)
        decision = ask(CORE, run, state(to))
        assert outcome(decision) == ("ACCEPT", f"{to} {to.capitalize()}")
        assert decision.entry.changes.run_count == 2

    @pytest.mark.parametrize(("to", "count"), [("SCHEDULED", 0), ("PENDING", 0), ("RUNNING", 1)])
    @pytest.mark.parametrize("from_", TERMINAL)
    def test_a_run_that_is_repeated_counts_anew(self, from_, to, count):
        decision = ask(CORE, task_run(state(from_), run_count=3), state(to))
        assert outcome(decision) == ("ACCEPT", f"{to} {to.capitalize()}")
        assert decision.entry.changes.run_count == count

    @pytest.mark.parametrize(("seen", "name"), [(1, "Retrying"), (2, "Running"), (3, "Running")])
    def test_a_run_in_a_retried_flow_run_is_named_so(self, seen, name):
        run = in_flow_run(state("FAILED"), run_count=1, flow_run_run_count=seen)
        decision = ask(CORE, run, state("RUNNING"), enclosing(state("RUNNING"), run_count=2))
        assert outcome(decision) == ("ACCEPT", f"RUNNING {name}")

    @pytest.mark.parametrize("to", list(StateType))
    def test_force_gets_past(self, to):
        run = task_run(state("COMPLETED", data=PERSISTED), run_count=3)
        assert isinstance(ask(FORCED, run, state(to)), Accept)


class TestPreventRunningFromStoppedFlow:
    @pytest.mark.parametrize(
        "current", [None, *(state(type) for type in StateType if type not in ("RUNNING", "PAUSED"))]
    )
    def test_a_task_starts_only_in_a_running_flow(self, current):
        decision = ask(CORE, in_flow_run(state("PENDING")), state("RUNNING"), enclosing(current))
        reason = "The enclosing flow must be running to begin task execution."
        assert outcome(decision) == ("ABORT", "PreventRunningFromStoppedFlow", reason)

    def test_a_task_does_not_start_in_a_flow_run_that_is_gone(self):
        decision = ask(CORE, in_flow_run(state("PENDING")), state("RUNNING"))
        assert outcome(decision)[:2] == ("ABORT", "PreventRunningFromStoppedFlow")

    def test_a_task_of_a_paused_flow_is_not_ready(self):
        paused = state("PAUSED", "Suspended", pause_timeout=at(9), pause_reschedule=True, pause_key="k")
        decision = ask(CORE, in_flow_run(state("PENDING")), state("RUNNING"), enclosing(paused))
        reason = f"The flow is paused, new tasks can execute after resuming flow run: {FLOW_RUN_ID}."
        assert outcome(decision) == ("REJECT", "PreventRunningFromStoppedFlow", reason, "PAUSED NotReady")
        details = decision.entry.state.state_details
        assert (details.pause_timeout, details.pause_reschedule, details.pause_key) == (at(9), True, None)

    def test_the_flow_run_is_looked_up(self):
        assert needs(CORE, propose(in_flow_run(state("PENDING")), state("RUNNING"))) == Needs.FLOW_RUN

    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    def test_a_task_outside_of_flows_starts(self, policy):
        assert needs(policy, propose(task_run(state("PENDING")), state("RUNNING"))) is Needs.NOTHING
        assert outcome(ask(policy, task_run(state("PENDING")), state("RUNNING"))) == ("ACCEPT", "RUNNING Running")


class TestTagSlots:
    def ask(self, *limits, draw=0.5, to="RUNNING", policy=CORE):
        run = task_run(state("PENDING"), tags=[limit.tag for limit in limits] or ["x"])
        return ask(policy, run, state(to), Facts(tag_limits=limits), draw=draw)

    def test_the_limits_are_looked_up_for_runs_with_tags(self):
        run = task_run(state("PENDING"), tags=["x"])
        assert needs(CORE, propose(run, state("RUNNING"))) == Needs.TAG_LIMITS
        assert needs(CORE, propose(run, state("COMPLETED"))) is Needs.NOTHING

    def test_a_run_takes_a_slot_for_each_tag(self):
        decision = self.ask(TagLimit(tag="a", limit=2, active_slots=1), TagLimit(tag="b", limit=1))
        assert decision.entry.effects == (AcquireTagSlots(("a", "b"), PROPOSED_ID),)

    def test_tags_without_a_limit_take_none(self):
        assert self.ask().entry.effects == ()

    def test_a_limit_of_zero_is_a_deadlock(self):
        decision = self.ask(TagLimit(tag="a", limit=1, active_slots=1), TagLimit(tag="z", limit=0))
        reason = 'The concurrency limit on tag "z" is 0 and will deadlock if the task tries to run again.'
        assert outcome(decision) == ("ABORT", "SecureTagSlots", reason)

    @pytest.mark.parametrize(("draw", "delay"), [(0.0, 1), (0.5, 3), (0.9, 9)])
    def test_a_run_waits_for_all_of_its_slots(self, draw, delay):
        full = TagLimit(tag="a", limit=1, active_slots=1, average_occupancy=4)
        decision = self.ask(full, TagLimit(tag="b", limit=9), draw=draw)
        assert outcome(decision) == ("WAIT", "SecureTagSlots", "Concurrency limit reached for tags: a", delay)

    def test_it_waits_for_the_limit_that_is_held_longest_but_not_forever(self):
        limits = [TagLimit(tag=tag, limit=1, active_slots=1, average_occupancy=s) for tag, s in [("a", 3), ("b", 999)]]
        decision = self.ask(*limits, draw=0.5)
        assert outcome(decision) == ("WAIT", "SecureTagSlots", "Concurrency limit reached for tags: a, b", 7)

    def test_a_run_does_not_wait_for_itself(self):
        held = TagLimit(tag="a", limit=1, active_slots=1, held=True)
        decision = self.ask(held, TagLimit(tag="b", limit=1))
        assert decision.entry.effects == (AcquireTagSlots(("b",), PROPOSED_ID),)

    @pytest.mark.parametrize("policy", [CORE, BACKGROUND, FORCED])
    @pytest.mark.parametrize("to", ["COMPLETED", "CRASHED", "PENDING"])
    def test_a_run_that_does_not_run_holds_none(self, policy, to):
        run = task_run(state("RUNNING"), tags=["a", "b"])
        if policy is BACKGROUND and to == "PENDING":
            run.state = state("SCHEDULED")
        assert ask(policy, run, state(to)).entry.effects == (ReleaseTagSlots(("a", "b")),)

    def test_a_run_that_is_being_stopped_keeps_them(self):
        assert ask(CORE, task_run(state("RUNNING"), tags=["a"]), state("CANCELLING")).entry.effects == ()

    def test_a_run_that_rests_before_its_next_attempt_gives_them_back(self):
        run = task_run(state("RUNNING"), tags=["a"], run_count=1, empirical_policy=TaskRunPolicy(retries=1))
        assert ask(CORE, run, state("FAILED")).entry.effects == (ReleaseTagSlots(("a",)),)


class TestScheduledTime:
    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    def test_a_run_that_is_picked_up_keeps_its_time(self, policy):
        decision = ask(policy, task_run(state("SCHEDULED", scheduled_time=at(9))), state("PENDING"))
        assert decision.entry.state.state_details.scheduled_time == at(9)

    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    @pytest.mark.parametrize("from_", ["SCHEDULED", "PENDING"])
    def test_a_run_does_not_start_before_its_time(self, policy, from_):
        decision = ask(policy, task_run(state(from_, scheduled_time=at(9))), state("RUNNING"))
        assert outcome(decision) == ("WAIT", "WaitForScheduledTime", "Scheduled time is in the future", 9)


class TestRetryFailedTasks:
    def failing(self, run_count, draw=0.5, retriable=None, **policy):
        run = task_run(state("RUNNING"), run_count=run_count, empirical_policy=TaskRunPolicy(**policy))
        return ask(CORE, run, state("FAILED", message="boo", data=4, retriable=retriable), draw=draw)

    @pytest.mark.parametrize(
        ("run_count", "delay", "seconds"),
        [(1, None, 0), (1, 7, 7), (3, 7, 7), (1, [1, 10], 1), (2, [1, 10], 10), (3, [1, 10], 10), (1, [], 0)],
    )
    def test_a_run_with_retries_left_rests(self, run_count, delay, seconds):
        decision = self.failing(run_count, retries=3, retry_delay=delay)
        assert outcome(decision) == ("REJECT", "RetryFailedTasks", "Retrying", "SCHEDULED AwaitingRetry")
        assert (decision.entry.state.message, decision.entry.state.data) == ("boo", 4)
        assert decision.entry.changes.next_scheduled_start_time == at(seconds)

    def test_jitter_spreads_the_delay(self):
        delays = [
            self.failing(1, draw, retries=1, retry_delay=10, retry_jitter_factor=0.5).entry.changes
            for draw in (0, 0.5, 0.999999)
        ]
        times = [changes.next_scheduled_start_time for changes in delays]
        assert times[0] == at(5)
        assert at(5) < times[1] < times[2] < at(15)

    @pytest.mark.parametrize(("run_count", "retries"), [(1, None), (1, 0), (2, 1)])
    def test_a_run_without_retries_left_fails(self, run_count, retries):
        assert outcome(self.failing(run_count, retries=retries)) == ("ACCEPT", "FAILED Failed")

    def test_a_failure_can_say_that_another_attempt_is_useless(self):
        assert outcome(self.failing(1, retries=3, retriable=False)) == ("ACCEPT", "FAILED Failed")
        assert outcome(self.failing(1, retries=3, retriable=True))[0] == "REJECT"


class TestRenameReruns:
    @pytest.mark.parametrize(
        ("current", "run_count", "name"),
        [
            (None, 0, "Mine"),
            (state("PENDING"), 0, "Mine"),
            (state("SCHEDULED", "AwaitingRetry"), 1, "Retrying"),
            (state("PENDING"), 1, "Rerunning"),
            (state("RUNNING"), 1, "Rerunning"),
            (None, 2, "Rerunning"),
            (state("FAILED"), 2, "Mine"),
        ],
    )
    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    def test_the_name_tells_which_attempt_it_is(self, policy, current, run_count, name):
        decision = ask(policy, task_run(current, run_count=run_count), state("RUNNING", "Mine"))
        assert outcome(decision) == ("ACCEPT", f"RUNNING {name}")


class TestUpdateFlowRunTracker:
    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    def test_a_task_run_knows_the_attempt_of_its_flow_run(self, policy):
        run = in_flow_run(state("PENDING"), flow_run_run_count=1)
        decision = ask(policy, run, state("RUNNING"), enclosing(state("RUNNING"), run_count=4))
        assert decision.entry.changes.flow_run_run_count == 4

    def test_it_is_not_told_while_it_has_to_wait(self):
        run = in_flow_run(state("SCHEDULED", scheduled_time=at(9)))
        assert outcome(ask(CORE, run, state("RUNNING"), enclosing(state("RUNNING"), run_count=4)))[0] == "WAIT"

    def test_otherwise_the_number_stays(self):
        run = in_flow_run(state("RUNNING"), flow_run_run_count=3)
        assert ask(CORE, run, state("COMPLETED")).entry.changes.flow_run_run_count == 3


class TestCacheInsertion:
    @pytest.mark.parametrize("policy", [CORE, BACKGROUND])
    def test_a_completed_state_is_filed_under_its_key(self, policy):
        decision = ask(policy, task_run(state("RUNNING")), state("COMPLETED", cache_key="k", cache_expiration=at(9)))
        assert decision.entry.effects == (RememberCached("k", at(9)),)

    def test_a_key_that_is_too_long_is_refused_and_the_run_completes_all_the_same(self):
        decision = ask(CORE, task_run(state("RUNNING")), state("COMPLETED", data=PERSISTED, cache_key="k" * 2001))
        reason = "Cache key exceeded maximum allowed length of 2000 characters."
        assert outcome(decision) == ("REJECT", "CacheInsertion", reason, "COMPLETED Completed")
        assert decision.entry.effects == ()
        assert decision.entry.state.data == PERSISTED

    def test_the_longest_key_is_not_too_long(self):
        decision = ask(CORE, task_run(state("RUNNING")), state("COMPLETED", cache_key="k" * 2000))
        assert decision.entry.effects == (RememberCached("k" * 2000, None),)


class TestBackground:
    def test_force_does_not_lift_it(self):
        assert policy_for(force=True, deferred=True) is policy_for(force=False, deferred=True) is BACKGROUND
        assert policy_for(force=False, deferred=False) is CORE
        assert policy_for(force=True, deferred=False) is FORCED

    @pytest.mark.parametrize("from_", ["PENDING", "RUNNING", "CANCELLED", "CANCELLING"])
    def test_a_run_is_picked_up_once(self, from_):
        reason = f"This run is in a {from_} state and cannot transition to a PENDING state."
        assert outcome(ask(BACKGROUND, task_run(state(from_)), state("PENDING"))) == (
            "ABORT",
            "PreventPending",
            reason,
        )

    @pytest.mark.parametrize(
        ("from_", "to"), [("SCHEDULED", "PENDING"), ("SCHEDULED", "RUNNING"), ("PENDING", "RUNNING")]
    )
    def test_it_keeps_track_of_its_parameters(self, from_, to):
        run = task_run(state(from_, task_parameters_id=PARAMETERS_ID))
        assert ask(BACKGROUND, run, state(to)).entry.state.state_details.task_parameters_id == PARAMETERS_ID

    @pytest.mark.parametrize("current", [None, state("FAILED")])
    def test_a_scheduled_run_is_offered_to_workers(self, current):
        effects = ask(BACKGROUND, task_run(current), state("SCHEDULED", deferred=True)).entry.effects
        assert effects == (Enqueue("t", retry=False),)

    def test_a_retry_is_offered_first_and_with_its_parameters(self):
        current = state("RUNNING", deferred=True, task_parameters_id=PARAMETERS_ID)
        run = task_run(current, run_count=1, empirical_policy=TaskRunPolicy(retries=1))
        entry = ask(BACKGROUND, run, state("FAILED", deferred=True)).entry
        assert entry.effects == (Enqueue("t", retry=True),)
        assert (entry.state.state_details.deferred, entry.state.state_details.task_parameters_id) == (
            True,
            PARAMETERS_ID,
        )

    @pytest.mark.parametrize("to", ["PENDING", "RUNNING", "COMPLETED", "FAILED"])
    def test_what_is_not_scheduled_is_not_offered(self, to):
        assert ask(BACKGROUND, task_run(state("SCHEDULED")), state(to)).entry.effects == ()
