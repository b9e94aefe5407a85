"""Whatever is proposed to a run, in whatever order, with or without force: what holds after every step."""

from datetime import timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.rules import flow_run_policy, task_run_policy
from headrace.rules.common_rules import has_persisted_result
from headrace.rules.facts import CollisionStrategy, DeploymentSlots, EnclosingFlowRun, Facts, TagLimit
from headrace.rules.transitions import Abort, Accept, Entry, Proposal, Reject, decide, needs
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType
from headrace.wire.task_runs import TaskRunPolicy
from tests.rules.samples import (
    DEPLOYMENT_ID,
    FLOW_ID,
    LEASE_ID,
    LIMIT_ID,
    NOW,
    PARENT_ID,
    PERSISTED,
    UNPERSISTED,
    at,
    flow_run,
    state,
    task_run,
)

NAMES = ["", "Late", "AwaitingRetry", "Resuming", "Suspended", "Submitting", "Pending"]
DETAILS = [
    StateDetails(),
    StateDetails(scheduled_time=at(60)),
    StateDetails(scheduled_time=at(-60)),
    StateDetails(scheduled_time=at(3), transition_id=UUID(int=20)),
    StateDetails(transition_id=UUID(int=20)),
    StateDetails(pause_timeout=at(2), pause_key="a"),
    StateDetails(pause_timeout=at(-2), pause_key="b"),
    StateDetails(pause_reschedule=True),
    StateDetails(cache_key="k"),
    StateDetails(cache_key="k", refresh_cache=True),
    StateDetails(cache_key="k" * 2001),
    StateDetails(retriable=False),
    StateDetails(deferred=True),
    StateDetails(deferred=True, task_parameters_id=UUID(int=30), scheduled_time=at(2)),
    StateDetails(deployment_concurrency_lease_id=LEASE_ID),
]
FACTS = [
    Facts(),
    Facts(deployment=DeploymentSlots(), flow_run=EnclosingFlowRun(id=FLOW_ID, state=state("RUNNING"), run_count=1)),
    Facts(
        deployment=DeploymentSlots(limit_id=LIMIT_ID, limit=1),
        flow_run=EnclosingFlowRun(id=FLOW_ID, state=state("RUNNING"), run_count=3),
        tag_limits=(TagLimit(tag="a", limit=1), TagLimit(tag="b", limit=2, active_slots=1)),
    ),
    Facts(
        deployment=DeploymentSlots(limit_id=LIMIT_ID, limit=1, active_slots=1),
        lease_alive=True,
        flow_run=EnclosingFlowRun(id=FLOW_ID, state=state("PAUSED")),
        cached_state=state("COMPLETED", data=PERSISTED),
    ),
    Facts(
        deployment=DeploymentSlots(limit_id=LIMIT_ID, limit=1, active_slots=1),
        flow_run=EnclosingFlowRun(id=FLOW_ID, state=state("RUNNING")),
        tag_limits=(TagLimit(tag="a", limit=1, active_slots=1),),
    ),
    Facts(
        deployment=DeploymentSlots(limit_id=LIMIT_ID, limit=0, strategy=CollisionStrategy.CANCEL_NEW),
        flow_run=EnclosingFlowRun(id=FLOW_ID, state=state("RUNNING")),
        tag_limits=(TagLimit(tag="b", limit=0),),
    ),
    Facts(
        deployment=DeploymentSlots(limit_id=LIMIT_ID, limit=1, active_slots=1, strategy=CollisionStrategy.CANCEL_NEW),
        flow_run=EnclosingFlowRun(id=FLOW_ID),
    ),
]
flow_runs = st.builds(
    flow_run,
    deployment_id=st.sampled_from([None, DEPLOYMENT_ID]),
    parent_task_run_id=st.sampled_from([None, PARENT_ID]),
    infrastructure_pid=st.sampled_from([None, "1"]),
    empirical_policy=st.builds(
        FlowRunPolicy,
        retries=st.sampled_from([None, 0, 1, 3]),
        retry_delay=st.sampled_from([None, 0, 5, -5, 10**18]),
        pause_keys=st.sampled_from([None, set[str]()]),
    ),
)
task_runs = st.builds(
    task_run,
    flow_run_id=st.sampled_from([None, FLOW_ID]),
    tags=st.sampled_from([[], ["a"], ["a", "b"]]),
    empirical_policy=st.builds(
        TaskRunPolicy,
        retries=st.sampled_from([None, 0, 1, 3]),
        retry_delay=st.sampled_from([None, 0, 5, [1.0, 2.0], [], 1e300]),
        retry_jitter_factor=st.sampled_from([None, 0.5, 3.0, -1.0]),
    ),
)


