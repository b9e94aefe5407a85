"""Making, changing and ending flow runs.

Most runs have neither a work pool nor a limit: what those need is imported where it is used, so that a process
that records its own runs does not load it.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules import flow_run_policy
from headrace.rules.bookkeeping import FlowRunChanges
from headrace.rules.deadlines import Deadline, deadline_of
from headrace.rules.effects import (
    AcquireSlot,
    Effect,
    KeepLease,
    MirrorToParentTaskRun,
    ReleaseSlot,
    RenewLease,
    RetryFailedTaskRuns,
)
from headrace.rules.endings import TAKES_ALONG
from headrace.rules.estimates import estimated_start_time_delta
from headrace.rules.facts import Needs
from headrace.rules.transitions import Accept, Entry, Proposal, decide, needs
from headrace.server.artifacts import service as artifacts
from headrace.server.events.log import LoggedEvent
from headrace.server.flow_runs import events, queries, reading
from headrace.server.flow_runs.memory import memory_of
from headrace.server.flow_runs.origin import Origin
from headrace.server.flow_runs.queries import Orchestrated
from headrace.server.flow_runs.relations import Relations
from headrace.server.states.proposals import Asker, Outcome, entry_of, outcome_of, proposed, refusal
from headrace.server.store.base import Connection, Dialect, Store
from headrace.server.task_runs import service as task_runs
from headrace.wire.artifacts import ArtifactCreate
from headrace.wire.base import encode_text
from headrace.wire.errors import Conflict, InternalError, InvalidRequest, ObjectNotFound, ServiceUnavailable
from headrace.wire.flow_runs import FlowRun, FlowRunCreate, FlowRunUpdate
from headrace.wire.flows import Labels
from headrace.wire.ids import uuid7
from headrace.wire.names import random_name
from headrace.wire.orchestration import SetStateStatus
from headrace.wire.states import State, StateCreate, StateType

Companion = Callable[[Connection], Awaitable[None]]

_ATTEMPTS = 100
"""How often a change is decided anew because another caller got in between; each time one of them gets on."""

_DOCUMENTS = frozenset({"parameters", "empirical_policy", "tags", "job_variables"})


async def create(
    store: Store, body: FlowRunCreate, asker: Asker, max_parameter_bytes: int, origin: Origin | None = None
) -> tuple[FlowRun, bool]:
    """Make a run in its first state, or find the one that was made under the same idempotency key.

    `origin` is what it takes over from a deployment. Returns the run and whether it is new. Raises `Conflict`
    for an unknown flow or parent task run, `ObjectNotFound` for an unknown work pool or queue.
    """
    parameters = _parameters_text(body.parameters, max_parameter_bytes)
    run = _new_run(body, asker)
    if body.work_pool_name is not None:
        from headrace.server.work_pools import service as work_pools

        place = await work_pools.resolve(store, body.work_pool_name, body.work_queue_name)
        run.work_pool_id, run.work_pool_name = place.work_pool_id, place.work_pool_name
        run.work_queue_id, run.work_queue_name = place.work_queue_id, place.work_queue_name
    if origin is not None:
        origin.mark(run)
    first = proposed(body.state or StateCreate(type=StateType.PENDING), asker.now)
    entry = _decided(run, first, asker)
    before = queries.orchestrated(run)
    labels = await _insert(store, run, before, entry, parameters, asker)
    if labels is None and await _free_key(store, body, asker):
        labels = await _insert(store, run, before, entry, parameters, asker)
    if labels is None:
        return await _existing(store, body, asker), False
    run.labels = labels
    _apply(run, entry)
    memory_of(store).keep(before.after(entry.state, entry.changes, asker.now))
    run.estimated_start_time_delta = estimated_start_time_delta(
        run.expected_start_time, run.start_time, run.state_type, asker.now
    )
    return run, True


async def set_state(
    store: Store, id: UUID, state: State, *, force: bool, asker: Asker, with_it: Companion | None = None
) -> Outcome:
    """Propose a state for a run and write what the rules make of it (contract §4.2).

    `with_it` writes something else in the same transaction if the proposal is accepted. Two callers that
    race for one run are put in order: the rules see what the other one wrote. Raises `ObjectNotFound` if
    there is no such run.
    """
    return await set_state_by(store, id, state, flow_run_policy.policy_for(force=force), asker, with_it)


async def set_state_by(
    store: Store,
    id: UUID,
    state: State,
    policy: flow_run_policy.FlowRunTable,
    asker: Asker,
    with_it: Companion | None = None,
) -> Outcome:
    """The same by a policy of the server's own."""
    memory = memory_of(store)
    for _ in range(_ATTEMPTS):
        remembered = memory.take(id)
        run = remembered or await queries.load(store, id)
        if run is None:
            raise ObjectNotFound(f"Flow run with id {id} not found")
        proposal = _proposal(run, state, asker)
        if run.deployment_id is not None and needs(policy, proposal) is not Needs.NOTHING:
            return await _set_under_limit(store, id, state, policy, asker, with_it)
        decision = decide(policy, proposal)
        entry = entry_of(decision)
        if entry is None:
            if remembered is None:
                return outcome_of(decision, run.state)
            continue
        if await _enter(store, run, entry, asker, with_it if isinstance(decision, Accept) else None):
            memory.keep(run.after(entry.state, entry.changes, asker.now))
            return outcome_of(decision, run.state)
    raise ServiceUnavailable(f"The flow run {id} is being changed by too many callers at once. Try again.")


