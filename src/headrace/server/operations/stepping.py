"""Carrying an operation out item by item, for kinds that propose states."""

import asyncio
from collections.abc import Sequence
from time import perf_counter
from uuid import UUID

from headrace.server.flow_runs import batches
from headrace.server.operations import claims
from headrace.server.operations.kinds import cancel, retry, set_state
from headrace.server.operations.kinds.outcomes import Outcome
from headrace.server.operations.kinds.proposing import Made, Proposal, Propose
from headrace.server.operations.progress import failure, note
from headrace.server.operations.records import Record
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Connection, Store
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.operations import OperationItem, OperationKind
from headrace.wire.states import StateType

PROPOSING = {
    OperationKind.CANCEL: cancel.carry_out,
    OperationKind.RETRY: retry.carry_out,
    OperationKind.SET_STATE: set_state.carry_out,
}
SECONDS = 0.2
"""After so long others get their turn."""


class _Lost(Exception):
    """The operation is over, or another process goes on with it."""


async def deal(store: Store, settings: Settings, record: Record, batch: Sequence[OperationItem]) -> bool:
    """Deal with items in turn, until it is time for others; False if the operation is not this process's any more."""
    until = perf_counter() + SECONDS
    states = await _states(store, [item.id for item in batch])
    try:
        for item in batch:
            await _deal_with(store, settings, record, item, states.get(item.id))
            if perf_counter() > until:
                break
            await asyncio.sleep(0)
    except _Lost:
        return False
    return True


async def _deal_with(
    store: Store, settings: Settings, record: Record, item: OperationItem, state: StateType | None
) -> None:
    async def changed(transaction: Connection) -> None:
        await _note(transaction, store, record, item, Outcome(1, {}, {item.noun.value: 1}))

    asker = Asker.server(settings, on_behalf_of=record.created_by)
    made = await _made(PROPOSING[record.kind], Proposal(store, record, item.id, state, asker, changed))
    if made.noted:
        return
    async with store.transaction() as transaction:
        if made.told is None:
            await changed(transaction)
        else:
            await _note(transaction, store, record, item, Outcome(0, {item.id: made.told}, {}))


async def _made(propose: Propose, proposal: Proposal) -> Made:
    try:
        return await propose(proposal)
    except (_Lost, ServiceUnavailable):
        raise
    except Exception as error:
        return Made(failure(proposal.record, proposal.id, error))


async def _note(transaction: Connection, store: Store, record: Record, item: OperationItem, outcome: Outcome) -> None:
    locked = await claims.lock(transaction, store, record.id)
    if locked is None:
        raise _Lost
    await note(transaction, store, locked, [item], [outcome])


async def _states(store: Store, ids: Sequence[UUID]) -> dict[UUID, StateType | None]:
    """In which states these runs are."""
    return {run.id: None if run.state is None else run.state.type for run in await batches.load(store, ids)}
