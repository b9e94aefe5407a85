"""Deployment slots and leases as tables (contract §4.3, rules 1, 7–9 and 17)."""

import pytest

from headrace.rules.effects import AcquireSlot, EmitStateEvent, KeepLease, ReleaseSlot, RenewLease
from headrace.rules.facts import CollisionStrategy, DeploymentSlots, Facts, Needs
from headrace.rules.flow_run_policy import CORE, FORCED, MARK_LATE
from headrace.rules.transitions import Accept, needs
from tests.rules.samples import (
    DEPLOYMENT_ID,
    LEASE_ID,
    LIMIT_ID,
    PROPOSED_ID,
    ask,
    at,
    flow_run,
    outcome,
    propose,
    state,
)

EVENT = EmitStateEvent()
NEW_CLIENT, OLD_CLIENT = "3.4.11", "3.4.10"
TERMINAL = ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]


def slots(limit, active=0, **fields):
    return DeploymentSlots(limit_id=LIMIT_ID, limit=limit, active_slots=active, **fields)


def deployed(current):
    return flow_run(current, deployment_id=DEPLOYMENT_ID)


def leased(type, name=""):
    return deployed(state(type, name, deployment_concurrency_lease_id=LEASE_ID))


def lease_of(decision):
    return decision.entry.state.state_details.deployment_concurrency_lease_id


class TestSecureSlot:
    @pytest.mark.parametrize("from_", [None, "SCHEDULED", "COMPLETED", "FAILED", "CRASHED"])
    def test_a_run_takes_a_slot_when_it_is_picked_up(self, from_):
        run = deployed(state(from_) if from_ else None)
        decision = ask(CORE, run, state("PENDING"), Facts(deployment=slots(2, 1, lease_seconds=60)))
        assert outcome(decision) == ("ACCEPT", "PENDING Pending")
        assert decision.entry.effects == (AcquireSlot(LIMIT_ID, PROPOSED_ID, 60), EVENT)
        assert lease_of(decision) == PROPOSED_ID

    def test_a_run_for_which_there_is_no_slot_waits_in_line(self):
        decision = ask(CORE, deployed(state("SCHEDULED")), state("PENDING"), Facts(deployment=slots(1, 1)))
        reason = "Deployment concurrency limit reached."
        assert outcome(decision) == ("REJECT", "SecureSlot", reason, "SCHEDULED AwaitingConcurrencySlot")
        assert decision.entry.changes.next_scheduled_start_time == at(30)
        assert decision.entry.effects == (EVENT,)

    def test_or_is_cancelled_where_the_deployment_says_so(self):
        facts = Facts(deployment=slots(1, 1, strategy=CollisionStrategy.CANCEL_NEW))
        decision = ask(CORE, deployed(state("SCHEDULED")), state("PENDING"), facts)
        reason = "Deployment concurrency limit reached."
        assert outcome(decision) == ("REJECT", "SecureSlot", reason, "CANCELLED Cancelled")
        assert decision.entry.state.message == reason

    @pytest.mark.parametrize(
        ("deployment", "reason"),
        [
            (None, "Deployment not found."),
            (slots(0), "The deployment concurrency limit is 0. The flow will deadlock if submitted again."),
        ],
    )
    def test_a_run_that_can_never_have_a_slot_is_given_up(self, deployment, reason):
        decision = ask(CORE, deployed(state("SCHEDULED")), state("PENDING"), Facts(deployment=deployment))
        assert outcome(decision) == ("ABORT", "SecureSlot", reason)

    def test_a_deployment_without_a_limit_holds_nobody_back(self):
        decision = ask(CORE, deployed(state("SCHEDULED")), state("PENDING"), Facts(deployment=slots(None, 99)))
        assert isinstance(decision, Accept)
        assert decision.entry.effects == (EVENT,)
        assert lease_of(decision) is None

    @pytest.mark.parametrize("client_version", ["3.0.0rc20", "3.0.0", "3.0.1", "3.0.2", "3.0.3"])
    def test_the_first_clients_are_not_counted(self, client_version):
        proposal = propose(deployed(state("SCHEDULED")), state("PENDING"), client_version=client_version)
        assert needs(CORE, proposal) is Needs.NOTHING
        decision = ask(CORE, deployed(state("SCHEDULED")), state("PENDING"), client_version=client_version)
        assert outcome(decision) == ("ACCEPT", "PENDING Pending")

    @pytest.mark.parametrize("client_version", [None, "3.0.4", "3.8.8"])
    def test_the_deployment_is_looked_up_for_all_others(self, client_version):
        proposal = propose(deployed(state("SCHEDULED")), state("PENDING"), client_version=client_version)
        assert needs(CORE, proposal) == Needs.DEPLOYMENT

    def test_who_prepares_the_run_takes_no_second_slot(self):
        decision = ask(CORE, leased("PENDING"), state("PENDING", "Submitting"), Facts(deployment=slots(1, 1)))
        assert outcome(decision) == ("ACCEPT", "PENDING Submitting")
        assert decision.entry.effects == (EVENT,)

    def test_a_rerun_takes_a_lease_of_its_own(self):
        decision = ask(CORE, leased("FAILED"), state("PENDING"), Facts(deployment=slots(1)))
        assert lease_of(decision) == PROPOSED_ID


