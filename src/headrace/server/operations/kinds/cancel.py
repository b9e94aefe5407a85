"""Asks runs to end, with all that is inside them, as cancelling one by one does."""

from headrace.server.operations.kinds.outcomes import Told
from headrace.server.operations.kinds.proposing import Made, Proposal, made, propose, skipped
from headrace.wire.states import TERMINAL_STATES, State, StateType


async def carry_out(proposal: Proposal) -> Made:
    """Have a run be Cancelling, or Cancelled where nothing runs that could hear of it; what is over stays as it is."""
    if proposal.state in TERMINAL_STATES:
        return Made(skipped("It is over already."))
    if proposal.state is StateType.CANCELLING:
        return Made(skipped("It is being cancelled already."))
    state = State(type=StateType.CANCELLING, timestamp=proposal.asker.now, message=proposal.record.reason)
    outcome = await propose(proposal, state)
    if isinstance(outcome, Told):
        return Made(outcome)
    if outcome.written and outcome.state is not None and outcome.state.type is StateType.CANCELLED:
        return Made(None)
    if outcome.state is not None and outcome.state.type in TERMINAL_STATES:
        return Made(skipped("It is over already."))
    return made(outcome)
