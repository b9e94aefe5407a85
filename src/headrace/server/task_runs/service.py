"""Making, changing and ending task runs that the server orchestrates (contract §4.4).

Most runs have no tags, and wait in no queue: what limits and the queue need is imported where it is used, so that a
process that records its own runs does not load it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.rules import task_run_policy
from headrace.rules.bookkeeping import TaskRunChanges, mirrored
from headrace.rules.effects import AcquireTagSlots, Enqueue, ReleaseTagSlots, RememberCached
from headrace.rules.estimates import estimated_start_time_delta
from headrace.rules.facts import Facts, Needs, TagLimit
from headrace.rules.transitions import Entry, Policy, Proposal, decide, needs
from headrace.server.artifacts import service as artifacts
from headrace.server.states.proposals import Asker, Outcome, entry_of, outcome_of, proposed, refusal
from headrace.server.store.base import Connection, Store, Topic
from headrace.server.store.hidden import hold
from headrace.server.task_runs import queries, reading
from headrace.server.task_runs.queries import Orchestrated
from headrace.wire.artifacts import ArtifactCreate
from headrace.wire.chance import CHANCE
from headrace.wire.errors import Conflict, ObjectNotFound
from headrace.wire.flows import Labels
from headrace.wire.ids import uuid7
from headrace.wire.names import random_name
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import State, StateCreate, StateDetails, StateType
from headrace.wire.task_runs import TaskRun, TaskRunCreate


async def create(store: Store, body: TaskRunCreate, asker: Asker) -> tuple[TaskRun, bool]:
    """Make a run in its first state, or find the one that has its natural key.

    Returns the run and whether it is new. Raises `Conflict` for an unknown flow run, or an id that is taken.
    """
    run = _new_run(body, asker)
    first = proposed(body.state or StateCreate(type=StateType.PENDING), asker.now)
    async with store.transaction() as transaction:
        if body.flow_run_id is not None:
            await hold(transaction, [body.flow_run_id])
        decision = decide(_policy(first, force=True), _proposal(run, first, asker))
        entry = entry_of(decision)
        assert entry is not None, "the first state of a run is never refused"
        labels = await queries.create(transaction, run, entry.state, entry.changes)
        if labels is not None:
            await _carry_out(transaction, run.id, entry, artifacts.result_of(entry.state), asker)
    if labels is None:
        return await _existing(store, body, asker), False
    run.labels = labels
    _apply(run, entry, asker)
    return run, True


async def set_state(store: Store, id: UUID, state: State, *, force: bool, asker: Asker) -> Outcome:
    """Propose a state for a run and write what the rules make of it (contract §4.2).

    Callers that race for one run wait for each other. Raises `ObjectNotFound` if there is no such run.
    """
    async with store.transaction() as transaction:
        run = await queries.load(transaction, id)
        if run is None:
            raise ObjectNotFound(f"Task run with id {id} not found")
        return await propose(transaction, run, state, asker, force=force)


async def told_to_end(store: Store, id: UUID) -> Outcome | None:
    """What whoever executes a run that has been deleted hears to its proposals; None if there never was such a run."""
    if not await queries.was_deleted(store, id):
        return None
    return refusal(SetStateStatus.ABORT, "This task run has been deleted.")


async def mirror(transaction: Connection, id: UUID, state: State, child_flow_run_id: UUID, asker: Asker) -> None:
    """Force a copy of a subflow's state onto the task run that tracks it, if that still exists."""
    run = await queries.load(transaction, id)
    if run is not None:
        copy = mirrored(state, child_flow_run_id, uuid7())
        await propose(transaction, run, copy, asker, force=True, is_copy=True)


async def retry_failed(transaction: Connection, flow_run_id: UUID, scheduled_time: datetime, asker: Asker) -> None:
    """Force the failed task runs of a flow run to wait for its retry."""
    for id in await queries.failed(transaction, flow_run_id):
        run = await queries.load(transaction, id)
        if run is not None:
            state = State(
                type=StateType.SCHEDULED,
                name="AwaitingRetry",
                timestamp=asker.now,
                state_details=StateDetails(scheduled_time=scheduled_time),
            )
            await propose(transaction, run, state, asker, force=True)


async def exists(connection: Connection, id: UUID) -> bool:
    """Whether there is such a run; in a transaction it stays until the end."""
    return await queries.exists(connection, id)


async def rename(store: Store, id: UUID, name: str | None, asker: Asker) -> None:
    """Give a run another name: a random one for an empty one, the one it has for None. Raises `ObjectNotFound`."""
    new = random_name() if name == "" else name
    if not await queries.rename(store, id, new, asker.now):
        raise _missing()
    store.announce(Topic.NAMES)  # a subflow run is related to the task run that tracks it


def _missing() -> ObjectNotFound:
    return ObjectNotFound("Task run not found")


def _policy(state: State, *, force: bool) -> Policy[Any, TaskRunChanges]:
    return task_run_policy.policy_for(force=force, deferred=bool(state.state_details.deferred))


