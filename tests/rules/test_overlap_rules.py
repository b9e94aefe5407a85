"""Runs of schedules that mind others of their deployment, as a table."""

from uuid import UUID

import pytest

from headrace.rules.facts import DeploymentSlots, Facts, Needs, Overlap
from headrace.rules.flow_run_policy import CORE, FORCED, GIVE_WAY, MARK_LATE
from headrace.rules.transitions import needs
from tests.rules.samples import DEPLOYMENT_ID, ask, at, flow_run, outcome, propose, state

OTHER = UUID(int=77)


def planned(current, **fields):
    return flow_run(current, deployment_id=DEPLOYMENT_ID, auto_scheduled=True, **fields)


def facts(if_running, *under_way):
    return Facts(deployment=DeploymentSlots(), overlap=Overlap(if_running=if_running, under_way=under_way))


DUE, TO_COME = state("SCHEDULED", scheduled_time=at(-1)), state("SCHEDULED", scheduled_time=at(5))


@pytest.mark.parametrize(
    ("if_running", "under_way", "current", "expected"),
    [
        ("start", (OTHER,), DUE, "ACCEPT"),
        ("skip", (), DUE, "ACCEPT"),
        ("cancel_running", (), DUE, "ACCEPT"),
        ("skip", (OTHER,), DUE, "REJECT"),
        ("skip", (OTHER,), TO_COME, "ABORT"),
        ("cancel_running", (OTHER,), DUE, "ABORT"),
        ("cancel_running", (OTHER,), TO_COME, "ABORT"),
    ],
)
def test_a_run_is_picked_up_unless_its_schedule_minds_what_goes_on(if_running, under_way, current, expected):
    decision = ask(CORE, planned(current), state("PENDING"), facts(if_running, *under_way))
    assert outcome(decision)[0] == expected


def test_a_run_that_gives_way_is_cancelled_and_names_the_other():
    decision = ask(CORE, planned(DUE), state("PENDING"), facts("skip", OTHER))
    assert decision.entry.state.type == "CANCELLED"
    assert decision.entry.state.name == "Skipped"
    assert str(OTHER) in decision.entry.state.message


def test_a_run_that_is_to_cancel_others_becomes_late_while_it_waits_for_them():
    assert (
        outcome(ask(MARK_LATE, planned(DUE), state("SCHEDULED", "Late"), facts("cancel_running", OTHER)))[0] == "ACCEPT"
    )
    skipped = ask(MARK_LATE, planned(DUE), state("SCHEDULED", "Late"), facts("skip", OTHER))
    assert skipped.entry.state.name == "Skipped"


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        (planned(DUE), True),
        (planned(DUE, run_count=1), False),
        (flow_run(DUE, deployment_id=DEPLOYMENT_ID), False),
        (flow_run(DUE, auto_scheduled=True), False),
    ],
)
def test_others_are_looked_for_only_where_a_schedule_made_the_run(run, wanted):
    assert (Needs.OVERLAP in needs(CORE, propose(run, state("PENDING")))) is wanted
    assert needs(FORCED, propose(run, state("PENDING"))) is Needs.NOTHING


@pytest.mark.parametrize("current", ["PENDING", "RUNNING", "COMPLETED", "CANCELLING", "PAUSED"])
def test_what_has_been_picked_up_gives_way_no_more(current):
    assert outcome(ask(GIVE_WAY, planned(state(current)), state("CANCELLED", "Skipped")))[0] == "ABORT"
    assert outcome(ask(GIVE_WAY, planned(DUE), state("CANCELLED", "Skipped")))[0] == "ACCEPT"
