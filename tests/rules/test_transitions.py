"""How a policy is applied: which rules are asked, in which order, and what their answers come to (contract §4.2)."""

import msgspec
import pytest

from headrace.rules.bookkeeping import amended, enter_task_run
from headrace.rules.effects import Effect
from headrace.rules.facts import Needs
from headrace.rules.transitions import (
    Abort,
    Accept,
    Amend,
    Divert,
    Policy,
    Reject,
    Rule,
    Wait,
    decide,
    needs,
)
from headrace.wire.states import StateType
from tests.rules.samples import propose, state, task_run

RUNNING, COMPLETED, FAILED = StateType.RUNNING, StateType.COMPLETED, StateType.FAILED


class Note(Effect, frozen=True):
    text: str


def policy(*rules):
    def enter(run, state, amended):
        return enter_task_run(run, state, run_count=amended.run_count)

    return Policy(name="test", rules=rules, enter=enter)


def saying(verdict, name="rule", **fields):
    return Rule(name=name, decide=lambda proposal, facts: verdict, **fields)


def noting(text, **fields):
    return saying(Amend(effects=(Note(text),)), name=text, **fields)


def diverting(to):
    return Rule(
        name="divert",
        decide=lambda proposal, facts: Divert(
            reason="elsewhere", state=proposal.instead(to), effects=(Note("diverted"),)
        ),
    )


def completing(*rules):
    return decide(policy(*rules), propose(task_run(state("RUNNING"), run_count=4), state("COMPLETED")))


def test_an_empty_policy_accepts_and_keeps_the_books():
    decision = completing()
    assert isinstance(decision, Accept)
    assert decision.rule is None
    assert decision.entry.changes.state_type == COMPLETED
    assert decision.entry.effects == ()


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, True),
        ({"froms": frozenset({RUNNING})}, True),
        ({"froms": frozenset({FAILED, None})}, False),
        ({"tos": frozenset({COMPLETED})}, True),
        ({"tos": frozenset({FAILED})}, False),
        ({"when": lambda proposal: proposal.run.run_count == 4}, True),
        ({"when": lambda proposal: proposal.run.run_count == 5}, False),
    ],
)
def test_a_rule_is_asked_for_its_types_and_when_it_applies(fields, asked):
    assert completing(noting("asked", **fields)).entry.effects == ((Note("asked"),) if asked else ())


def test_rules_are_asked_in_order_and_see_what_those_before_amended():
    rename = Rule(
        name="rename",
        decide=lambda proposal, facts: Amend(state=amended(proposal.state, name=proposal.state.name + "!")),
    )
    decision = completing(rename, noting("between"), rename)
    assert decision.entry.state.name == "Completed!!"
    assert decision.entry.effects == (Note("between"),)
    assert decision.rule == "rename"


def test_later_amendments_of_a_number_count():
    decision = completing(saying(Amend(run_count=1)), noting("between"), saying(Amend(run_count=2)))
    assert decision.entry.changes.run_count == 2


@pytest.mark.parametrize("refusal", [Reject("no"), Wait(3, "later"), Abort("never")])
def test_the_first_refusal_ends_it_and_is_named(refusal):
    asked = []
    last = Rule(name="last", decide=lambda proposal, facts: asked.append(proposal))
    decision = completing(noting("before"), saying(refusal, name="second"), last)
    assert decision == msgspec.structs.replace(refusal, rule="second")
    assert asked == []


def test_a_diverted_proposal_is_rejected_with_another_state_under_the_same_id():
    decision = completing(diverting(FAILED))
    assert isinstance(decision, Reject)
    assert (decision.reason, decision.rule) == ("elsewhere", "divert")
    assert decision.entry.changes.state_type == FAILED
    assert decision.entry.changes.state_id == decision.entry.state.id == propose(None, state("FAILED")).state.id


def test_what_rules_did_before_a_diversion_is_void():
    decision = completing(saying(Amend(run_count=9, effects=(Note("void"),))), diverting(FAILED))
    assert decision.entry.effects == (Note("diverted"),)
    assert decision.entry.changes.run_count == 4


def test_after_a_diversion_to_another_type_only_transforms_are_asked():
    decision = completing(
        diverting(FAILED), saying(Abort("skipped")), noting("transform", always=True), noting("also skipped")
    )
    assert decision.entry.effects == (Note("diverted"), Note("transform"))
    assert decision.rule == "divert"


def test_after_a_diversion_to_the_same_type_all_rules_are_asked():
    decision = completing(diverting(COMPLETED), noting("asked"))
    assert decision.entry.effects == (Note("diverted"), Note("asked"))
    assert (decision.reason, decision.rule) == ("elsewhere", "divert")


def test_transforms_do_not_decide():
    assert completing(noting("transform", always=True)).rule is None


def test_needs_are_those_of_the_rules_that_will_be_asked():
    table = policy(
        noting("a", needs=Needs.DEPLOYMENT),
        noting("b", needs=Needs.LEASE, tos=frozenset({COMPLETED})),
        noting("c", needs=Needs.FLOW_RUN, tos=frozenset({FAILED})),
        noting("d", needs=Needs.TAG_LIMITS, when=lambda proposal: False),
    )
    assert needs(table, propose(task_run(state("RUNNING")), state("COMPLETED"))) == Needs.DEPLOYMENT | Needs.LEASE
    assert needs(policy(noting("a")), propose(task_run(None), state("COMPLETED"))) is Needs.NOTHING