async def propose(
    transaction: Connection,
    run: Orchestrated,
    state: State,
    asker: Asker,
    *,
    force: bool,
    is_copy: bool = False,
    tell: Callable[[Entry[TaskRunChanges]], Awaitable[object]] | None = None,
) -> Outcome:
    """Write what the rules make of a state, and tell of it; a copy of another run's state has no result of its own.

    The run is as `queries.load` gave it in this transaction.
    """
    policy, proposal = _policy(state, force=force), _proposal(run, state, asker)
    decision = decide(policy, proposal, await _facts(transaction, run, state, needs(policy, proposal), asker))
    entry = entry_of(decision)
    if entry is not None:
        result = None if is_copy else artifacts.result_of(entry.state)
        await queries.enter(transaction, run.id, entry.state, entry.changes, asker.now)
        if run.state is not None and run.state.type is StateType.SCHEDULED is not entry.state.type:
            from headrace.server.task_queue import service as task_queue

            await task_queue.withdraw(transaction, [run.id])
        await _carry_out(transaction, run.id, entry, result, asker)
        if tell is not None:
            await tell(entry)
    return outcome_of(decision, run.state)


async def _facts(transaction: Connection, run: Orchestrated, state: State, wanted: Needs, asker: Asker) -> Facts:
    """Look up what the rules ask for; limits on tags come last, because they stay locked."""
    flow_run = cached = None
    limits: tuple[TagLimit, ...] = ()
    if Needs.FLOW_RUN in wanted and run.flow_run_id is not None:
        flow_run = await queries.flow_run(transaction, run.flow_run_id)
    if Needs.CACHED_STATE in wanted and state.state_details.cache_key is not None:
        cached = await queries.cached_state(transaction, state.state_details.cache_key, asker.now)
    if Needs.TAG_LIMITS in wanted:
        from headrace.server.task_runs import slots

        limits = await slots.look_up(transaction, run)
    return Facts(flow_run=flow_run, cached_state=cached, tag_limits=limits)


async def _carry_out(
    transaction: Connection, id: UUID, entry: Entry[TaskRunChanges], result: ArtifactCreate | None, asker: Asker
) -> None:
    """Do what the entry asks for in the rows of other nouns that this server keeps."""
    if result is not None:
        await artifacts.add(transaction, result, asker.now)
    for effect in entry.effects:
        match effect:
            case RememberCached(cache_key=cache_key, expiration=expiration):
                await queries.remember(transaction, uuid7(), cache_key, expiration, entry.state)
            case AcquireTagSlots() | ReleaseTagSlots():
                from headrace.server.task_runs import slots

                await slots.carry_out(transaction, id, effect)
            case Enqueue(task_key=task_key, retry=retry):
                from headrace.server.task_queue import service as task_queue

                place = task_queue.RETRIES if retry else task_queue.NEW
                due = entry.state.state_details.scheduled_time or asker.now
                await task_queue.offer(transaction, id, task_key, place, due)
            case _:
                continue


def _proposal(run: TaskRun | Orchestrated, state: State, asker: Asker) -> Proposal[Any]:
    return Proposal(
        run=run,
        state=state,
        now=asker.now,
        api_version=asker.api_version,
        client_version=asker.client_version,
        draw=CHANCE.random(),
    )


def _new_run(body: TaskRunCreate, asker: Asker) -> TaskRun:
    own: Labels = {} if body.flow_run_id is None else {"prefect.flow-run.id": str(body.flow_run_id)}
    return TaskRun(
        id=body.id or uuid7(),
        created=asker.now,
        updated=asker.now,
        name=body.name or random_name(),
        flow_run_id=body.flow_run_id,
        task_key=body.task_key,
        dynamic_key=body.dynamic_key,
        cache_key=body.cache_key,
        cache_expiration=body.cache_expiration,
        task_version=body.task_version,
        empirical_policy=body.empirical_policy,
        tags=body.tags,
        labels=own | (body.labels or {}),
        task_inputs=body.task_inputs,
    )


def _apply(run: TaskRun, entry: Entry[TaskRunChanges], asker: Asker) -> None:
    run.state = entry.state
    for column in entry.changes.__struct_fields__:
        if column != "state_timestamp":
            setattr(run, column, getattr(entry.changes, column))
    run.estimated_start_time_delta = estimated_start_time_delta(
        run.expected_start_time, run.start_time, run.state_type, asker.now
    )


async def _existing(store: Store, body: TaskRunCreate, asker: Asker) -> TaskRun:
    """The run that stands in the way of a new one, if it is the same by its natural key."""
    id = await queries.id_by_key(store, body.flow_run_id, body.task_key, body.dynamic_key)
    run = None if id is None else await reading.read(store, id, asker.now)
    if run is None:
        other = "" if body.id is None else f", or another task run has the id {body.id}"
        raise Conflict(f"Data integrity conflict. The flow run {body.flow_run_id} does not exist{other}.")
    return run