async def told_to_end(store: Store, id: UUID) -> Outcome | None:
    """What whoever executes a run that has been deleted hears to its proposals; None if there never was such a run."""
    if not await queries.was_deleted(store, id):
        return None
    return refusal(SetStateStatus.ABORT, "This flow run has been deleted.")


async def update(store: Store, id: UUID, body: FlowRunUpdate, asker: Asker, max_parameter_bytes: int) -> None:
    """Set what the body sets. Raises `ObjectNotFound`, and for job variables as `job_variables.check_change`."""
    values: dict[str, Any] = {"updated": asker.now}
    for field in body.__struct_fields__:
        value = getattr(body, field)
        if value is not msgspec.UNSET:
            values[field] = encode_text(value) if field in _DOCUMENTS and value is not None else value
    if "name" in values and not values["name"]:
        values["name"] = random_name()
    if body.parameters is not msgspec.UNSET:
        values["parameters"] = _parameters_text(body.parameters, max_parameter_bytes)
    if body.job_variables is not msgspec.UNSET:
        from headrace.server.flow_runs import job_variables

        await job_variables.check_change(store, id, body.job_variables, asker.now)
    memory_of(store).take(id)
    if not await queries.update(store, id, values):
        raise _missing()


async def merge_labels(store: Store, id: UUID, labels: Labels, asker: Asker) -> None:
    """Add labels to a run's own. Raises `ObjectNotFound`."""
    memory_of(store).take(id)
    if not await queries.merge_labels(store, id, labels, asker.now):
        raise ObjectNotFound(f"Flow run with id {id} not found")


async def _set_under_limit(
    store: Store, id: UUID, state: State, policy: flow_run_policy.FlowRunTable, asker: Asker, with_it: Companion | None
) -> Outcome:
    """Decide about a state that hangs on the deployment's limit, while run and limit are locked."""
    from headrace.server.flow_runs import slots

    async with store.transaction() as transaction:
        run = await queries.lock(transaction, id)
        if run is None:
            raise ObjectNotFound(f"Flow run with id {id} not found")
        if run.parent_task_run_id is not None:
            await task_runs.exists(transaction, run.parent_task_run_id)  # locked before limits are, as everywhere
        proposal = _proposal(run, state, asker)
        facts = await slots.look_up(transaction, run, needs(policy, proposal), asker)
        decision = decide(policy, proposal, facts)
        entry = entry_of(decision)
        if entry is None:
            return outcome_of(decision, run.state)
        result, companion = artifacts.result_of(entry.state), with_it if isinstance(decision, Accept) else None
        relations = memory_of(store).relations
        told = events.state_entered(run, entry, await relations.of(transaction, run))
        if not await _write(transaction, relations, run, entry, told, result, asker, companion):
            raise InternalError(f"The flow run {id} was changed although it is locked.")
    memory_of(store).keep(run.after(entry.state, entry.changes, asker.now))
    return outcome_of(decision, run.state)