class Step(msgspec.Struct):
    """One proposal. The clock moves on by `seconds`, or back."""

    state: State
    force: bool
    facts: Facts
    seconds: float
    api_version: tuple[int, ...] | None
    client_version: str | None
    draw: float


def step(number: int, type: StateType, name: str, data: Any, details: StateDetails, *rest: Any) -> Step:
    return Step(State(type=type, id=UUID(int=number), name=name, data=data, state_details=details), *rest)


lives = st.lists(
    st.builds(
        step,
        st.integers(1000, 10**9),
        st.sampled_from(StateType),
        st.sampled_from(NAMES),
        st.sampled_from([None, PERSISTED, UNPERSISTED, 5, [1]]),
        st.sampled_from(DETAILS),
        st.booleans(),
        st.sampled_from(FACTS),
        st.sampled_from([-3.0, 0.0, 1e-6, 1.0, 7.5]),
        st.sampled_from([None, (0, 8, 2), (0, 8, 4)]),
        st.sampled_from([None, "3.0.0", "3.4.10", "3.8.8", "x"]),
        st.sampled_from([0.0, 0.5, 0.999999]),
    ),
    min_size=1,
    max_size=10,
)


def policy_of(kind: str, step: Step) -> Any:
    if kind == "flow":
        return flow_run_policy.policy_for(step.force)
    return task_run_policy.policy_for(step.force, bool(step.state.state_details.deferred))


class Happening(NamedTuple):
    """One step of a life: the run before it, what was proposed and decided, and the run after it."""

    before: Any
    step: Step
    policy: Any
    proposal: Proposal[Any]
    decision: Any
    after: Any


def live(kind: str, run: Any, steps: list[Step]) -> list[Happening]:
    """Propose all of it, one after the other, and write what is decided."""
    clock, happened = NOW, []
    for step in steps:
        clock += timedelta(seconds=step.seconds)
        proposal = Proposal(
            run=run,
            state=msgspec.structs.replace(step.state, timestamp=clock),
            now=clock,
            api_version=step.api_version,
            client_version=step.client_version,
            draw=step.draw,
        )
        policy = policy_of(kind, step)
        needs(policy, proposal)
        decision = decide(policy, proposal, step.facts)
        after = written(run, decision.entry) if isinstance(decision, Accept | Reject) and decision.entry else run
        happened.append(Happening(run, step, policy, proposal, decision, after))
        run = after
    return happened


def written(run: Any, entry: Entry[Any]) -> Any:
    """The run as the store has it once the entry is written."""
    columns = {
        name: value
        for name, value in msgspec.structs.asdict(entry.changes).items()
        if name in run.__struct_fields__ and not (name == "empirical_policy" and value is None)
    }
    return msgspec.structs.replace(run, state=entry.state, **columns)


def history(happened: list[Happening]) -> list[State]:
    return [it.after.state for it in happened if it.after is not it.before]


searched = settings(deadline=None, max_examples=60)
both = pytest.mark.parametrize(("kind", "runs"), [("flow", flow_runs), ("task", task_runs)])


@both
@searched
@given(data=st.data())
def test_the_same_question_has_the_same_answer_and_stays_as_it_was_asked(kind, runs, data):
    for _, step, policy, proposal, decision, _ in live(kind, data.draw(runs), data.draw(lives)):
        asked = msgspec.json.encode([proposal, step.facts.cached_state], order="deterministic")
        assert decide(policy, proposal, step.facts) == decision
        assert msgspec.json.encode([proposal, step.facts.cached_state], order="deterministic") == asked


