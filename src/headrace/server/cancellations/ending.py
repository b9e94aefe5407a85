"""What the server does so that cancellations end: each by its deadline, and with all that is inside the run."""

from collections.abc import Sequence
from uuid import UUID

from headrace.rules import flow_run_policy
from headrace.rules.endings import timed_out
from headrace.server.cancellations import queries, service
from headrace.server.flow_runs import batches, overdue, trees
from headrace.server.flow_runs.memory import memory_of
from headrace.server.states.proposals import Asker
from headrace.server.store.base import Store
from headrace.wire.states import TERMINAL_STATES, State, StateType

AT_ONCE = 50
"""Runs that are ended in one transaction, or whose inside is looked at."""


async def end_overdue(store: Store, asker: Asker) -> bool:
    """Make runs Cancelled whose cancelling has taken too long; whether there may be more."""
    policy = flow_run_policy.policy_for(force=True)
    seconds = asker.services.cancellation_cleanup.cancelling_timeout_seconds
    async with store.transaction() as transaction:
        runs = await overdue.claim(transaction, [StateType.CANCELLING], asker.now, AT_ONCE)
        known = await queries.several(transaction, [run.id for run in runs])
        states = [
            State(type=StateType.CANCELLED, timestamp=asker.now, message=timed_out(known.get(run.id), seconds))
            for run in runs
        ]
        entered = [batches.entering(policy, run, state, asker) for run, state in zip(runs, states, strict=True)]
        certain = [one for one in entered if one is not None]
        await service.end(transaction, memory_of(store).relations, certain, asker)
    return len(runs) == AT_ONCE


async def spread(store: Store, asker: Asker) -> bool:
    """Ask runs inside those that are being cancelled to end, which requests have left; whether there may be more."""
    more = False
    for one in await queries.unspread(store, AT_ONCE):
        async with store.transaction() as transaction:
            locked = await batches.lock(transaction, [one.flow_run_id])
            parents = {run.id: run.state.type for run in locked if run.state is not None}
            taken = await trees.take_along(transaction, memory_of(store).relations, parents, asker, service.REACH)
            roots = {one.flow_run_id: one.root_id}
            await service.note_taken(transaction, taken, roots, asker, spread=taken.complete)
            if taken.complete:
                await queries.note_spread(transaction, one.flow_run_id, asker.now)
        more = more or not taken.complete
    return more


async def end_leftovers(store: Store, flow_run_ids: Sequence[UUID], asker: Asker) -> None:
    """End what is open inside runs that are over, transaction by transaction until nothing is left."""
    for start in range(0, len(flow_run_ids), AT_ONCE):
        over = set(flow_run_ids[start : start + AT_ONCE])
        while True:
            async with store.transaction() as transaction:
                locked = await batches.lock(transaction, over)
                states = {run.id: run.state.type for run in locked if run.state is not None}
                parents = {id: type for id, type in states.items() if type in TERMINAL_STATES}
                taken = await trees.take_along(transaction, memory_of(store).relations, parents, asker, service.REACH)
                known = await queries.several(transaction, list(parents))
                roots = {id: cancellation.root_id for id, cancellation in known.items()}
                await service.note_taken(transaction, taken, roots, asker, spread=True)
            if taken.complete:
                break
            over |= {one.run.id for one in taken.entered}