def _missing() -> ObjectNotFound:
    return ObjectNotFound("Flow run not found")


def _new_run(body: FlowRunCreate, asker: Asker) -> FlowRun:
    own: Labels = {"prefect.flow.id": str(body.flow_id)}
    if body.deployment_id is not None:
        own["prefect.deployment.id"] = str(body.deployment_id)
    return FlowRun(
        id=uuid7(),
        created=asker.now,
        updated=asker.now,
        name=body.name or random_name(),
        flow_id=body.flow_id,
        deployment_id=body.deployment_id,
        flow_version=body.flow_version,
        parameters=body.parameters,
        idempotency_key=body.idempotency_key,
        context=body.context,
        empirical_policy=body.empirical_policy,
        tags=body.tags,
        labels=own | (body.labels or {}),
        parent_task_run_id=body.parent_task_run_id,
        infrastructure_document_id=body.infrastructure_document_id,
        job_variables=body.job_variables,
    )


def _decided(run: FlowRun, first: State, asker: Asker) -> Entry[FlowRunChanges]:
    """The first state is forced: no rule refuses it."""
    entry = entry_of(decide(flow_run_policy.policy_for(force=True), _proposal(run, first, asker)))
    assert entry is not None
    return entry


def _proposal(run: FlowRun | Orchestrated, state: State, asker: Asker) -> Proposal[Any]:
    return Proposal(
        run=run, state=state, now=asker.now, api_version=asker.api_version, client_version=asker.client_version
    )


def _apply(run: FlowRun, entry: Entry[FlowRunChanges]) -> None:
    run.state = entry.state
    for column in entry.changes.__struct_fields__:
        value = getattr(entry.changes, column)
        if column != "state_timestamp" and (column != "empirical_policy" or value is not None):
            setattr(run, column, value)


async def _insert(
    store: Store, run: FlowRun, before: Orchestrated, entry: Entry[FlowRunChanges], parameters: str, asker: Asker
) -> Labels | None:
    result, deadline = artifacts.result_of(entry.state), _deadline(before, entry, asker)
    told = events.state_entered(before, entry, await memory_of(store).relations.of(store, before))
    if result is None and _is_one_statement(store, entry.effects):
        return await queries.create(store, run, entry.state, entry.changes, deadline, parameters, told)
    async with store.transaction() as transaction:
        labels = await queries.create(transaction, run, entry.state, entry.changes, deadline, parameters, told)
        if labels is not None and run.parent_task_run_id is not None:
            await _require_parent(transaction, run.parent_task_run_id)
        if labels is not None and result is not None:
            await artifacts.add(transaction, result, asker.now)
        if labels is not None:
            await _carry_out(transaction, run.id, entry, asker)
        return labels


async def _require_parent(transaction: Connection, task_run_id: UUID) -> None:
    if not await task_runs.exists(transaction, task_run_id):
        raise Conflict(
            f"Data integrity conflict. The parent task run {task_run_id} does not exist: create it before its subflow."
        )


async def _free_key(store: Store, body: FlowRunCreate, asker: Asker) -> bool:
    """Whether a run that is deleted, and only hidden, stood in the way with its idempotency key; it does no more."""
    id = None if body.idempotency_key is None else await queries.id_by_key(store, body.flow_id, body.idempotency_key)
    if id is None or not await queries.was_deleted(store, id):
        return False
    from headrace.server.trash import settling

    async with store.bulk() as transaction:
        await settling.settle(transaction, [id], asker.now)
    return True


