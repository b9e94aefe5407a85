"""Background tasks on their way through headrace's own workers: begun once, and held by signs of life (§11.3).

Who may begin a run is whoever has its delivery, so that of two workers that were given it one goes on. From then on the
run is that worker's by a lease, which it renews for all its runs at once. Prefect's workers begin runs without a
word and hold no leases: theirs are never ended for want of a sign.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from headrace.rules.bookkeeping import TaskRunChanges
from headrace.rules.task_leases import after_lease
from headrace.rules.transitions import Entry
from headrace.server.events import log
from headrace.server.states.proposals import Asker, Outcome, refusal
from headrace.server.store.base import Connection, Store
from headrace.server.task_queue import service as task_queue
from headrace.server.task_runs import events, queries, service
from headrace.server.task_runs.queries import Orchestrated
from headrace.wire.background_tasks import TaskBegin, TaskLeaseRenewal
from headrace.wire.chance import CHANCE
from headrace.wire.errors import ObjectNotFound
from headrace.wire.orchestration import OutcomeDetails, SetStateStatus
from headrace.wire.states import State, StateDetails, StateType

_ENDED = (
    "This delivery of the task run has ended: the run did not begin in time and was given to another worker, "
    "or it is over."
)


async def begin(store: Store, id: UUID, body: TaskBegin, asker: Asker) -> Outcome:
    """Make a delivered run Pending and its worker's; asked again, the answer is the same.

    The answer is ABORT where the delivery has ended. Raises `ObjectNotFound` if there is no such run.
    """
    async with store.transaction() as transaction:
        run = await queries.load(transaction, id)
        if run is None:
            raise ObjectNotFound(f"Task run with id {id} not found")
        if _has_begun(run, body.delivery_id):
            return Outcome(run.state, SetStateStatus.ACCEPT, OutcomeDetails(type="accept_details"))
        if not await task_queue.begin(transaction, id, body.delivery_id):
            return refusal(SetStateStatus.ABORT, _ENDED, run.state)
        details = StateDetails(deferred=True, transition_id=body.delivery_id)
        pending = State(type=StateType.PENDING, timestamp=asker.now, state_details=details)
        outcome = await _write(transaction, run, pending, asker)
        if outcome.status is SetStateStatus.ACCEPT:
            until = asker.now + timedelta(seconds=body.seconds)
            await queries.lease(transaction, id, body.delivery_id, until)
        return outcome


async def renew(store: Store, body: TaskLeaseRenewal, asker: Asker) -> list[UUID]:
    """Note signs of life of runs; returns those that are not the worker's any more."""
    leases: Mapping[UUID, UUID] = body.leases
    until = asker.now + timedelta(seconds=body.seconds)
    renewed = await queries.renew(store, list(leases), list(leases.values()), until)
    return [id for id in leases if id not in renewed]


async def end_leases(store: Store, asker: Asker, most: int) -> int:
    """End up to so many leases that were not renewed, and return how many: the runs go on elsewhere, or crash."""
    if not await queries.any_lease_over(store, asker.now):
        return 0
    async with store.transaction() as transaction:
        ids = await queries.leases_over(transaction, asker.now, most)
        for id in ids:
            run = await queries.load(transaction, id)
            if run is not None:
                await _end_lease(transaction, run, asker)
    return len(ids)


async def _end_lease(transaction: Connection, run: Orchestrated, asker: Asker) -> None:
    begun = await queries.beginnings(transaction, run.id)
    state = after_lease(run, begun, asker.now, CHANCE.random())
    if state is None:
        await queries.release(transaction, run.id)
    else:
        await _write(transaction, run, state, asker)


async def _write(transaction: Connection, run: Orchestrated, state: State, asker: Asker) -> Outcome:
    """Propose a state of a background task, and tell of what is written."""

    async def tell(entry: Entry[TaskRunChanges]) -> None:
        await log.append(transaction, [events.state_entered(run, entry)], asker.now)

    return await service.propose(transaction, run, state, asker, force=False, tell=tell)


def _has_begun(run: Orchestrated, delivery_id: UUID) -> bool:
    state = run.state
    return state is not None and state.type is StateType.PENDING and state.state_details.transition_id == delivery_id
