"""Proposes one state for every run, or forces it."""

from headrace.server.operations.kinds.outcomes import Told
from headrace.server.operations.kinds.proposing import Made, Proposal, made, propose
from headrace.server.states.proposals import proposed
from headrace.wire.errors import InternalError


async def carry_out(proposal: Proposal) -> Made:
    """Have a run enter the state that the operation is for, if the rules accept it."""
    options = proposal.record.options
    if options.state is None:
        raise InternalError(f"Operation {proposal.record.id} is to set a state, and says none.")
    outcome = await propose(proposal, proposed(options.state, proposal.asker.now), force=options.force)
    return Made(outcome) if isinstance(outcome, Told) else made(outcome)