async def _existing(store: Store, body: FlowRunCreate, asker: Asker) -> FlowRun:
    """The run that the body's idempotency key stands for."""
    if body.idempotency_key is not None:
        id = await queries.id_by_key(store, body.flow_id, body.idempotency_key)
        run = None if id is None else await reading.read(store, id, asker.now)
        if run is not None:
            return run
    raise Conflict(f"Data integrity conflict. The flow {body.flow_id} does not exist: create it before its runs.")


async def _enter(
    store: Store, run: Orchestrated, entry: Entry[FlowRunChanges], asker: Asker, with_it: Companion | None
) -> bool:
    """Write an entry with all that goes with it, or nothing; False if the run has changed since it was loaded."""
    result, relations = artifacts.result_of(entry.state), memory_of(store).relations
    told = events.state_entered(run, entry, await relations.of(store, run))
    is_alone = with_it is None and result is None and not _takes_along(run, entry)
    if is_alone and _is_one_statement(store, entry.effects):
        deadline = _deadline(run, entry, asker)
        return await queries.enter(store, run, entry.state, entry.changes, deadline, asker.now, told)
    async with store.transaction() as transaction:
        return await _write(transaction, relations, run, entry, told, result, asker, with_it)


async def _write(
    transaction: Connection,
    relations: Relations,
    run: Orchestrated,
    entry: Entry[FlowRunChanges],
    told: LoggedEvent,
    result: ArtifactCreate | None,
    asker: Asker,
    with_it: Companion | None,
) -> bool:
    deadline = _deadline(run, entry, asker)
    if not await queries.enter(transaction, run, entry.state, entry.changes, deadline, asker.now, told):
        return False
    if result is not None:
        await artifacts.add(transaction, result, asker.now)
    if _takes_along(run, entry):
        from headrace.server.cancellations import service as cancellations

        await cancellations.follow(transaction, relations, run, entry, asker)
    await _carry_out(transaction, run.id, entry, asker)
    if with_it is not None:
        await with_it(transaction)
    return True


def _takes_along(run: Orchestrated, entry: Entry[FlowRunChanges]) -> bool:
    """Whether the state concerns what is inside the run, or is the end of its cancelling."""
    return entry.state.type in TAKES_ALONG or (run.state is not None and run.state.type is StateType.CANCELLING)


def _deadline(run: Orchestrated, entry: Entry[FlowRunChanges], asker: Asker) -> Deadline:
    policy = entry.changes.empirical_policy or run.empirical_policy
    return deadline_of(entry.state, run, policy, asker.services, asker.lease_seconds)


def _is_one_statement(store: Store, effects: tuple[Effect, ...]) -> bool:
    """Whether a run and its state are all there is to write, and PostgreSQL does it in one statement."""
    return store.dialect is Dialect.POSTGRES and not any(isinstance(effect, _FURTHER) for effect in effects)


_FURTHER = (MirrorToParentTaskRun, RetryFailedTaskRuns, AcquireSlot, RenewLease, KeepLease, ReleaseSlot)


async def _carry_out(transaction: Connection, id: UUID, entry: Entry[FlowRunChanges], asker: Asker) -> None:
    """Do what the entry asks for in the rows of other nouns that this server keeps; its event is written with it."""
    for effect in entry.effects:
        match effect:
            case MirrorToParentTaskRun(task_run_id=task_run_id):
                await task_runs.mirror(transaction, task_run_id, entry.state, id, asker)
            case RetryFailedTaskRuns(scheduled_time=scheduled_time):
                await task_runs.retry_failed(transaction, id, scheduled_time, asker)
            case AcquireSlot() | RenewLease() | KeepLease() | ReleaseSlot():
                from headrace.server.flow_runs import slots

                await slots.carry_out(transaction, id, effect)
            case _:
                continue


def _parameters_text(parameters: dict[str, Any], limit: int) -> str:
    text = encode_text(parameters)
    size = len(text.encode())
    if size > limit:
        raise InvalidRequest(
            f"Flow run parameters must be less than {limit:,} bytes when serialized (got {size:,} bytes).",
            ("body", "parameters"),
        )
    return text
