"""What the kinds that propose states share: run after run, each in a transaction with the operation's progress.

The states meet the same rules as those that clients propose one by one, so that a run is never brought where it could
not have come by itself.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from headrace.server.flow_runs import service as flow_runs
from headrace.server.operations.kinds.outcomes import GONE, Told
from headrace.server.operations.records import Record
from headrace.server.states.proposals import Asker, Outcome
from headrace.server.store.base import Connection, Store
from headrace.wire.errors import ObjectNotFound
from headrace.wire.operations import ItemStatus
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import State, StateType

Progress = Callable[[Connection], Awaitable[None]]
"""Notes in a transaction that the run was changed."""


class Proposal(msgspec.Struct, frozen=True):
    """One run of an operation, and the state that it is in."""

    store: Store
    record: Record
    id: UUID
    state: StateType | None
    asker: Asker
    progress: Progress


class Made(msgspec.Struct, frozen=True):
    """What came of a proposal: `told` is None where the run was changed; `noted` says whether that is written down."""

    told: Told | None
    noted: bool = False


Propose = Callable[[Proposal], Awaitable[Made]]


async def propose(proposal: Proposal, state: State, *, force: bool = False) -> Outcome | Told:
    """Propose a state; the progress is noted with it if it is accepted."""
    try:
        return await flow_runs.set_state(
            proposal.store, proposal.id, state, force=force, asker=proposal.asker, with_it=proposal.progress
        )
    except ObjectNotFound:
        return skipped(GONE)


def made(outcome: Outcome) -> Made:
    """What an answer of the rules means for the operation: what was not accepted has failed."""
    if outcome.status is SetStateStatus.ACCEPT:
        return Made(None, noted=outcome.written)
    return Made(Told(ItemStatus.FAILED, outcome.details.reason or f"The rules answered {outcome.status.value}."))


def skipped(why: str) -> Told:
    """There was nothing to do."""
    return Told(ItemStatus.SKIPPED, why)