@both
@searched
@given(data=st.data())
def test_what_is_over_is_never_paused_cancelled_or_crashed_without_force(kind, runs, data):
    for before, step, _, _, decision, after in live(kind, data.draw(runs), data.draw(lives)):
        forced = step.force and not (kind == "task" and step.state.state_details.deferred)
        if before.state is None or not before.state.is_final() or forced:
            continue
        if step.state.type in (StateType.PAUSED, StateType.CANCELLING, StateType.CRASHED):
            assert after is before
            assert isinstance(decision, Abort | Reject)
        if has_persisted_result(before.state) and before.state.is_completed():
            assert after.state.is_final() or after is before


@searched
@given(run=flow_runs, steps=lives)
def test_no_flow_run_loses_a_kept_result_by_completing_again(run, steps):
    for before, *_, after in live("flow", run, steps):
        if before.state and before.state.is_completed() and has_persisted_result(before.state):
            assert not after.state.is_completed() or has_persisted_result(after.state)


@both
@searched
@given(data=st.data())
def test_the_time_spent_running_is_what_the_history_says(kind, runs, data):
    happened = live(kind, data.draw(runs), data.draw(lives))
    spells = [then.timestamp - state.timestamp for state, then in pairwise(history(happened)) if state.is_running()]
    assert happened[-1].after.total_run_time == pytest.approx(sum(spells, timedelta()).total_seconds())
    assert happened[-1].after.total_run_time >= 0


@both
@searched
@given(data=st.data())
def test_times_increase_strictly(kind, runs, data):
    times = [state.timestamp for state in history(live(kind, data.draw(runs), data.draw(lives)))]
    assert all(first < second for first, second in pairwise(times))


@both
@searched
@given(data=st.data())
def test_a_run_is_due_if_and_only_if_it_is_scheduled(kind, runs, data):
    for before, *_, after in live(kind, data.draw(runs), data.draw(lives)):
        if after is not before:
            due = after.state.state_details.scheduled_time if after.state.is_scheduled() else None
            assert after.next_scheduled_start_time == due
            assert (due is not None) is after.state.is_scheduled()
            assert after.expected_start_time is not None


@both
@searched
@given(data=st.data())
def test_a_run_has_an_end_if_and_only_if_it_is_over(kind, runs, data):
    for before, *_, after in live(kind, data.draw(runs), data.draw(lives)):
        if after is not before:
            assert (after.end_time is not None) is (after.state.type in TERMINAL_STATES)
            assert after.start_time is not None or after.state.type not in TERMINAL_STATES | {StateType.RUNNING}


@searched
@given(run=flow_runs, steps=lives)
def test_a_flow_run_counts_its_starts_but_for_those_that_resume(run, steps):
    starts = 0
    for before, step, *_, after in live("flow", run, steps):
        if after is not before and after.state.is_running():
            cleaned = not step.force and before.state is not None and before.state.is_final()
            cleans = cleaned and step.api_version != (0, 8, 2)
            starts += 1 if cleans or not before.empirical_policy.resuming else 0
        assert after.run_count == starts


@searched
@given(run=task_runs, steps=lives)
def test_a_task_run_counts_its_starts_since_it_was_last_repeated(run, steps):
    starts = 0
    for before, step, *_, after in live("task", run, steps):
        if after is before:
            continue
        governed = not step.force or step.state.state_details.deferred
        repeated = step.state.type not in TERMINAL_STATES and step.state.type is after.state.type
        if governed and repeated and before.state is not None and before.state.is_final():
            starts = 0
        starts += after.state.is_running()
        assert after.run_count == starts


@both
@searched
@given(data=st.data())
def test_what_is_written_takes_the_proposals_id_and_names_its_run(kind, runs, data):
    for before, step, *_, after in live(kind, data.draw(runs), data.draw(lives)):
        if after is before:
            continue
        assert after.state.id == after.state_id == step.state.id
        assert (after.state_type, after.state_name) == (after.state.type, after.state.name)
        named = after.state.state_details
        expected = (after.id, after.parent_task_run_id) if kind == "flow" else (after.flow_run_id, after.id)
        assert (named.flow_run_id, named.task_run_id) == expected
