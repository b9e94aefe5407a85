"""May this run enter that state? The machinery that answers; the answers themselves are in the policies.

    policy = flow_run_policy.policy_for(force=False)
    proposal = Proposal(run=run, state=state, now=received, api_version=(0, 8, 4), client_version="3.8.8")
    wanted = needs(policy, proposal)                  # Needs.NOTHING on the hot path
    match decide(policy, proposal, facts):
        case Accept(entry=entry) | Reject(entry=Entry() as entry):
            ...                                       # write entry.state, entry.changes, entry.effects
        case Reject() | Wait() | Abort():
            ...                                       # write nothing, answer with the run's current state
        case never:
            assert_never(never)

`proposal.state` is a `wire.State` fresh from the service: a new id, and the time of the request. At most
one state is written per proposal, so a state that a rule puts in its place takes over that id, and a
lease that is taken for it carries the id as well; that is why rules need no randomness.

How a policy is applied (contract §4.2): the rules are those whose from-types and to-types hold the
*original* pair. They run in order; one is skipped once the proposal's type is no longer the original
to-type, unless it is a transform (`always`). The first Wait, Abort or Reject without a state ends it.
Once a state of another type takes the proposal's place, the amendments and effects of the rules before
are void (the contract's `cleanup`). Then bookkeeping (§4.5) is done for the state that will be written.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from headrace.rules.effects import Effect
from headrace.rules.facts import NO_FACTS, Facts, Needs
from headrace.rules.runs import Run
from headrace.wire.flow_runs import FlowRunPolicy
from headrace.wire.states import State, StateDetails, StateType

R = TypeVar("R", bound=Run)
R_co = TypeVar("R_co", bound=Run, covariant=True)
R_contra = TypeVar("R_contra", bound=Run, contravariant=True)
C = TypeVar("C")
C_co = TypeVar("C_co", covariant=True)

From = StateType | None
"""The type of the current state; None for a run without one."""

ANY_FROM: frozenset[From] = frozenset({None, *StateType})
ANY_TO: frozenset[StateType] = frozenset(StateType)


class Proposal(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True):
    """The question: may `run`, which is in `run.state`, enter `state`?

    `api_version` and `client_version` come from the request's headers (contract §1), None where unknown.
    `draw` is uniform in [0, 1) and spreads retry and wait delays; only task runs have those.
    """

    run: R_co
    state: State
    now: datetime
    api_version: tuple[int, ...] | None = None
    client_version: str | None = None
    draw: float = 0.5

    def instead(
        self,
        type: StateType,
        *,
        name: str = "",
        message: str | None = None,
        data: Any = None,
        details: StateDetails | None = None,
    ) -> State:
        """Another state in the place of the proposed one, with its id."""
        return State(
            id=self.state.id,
            type=type,
            name=name,
            timestamp=self.now,
            message=message,
            data=data,
            state_details=StateDetails() if details is None else details,
        )


class Entry(msgspec.Struct, Generic[C_co], frozen=True):
    """A state as it will be written, the run's columns with it, and what else is to be done."""

    state: State
    changes: C_co
    effects: tuple[Effect, ...] = ()


class Accept(msgspec.Struct, Generic[C_co], frozen=True):
    """The run enters the proposed state. `rule` is the last that amended it, if any."""

    entry: Entry[C_co]
    rule: str | None = None


class Reject(msgspec.Struct, Generic[C_co], frozen=True):
    """The run enters another state than the proposed one (`entry`), or stays where it is (no entry)."""

    reason: str
    entry: Entry[C_co] | None = None
    rule: str = ""


class Wait(msgspec.Struct, frozen=True):
    """The run stays where it is; the client proposes the same again in this many seconds."""

    delay_seconds: int
    reason: str
    rule: str = ""


class Abort(msgspec.Struct, frozen=True):
    """The run stays where it is, and the client gives it up."""

    reason: str
    rule: str = ""


Decision = Accept[C] | Reject[C] | Wait | Abort


