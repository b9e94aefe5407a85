"""Runs, states and proposals to ask the rules about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from headrace.rules.facts import NO_FACTS, Facts
from headrace.rules.transitions import Abort, Accept, Decision, Policy, Proposal, Reject, Wait, decide
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State, StateDetails, StateType
from headrace.wire.task_runs import TaskRun

NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
PROPOSED_ID = UUID(int=7)
RUN_ID, FLOW_ID, PARENT_ID, DEPLOYMENT_ID, LEASE_ID = (UUID(int=number) for number in range(1, 6))
LIMIT_ID = UUID(int=9)
PERSISTED = {"storage_key": "abc"}
UNPERSISTED = {"type": "unpersisted"}


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def state(type: str, name: str = "", *, data: Any = None, message: str | None = None, **details: Any) -> State:
    """A state that was entered a second before NOW."""
    return State(
        type=StateType(type),
        name=name,
        timestamp=at(-1),
        data=data,
        message=message,
        state_details=StateDetails(**details),
    )


def flow_run(current: State | None = None, **fields: Any) -> FlowRun:
    return FlowRun(id=RUN_ID, name="able-newt", flow_id=FLOW_ID, state=current, **fields)


def task_run(current: State | None = None, **fields: Any) -> TaskRun:
    return TaskRun(id=RUN_ID, name="t-0", task_key="t", dynamic_key="0", state=current, **fields)


def propose(run: Any, proposed: State, **more: Any) -> Proposal[Any]:
    proposed.id, proposed.timestamp = PROPOSED_ID, NOW
    return Proposal(run=run, state=proposed, now=NOW, **more)


def outcome(decision: Decision[Any]) -> tuple[Any, ...]:
    """A decision in a row of a table: its kind, the rule and its reason, and the state that is written."""
    match decision:
        case Accept(entry=entry):
            return ("ACCEPT", f"{entry.state.type} {entry.state.name}")
        case Reject(reason=reason, entry=None, rule=rule):
            return ("REJECT", rule, reason)
        case Reject(reason=reason, entry=entry, rule=rule):
            assert entry is not None
            return ("REJECT", rule, reason, f"{entry.state.type} {entry.state.name}")
        case Wait(delay_seconds=delay, reason=reason, rule=rule):
            return ("WAIT", rule, reason, delay)
        case Abort(reason=reason, rule=rule):
            return ("ABORT", rule, reason)


def ask(policy: Policy[Any, Any], run: Any, proposed: State, facts: Facts = NO_FACTS, **more: Any) -> Decision[Any]:
    return decide(policy, propose(run, proposed, **more), facts)
