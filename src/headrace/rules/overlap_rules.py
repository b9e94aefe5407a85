"""What becomes of a scheduled run whose time has come while an earlier run of its deployment goes on.

Its schedule says so (`if_running`). Nothing here is in the contract, and nothing happens where a schedule does not ask
for it. Runs are picked up some seconds before their time, when the earlier one may still end in time: until then the
run waits where it is.
"""

from typing import assert_never

from headrace.rules.common_rules import current_state
from headrace.rules.facts import Facts
from headrace.rules.runs import OrchestratedFlowRun
from headrace.rules.transitions import Abort, Divert, Proposal, Verdict
from headrace.wire.states import StateType

SKIPPED = "Skipped"
"""The name of the state Cancelled of a run that gave way."""

FlowRunProposal = Proposal[OrchestratedFlowRun]


def is_planned(proposal: FlowRunProposal) -> bool:
    """Whether a schedule made the run, and it has not begun yet."""
    run = proposal.run
    return run.auto_scheduled and run.deployment_id is not None and run.run_count == 0


def heed_earlier_run(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A run begins when no other of its deployment goes on, if its schedule wants it so."""
    overlap = facts.overlap
    if overlap is None or not overlap.under_way:
        return None
    earlier, due = overlap.under_way[0], current_state(proposal).state_details.scheduled_time
    match overlap.if_running:
        case "start":
            return None
        case "cancel_running":
            return Abort(f"The flow run {earlier} of this deployment has to end first: it is being cancelled.")
        case "skip" if due is not None and due > proposal.now:
            return Abort(f"The flow run {earlier} of this deployment goes on, and the time of this one is to come.")
        case "skip":
            message = skipped_for(str(earlier))
            state = proposal.instead(StateType.CANCELLED, name=SKIPPED, message=message)
            return Divert(reason=message, state=state)
        case _:
            assert_never(overlap.if_running)


def skip_late_run(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """A run that would become late gives way to one that goes on; one that is to take its place waits for its end."""
    if facts.overlap is None or facts.overlap.if_running != "skip":
        return None
    return heed_earlier_run(proposal, facts)


def only_waiting(proposal: FlowRunProposal, facts: Facts) -> Verdict:
    """Only what nobody has picked up gives way."""
    return Abort("This run has been picked up, and does not give way any more.")


def skipped_for(earlier: str) -> str:
    """What the state of a run says that gave way to an earlier one."""
    return f"Skipped: the flow run {earlier} of this deployment was still under way when its time came."
