"""Runs again what is over: runs of deployments are scheduled anew, and workers pick them up."""

from headrace.server.operations.kinds.outcomes import Told
from headrace.server.operations.kinds.proposing import Made, Proposal, made, propose, skipped
from headrace.wire.states import TERMINAL_STATES, State, StateDetails, StateType


async def carry_out(proposal: Proposal) -> Made:
    """Have a run that is over await its retry; one that is not over stays as it is."""
    if proposal.state not in TERMINAL_STATES:
        return Made(skipped("It is not over yet."))
    moment = proposal.asker.now
    state = State(
        type=StateType.SCHEDULED,
        name="AwaitingRetry",
        timestamp=moment,
        message=proposal.record.reason,
        state_details=StateDetails(scheduled_time=moment),
    )
    outcome = await propose(proposal, state)
    return Made(outcome) if isinstance(outcome, Told) else made(outcome)