class TestPreserveLease:
    @pytest.mark.parametrize("policy", [CORE, FORCED])
    @pytest.mark.parametrize(("from_", "to"), [("PENDING", "RUNNING"), ("RUNNING", "CANCELLING")])
    def test_the_lease_goes_from_state_to_state(self, policy, from_, to):
        facts = Facts(deployment=slots(1, 1), lease_alive=True)
        assert lease_of(ask(policy, leased(from_), state(to), facts, client_version=NEW_CLIENT)) == LEASE_ID

    def test_a_lease_that_the_proposal_names_stays(self):
        proposed = state("COMPLETED", deployment_concurrency_lease_id=PROPOSED_ID)
        assert lease_of(ask(CORE, leased("RUNNING"), proposed)) == PROPOSED_ID


class TestValidateLease:
    def ask(self, facts, client_version=NEW_CLIENT):
        return ask(CORE, leased("PENDING"), state("RUNNING"), facts, client_version=client_version)

    def test_it_looks_up_the_deployment_and_the_lease(self):
        proposal = propose(leased("PENDING"), state("RUNNING"), client_version=NEW_CLIENT)
        assert needs(CORE, proposal) == Needs.DEPLOYMENT | Needs.LEASE

    def test_a_run_that_starts_has_its_lease_renewed(self):
        decision = self.ask(Facts(deployment=slots(1, 1, lease_seconds=60), lease_alive=True))
        assert outcome(decision) == ("ACCEPT", "RUNNING Running")
        assert decision.entry.effects == (RenewLease(LEASE_ID, 60), EVENT)

    def test_a_run_whose_lease_ran_out_takes_another_slot(self):
        decision = self.ask(Facts(deployment=slots(2, 1)))
        assert decision.entry.effects == (AcquireSlot(LIMIT_ID, PROPOSED_ID, 300), EVENT)
        assert lease_of(decision) == PROPOSED_ID

    def test_or_is_cancelled_where_there_is_none(self):
        decision = self.ask(Facts(deployment=slots(1, 1)))
        reason = "Deployment concurrency limit reached after lease expiry."
        assert outcome(decision) == ("REJECT", "ValidateLease", reason, "CANCELLED Cancelled")
        assert decision.entry.state.message.startswith("Deployment concurrency slot lost during provisioning")

    @pytest.mark.parametrize("deployment", [None, slots(None)])
    def test_a_limit_that_was_taken_away_holds_nobody_back(self, deployment):
        assert outcome(self.ask(Facts(deployment=deployment))) == ("ACCEPT", "RUNNING Running")

    def test_a_run_that_never_took_a_slot_just_starts(self):
        run = deployed(state("PENDING"))
        assert needs(CORE, propose(run, state("RUNNING"), client_version=NEW_CLIENT)) is Needs.NOTHING
        decision = ask(CORE, run, state("RUNNING"), Facts(deployment=slots(1, 1)), client_version=NEW_CLIENT)
        assert outcome(decision) == ("ACCEPT", "RUNNING Running")