class Amend(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule changes while it lets the proposal through; None leaves a thing as it is.

    `policy`, `run_count` and `flow_run_run_count` are set before bookkeeping, `policy_after` after it.
    """

    state: State | None = None
    policy: FlowRunPolicy | None = None
    policy_after: FlowRunPolicy | None = None
    run_count: int | None = None
    flow_run_run_count: int | None = None
    effects: tuple[Effect, ...] = ()


class Divert(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's answer that puts another state in the proposal's place: REJECT with a state."""

    reason: str
    state: State
    policy: FlowRunPolicy | None = None
    effects: tuple[Effect, ...] = ()


Verdict = Amend | Divert | Reject[Any] | Wait | Abort | None
"""What one rule says; None lets the proposal pass as it is. Rules leave `entry` and `rule` empty."""


class Rule(msgspec.Struct, Generic[R_contra], frozen=True, kw_only=True):
    """One row of a policy: asked when the run goes from one of `froms` to one of `tos`.

    `when` narrows that further. `needs` are looked up only if the pair and `when` fit.
    """

    name: str
    froms: frozenset[From] = ANY_FROM
    tos: frozenset[StateType] = ANY_TO
    decide: Callable[[Proposal[R_contra], Facts], Verdict]
    when: Callable[[Proposal[R_contra]], bool] | None = None
    needs: Needs = Needs.NOTHING
    always: bool = False


class Policy(msgspec.Struct, Generic[R_contra, C_co], frozen=True, kw_only=True):
    """An ordered table of rules, and the bookkeeping that follows them."""

    name: str
    rules: tuple[Rule[R_contra], ...]
    enter: Callable[[R_contra, State, Amend], tuple[State, C_co]]
    _selected: dict[tuple[From, StateType], tuple[Rule[R_contra], ...]] = msgspec.field(
        default_factory=dict[tuple[From, StateType], tuple[Rule[R_contra], ...]]
    )

    def select(self, from_: From, to: StateType) -> tuple[Rule[R_contra], ...]:
        """The rules for one pair of types, in order."""
        pair = (from_, to)
        selected = self._selected.get(pair)
        if selected is None:
            selected = tuple(rule for rule in self.rules if from_ in rule.froms and to in rule.tos)
            self._selected[pair] = selected
        return selected


def needs(policy: Policy[R, C], proposal: Proposal[R]) -> Needs:
    """What has to be looked up before `decide` can be asked."""
    wanted = Needs.NOTHING
    for rule in _selected(policy, proposal):
        if rule.needs is not Needs.NOTHING and (rule.when is None or rule.when(proposal)):
            wanted |= rule.needs
    return wanted


def decide(policy: Policy[R, C], proposal: Proposal[R], facts: Facts = NO_FACTS) -> Decision[C]:
    """Ask the policy's rules in order and keep the books of the state that comes out."""
    asked_type = proposal.state.type
    amendments = _NONE
    diverted: tuple[str, str] | None = None
    amended_by: str | None = None
    for rule in _selected(policy, proposal):
        if proposal.state.type is not asked_type and not rule.always:
            continue
        if rule.when is not None and not rule.when(proposal):
            continue
        match rule.decide(proposal, facts):
            case None:
                continue
            case Amend() as amend:
                amendments = _merge(amendments, amend)
                if amend.state is not None:
                    proposal = msgspec.structs.replace(proposal, state=amend.state)
                if not rule.always:
                    amended_by = rule.name
            case Divert() as divert:
                amendments = Amend(policy=divert.policy, effects=divert.effects)
                proposal = msgspec.structs.replace(proposal, state=divert.state)
                diverted = (divert.reason, rule.name)
            case (Reject() | Wait() | Abort()) as refusal:
                return msgspec.structs.replace(refusal, rule=rule.name)
    state, changes = policy.enter(proposal.run, proposal.state, amendments)
    entry = Entry(state, changes, amendments.effects)
    if diverted is not None:
        reason, rule_name = diverted
        return Reject(reason, entry, rule_name)
    return Accept(entry, amended_by)


_NONE = Amend()


def _selected(policy: Policy[R, C], proposal: Proposal[R]) -> tuple[Rule[R], ...]:
    initial = proposal.run.state
    return policy.select(None if initial is None else initial.type, proposal.state.type)


def _merge(first: Amend, then: Amend) -> Amend:
    """Both amendments; where both set a thing, the later one counts."""
    if first is _NONE:
        return then
    return Amend(
        policy=first.policy if then.policy is None else then.policy,
        policy_after=first.policy_after if then.policy_after is None else then.policy_after,
        run_count=first.run_count if then.run_count is None else then.run_count,
        flow_run_run_count=first.flow_run_run_count if then.flow_run_run_count is None else then.flow_run_run_count,
        effects=first.effects + then.effects,
    )