class TestClientsThatDoNotRenew:
    @pytest.mark.parametrize("client_version", [None, "", "nonsense", "3.0.4", OLD_CLIENT])
    @pytest.mark.parametrize("to", ["RUNNING", "CANCELLING"])
    def test_they_hold_their_slot_until_the_run_ends(self, to, client_version):
        decision = ask(CORE, leased("PENDING"), state(to), client_version=client_version)
        assert outcome(decision) == ("ACCEPT", f"{to} {to.capitalize()}")
        assert decision.entry.effects == (KeepLease(LEASE_ID), EVENT)

    @pytest.mark.parametrize("client_version", [NEW_CLIENT, "3.5.0", "3.10.0", "4.0.0.dev1"])
    def test_newer_ones_renew(self, client_version):
        facts = Facts(deployment=slots(1, 1), lease_alive=True)
        decision = ask(CORE, leased("PENDING"), state("RUNNING"), facts, client_version=client_version)
        assert KeepLease(LEASE_ID) not in decision.entry.effects

    def test_a_lease_is_not_kept_for_a_run_that_has_to_wait(self):
        run = deployed(state("PENDING", deployment_concurrency_lease_id=LEASE_ID, scheduled_time=at(60)))
        assert outcome(ask(CORE, run, state("RUNNING")))[0] == "WAIT"


class TestReleaseSlot:
    @pytest.mark.parametrize("policy", [CORE, FORCED])
    @pytest.mark.parametrize("from_", ["PENDING", "RUNNING", "CANCELLING"])
    def test_a_run_that_ends_gives_its_slot_back(self, policy, from_):
        decision = ask(policy, leased(from_), state("CANCELLED"))
        assert decision.entry.effects == (EVENT, ReleaseSlot(LEASE_ID))

    def test_so_does_one_that_rests_before_its_next_attempt(self):
        run = leased("RUNNING")
        run.run_count, run.empirical_policy.retries = 1, 1
        decision = ask(CORE, run, state("FAILED"))
        assert decision.entry.state.name == "AwaitingRetry"
        assert decision.entry.effects == (EVENT, ReleaseSlot(LEASE_ID))
        assert lease_of(decision) is None

    @pytest.mark.parametrize("to", ["PENDING", "RUNNING", "CANCELLING"])
    def test_one_that_goes_on_keeps_it(self, to):
        decision = ask(FORCED, leased("RUNNING"), state(to))
        assert decision.entry.effects == (EVENT,)
        assert lease_of(decision) == LEASE_ID

    @pytest.mark.parametrize("from_", ["SCHEDULED", *TERMINAL])
    def test_what_holds_no_slot_gives_none_back(self, from_):
        assert ask(FORCED, leased(from_), state("FAILED")).entry.effects == (EVENT,)

    def test_nor_does_a_run_that_never_took_one(self):
        assert ask(CORE, deployed(state("RUNNING")), state("COMPLETED")).entry.effects == (EVENT,)


class TestCancelNewWhenLate:
    def ask(self, deployment, name="Late"):
        return ask(MARK_LATE, deployed(state("SCHEDULED")), state("SCHEDULED", name), Facts(deployment=deployment))

    def test_a_late_run_without_a_slot_is_cancelled(self):
        decision = self.ask(slots(1, 1, strategy=CollisionStrategy.CANCEL_NEW))
        reason = "Deployment concurrency limit reached."
        assert outcome(decision) == ("REJECT", "CancelNewWhenLate", reason, "CANCELLED Cancelled")

    @pytest.mark.parametrize(
        "deployment",
        [
            None,
            slots(None, 9, strategy=CollisionStrategy.CANCEL_NEW),
            slots(2, 1, strategy=CollisionStrategy.CANCEL_NEW),
            slots(1, 1),
        ],
    )
    def test_otherwise_it_is_late(self, deployment):
        assert outcome(self.ask(deployment)) == ("ACCEPT", "SCHEDULED Late")

    def test_a_run_that_is_not_marked_late_is_left_alone(self):
        decision = self.ask(slots(1, 1, strategy=CollisionStrategy.CANCEL_NEW), name="Scheduled")
        assert outcome(decision) == ("ACCEPT", "SCHEDULED Scheduled")

    def test_the_deployment_is_looked_up(self):
        proposal = propose(deployed(state("SCHEDULED")), state("SCHEDULED", "Late"))
        assert needs(MARK_LATE, proposal) == Needs.DEPLOYMENT
        assert needs(MARK_LATE, propose(flow_run(state("SCHEDULED")), state("SCHEDULED", "Late"))) is Needs.NOTHING
