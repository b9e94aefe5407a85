"""What can be done with deployments.

Nothing here makes runs (that is `runs` and `scheduling`), so that flow runs can ask for a deployment's facts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.job_variables import unfit
from headrace.server.blocks.documents import service as block_documents
from headrace.server.concurrency import service as concurrency
from headrace.server.deployments import limits, parameters, queries, schedules, telling
from headrace.server.deployments.limits import DeploymentFacts
from headrace.server.deployments.queries import Stored
from headrace.server.deployments.schedules import Policies
from headrace.server.flow_runs import scheduled
from headrace.server.flow_runs.scheduled import Which
from headrace.server.flows import service as flows
from headrace.server.store.base import Connection, Store
from headrace.server.work_pools import service as work_pools
from headrace.server.work_pools.service import Place
from headrace.wire.deployments import Deployment, DeploymentCreate, DeploymentStatus, DeploymentUpdate
from headrace.wire.errors import BadRequest, Conflict, InvalidRequest, ObjectNotFound, Unprocessable
from headrace.wire.filters import Filter
from headrace.wire.flows import Flow
from headrace.wire.ids import uuid7
from headrace.wire.schedules import DeploymentSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate
from headrace.wire.sorts import DeploymentSort

Given = Mapping[str, Filter | None]
JobVariables = dict[str, Any] | None | msgspec.UnsetType

_PLAIN = (
    "description",
    "paused",
    "tags",
    "path",
    "entrypoint",
    "pull_steps",
    "storage_document_id",
    "infrastructure_document_id",
    "concurrency_options",
    "enforce_parameter_schema",
    "parameters",
    "parameter_openapi_schema",
    "job_variables",
    "version",
)
"""Fields that are stored as they come."""

_NEVER_NULL: dict[str, Any] = {"parameters": {}, "job_variables": {}, "enforce_parameter_schema": True}
"""What stands for a null that the store does not take."""

_AT_FIRST: dict[str, Any] = {"parameter_openapi_schema": {}, "pull_steps": []}
"""What a new deployment has where nothing is given."""


async def ensure(store: Store, body: DeploymentCreate, now: datetime) -> tuple[Deployment, bool]:
    """Make a deployment, or change the one that its flow has under that name; whether it was made.

    Raises `Conflict` for an unknown flow or block document, `ObjectNotFound` for an unknown work pool,
    `Unprocessable` and `InvalidRequest` for what does not fit.
    """
    schedules.check_all(body.schedules, "schedules")
    _check_given_parameters(body)
    async with store.transaction() as transaction:
        flow = await _flow(transaction, body.flow_id)
        await queries.lock_flow(transaction, flow.id)
        await _check_documents(transaction, body, "creating")
        values = _plain_values(body) | {"labels": _labels(flow, body)}
        place = await _place(transaction, body, now)
        if place is not None:
            values |= {"work_queue_id": place.work_queue_id, "work_queue_name": place.work_queue_name}
            _check_job_variables(body.job_variables, place, "creating")
        before, id = await queries.lock_named(transaction, flow.id, body.name), uuid7()
        written = await queries.upsert(transaction, id, flow.id, body.name, now, values)
        if written.id == id:
            await queries.fill(transaction, id, _AT_FIRST)
        else:
            await scheduled.delete(transaction, written.id, Which.FUTURE, now)
        await schedules.replace(transaction, written.id, body.schedules, now)
        await schedules.look_again(transaction, written.id, now)
        limit_id = await limits.apply(transaction, written.id, written.concurrency_limit_id, body, now)
        if limit_id != written.concurrency_limit_id:
            await queries.update(transaction, written.id, now, {"concurrency_limit_id": limit_id})
        if before is None:
            await telling.made(transaction, written.id, now)
        else:
            await telling.changed(transaction, before, now)
    return await read(store, written.id, now), written.id == id


async def update(store: Store, id: UUID, body: DeploymentUpdate, now: datetime) -> None:
    """Set what is given; raise `ObjectNotFound`, and as `ensure` does for what does not fit."""
    given = body.schedules
    if given is not msgspec.UNSET:
        schedules.check_all(given, "schedules")
    async with store.transaction() as transaction:
        stored = await _found(transaction, id)
        await _check_documents(transaction, body, "updating")
        values = _plain_values(body)
        await _check_new_parameters(transaction, stored.deployment, values)
        values |= await _moved(transaction, stored.deployment, body, now)
        stored = await _require(transaction, id, now, values)
        await scheduled.delete(transaction, id, Which.FUTURE, now)
        if given is not msgspec.UNSET:
            await schedules.patch(transaction, id, given, now)
        await schedules.look_again(transaction, id, now)
        limit_id = await limits.apply(transaction, id, stored.concurrency_limit_id, body, now)
        if limit_id != stored.concurrency_limit_id:
            await queries.update(transaction, id, now, {"concurrency_limit_id": limit_id})
        await telling.changed(transaction, stored, now)


async def read(store: Connection, id: UUID, now: datetime) -> Deployment:
    """The deployment, or raise `ObjectNotFound`."""
    return (await _completed(store, [await _found(store, id)], now))[0]


async def read_by_name(store: Connection, flow_name: str, name: str, now: datetime) -> Deployment:
    """The deployment of that name of that flow, or raise `ObjectNotFound`."""
    stored = await queries.by_name(store, flow_name, name)
    if stored is None:
        raise _missing()
    return (await _completed(store, [stored], now))[0]


async def list_deployments(
    store: Store, filters: Given, sort: DeploymentSort, limit: int, offset: int, now: datetime
) -> list[Deployment]:
    """The deployments that match, from `offset` on."""
    if limit == 0:
        return []
    statement, values = queries.LIST.bind(store.dialect, filters, sort, limit=limit, offset=offset)
    rows = await store.scan(statement, *values)
    return await _completed(store, queries.stored(rows, store.dialect), now)


async def count(store: Store, filters: Given) -> int:
    """How many deployments match."""
    statement, values = queries.COUNT.bind(store.dialect, filters)
    return (await store.scan(statement, *values))[0][0]


async def deleting(transaction: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Tell of deployments, which are still there, that they are deleted."""
    for id in ids:
        await telling.deleting(transaction, id, now)


async def pause(store: Store, id: UUID, now: datetime) -> None:
    """Stop scheduling runs, and take back those that wait. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        await telling.changed(transaction, await _require(transaction, id, now, {"paused": True}), now)
        await scheduled.delete(transaction, id, Which.AUTOMATIC, now)
        await schedules.look_again(transaction, id, now)


async def resume(store: Store, id: UUID, now: datetime) -> None:
    """Schedule runs again. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        await telling.changed(transaction, await _require(transaction, id, now, {"paused": False}), now)
        await schedules.look_again(transaction, id, now)


async def read_schedules(store: Connection, id: UUID) -> list[DeploymentSchedule]:
    """The deployment's schedules, the last changed first. Raises `ObjectNotFound`."""
    await _found(store, id)
    return (await schedules.of(store, [id])).get(id, [])


async def add_schedules(
    store: Store, id: UUID, wanted: Sequence[DeploymentScheduleCreate], now: datetime
) -> list[DeploymentSchedule]:
    """Give a deployment more schedules. Raises `ObjectNotFound`, and `ObjectAlreadyExists` for a taken slug."""
    schedules.check_all(wanted)
    async with store.transaction() as transaction:
        await _require(transaction, id, now, {})
        added = await schedules.add(transaction, id, wanted, now)
        await schedules.look_again(transaction, id, now)
        return added


async def change_schedule(
    store: Store, id: UUID, schedule_id: UUID, change: DeploymentScheduleUpdate, now: datetime
) -> None:
    """Set what is given of one schedule, and take back the runs that come of the old one."""
    if change.schedule is not None and change.schedule is not msgspec.UNSET:
        change.schedule = schedules.checked(change.schedule)
    async with store.transaction() as transaction:
        await _require(transaction, id, now, {})
        found = (await schedules.of(transaction, [id])).get(id, [])
        target = next((schedule for schedule in found if schedule.id == schedule_id), None)
        if target is None:
            raise ObjectNotFound("Schedule not found.")
        await schedules.change(transaction, target, change, now)
        await scheduled.delete(transaction, id, Which.FUTURE, now)
        await schedules.look_again(transaction, id, now)


async def remove_schedule(store: Store, id: UUID, schedule_id: UUID, now: datetime) -> None:
    """Take a schedule from a deployment, and take back the runs that wait. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        await _require(transaction, id, now, {})
        if not await schedules.remove(transaction, id, schedule_id):
            raise ObjectNotFound("Schedule not found.")
        await scheduled.delete(transaction, id, Which.AUTOMATIC, now)
        await schedules.look_again(transaction, id, now)


async def deployment_facts(connection: Connection, id: UUID) -> DeploymentFacts | None:
    """What the rules ask of a run's deployment; None if there is no such deployment."""
    stored = await queries.by_id(connection, id)
    if stored is None:
        return None
    found = stored.deployment
    return limits.facts(id, found.name, stored.concurrency_limit_id, found.concurrency_options)


async def policies_of(connection: Connection, schedule_id: UUID) -> Policies | None:
    """What a schedule says of its runs that wait or overlap; None if there is no such schedule."""
    return await schedules.policies(connection, schedule_id)


async def mark_polled(store: Store, now: datetime, deployment_ids: Sequence[UUID]) -> None:
    """Somebody has asked for the runs of these deployments: they are ready."""
    async with store.transaction() as transaction:
        polled = await queries.mark_polled(transaction, deployment_ids, now)
        await telling.status_entered(transaction, DeploymentStatus.READY, polled, now)


async def mark_polled_by_queue(transaction: Connection, now: datetime, work_queue_ids: Sequence[UUID]) -> None:
    """Somebody has asked for the runs in these work queues: their deployments are ready."""
    polled = await queries.mark_polled_by_queue(transaction, work_queue_ids, now)
    await telling.status_entered(transaction, DeploymentStatus.READY, polled, now)


async def lapse(store: Store, since: datetime, limit: int, now: datetime) -> int:
    """Take deployments for not ready for whose runs nobody has asked since then; how many were found."""
    found = await queries.lapsed(store, since, limit)
    if found:
        async with store.transaction() as transaction:
            lapsed = await queries.lapse(transaction, found, since)
            await telling.status_entered(transaction, DeploymentStatus.NOT_READY, lapsed, now)
    return len(found)


def _missing() -> ObjectNotFound:
    return ObjectNotFound("Deployment not found")


async def _found(connection: Connection, id: UUID) -> Stored:
    stored = await queries.by_id(connection, id)
    if stored is None:
        raise _missing()
    return stored


async def _require(transaction: Connection, id: UUID, now: datetime, values: Mapping[str, Any]) -> Stored:
    """Set columns of a deployment; returns it as it was before. Raises `ObjectNotFound`."""
    before = await queries.lock(transaction, id)
    if before is None:
        raise _missing()
    await queries.update(transaction, id, now, values)
    return before


async def _completed(connection: Connection, found: Sequence[Stored], now: datetime) -> list[Deployment]:
    """The deployments with their schedules and their limits."""
    if not found:
        return []
    theirs = await schedules.of(connection, [stored.deployment.id for stored in found])
    limit_ids = [stored.concurrency_limit_id for stored in found if stored.concurrency_limit_id is not None]
    known = await concurrency.limits_by_id(connection, limit_ids, now) if limit_ids else {}
    for stored in found:
        stored.deployment.schedules = theirs.get(stored.deployment.id, [])
        if stored.concurrency_limit_id is not None:
            stored.deployment.global_concurrency_limit = known.get(stored.concurrency_limit_id)
    return [stored.deployment for stored in found]


async def _flow(transaction: Connection, id: UUID) -> Flow:
    try:
        return await flows.read(transaction, id)
    except ObjectNotFound:
        raise Conflict(
            f"Data integrity conflict. The flow {id} does not exist: create it before its deployments."
        ) from None


async def _check_documents(transaction: Connection, body: DeploymentCreate | DeploymentUpdate, doing: str) -> None:
    for what, id in (("storage", body.storage_document_id), ("infrastructure", body.infrastructure_document_id)):
        if isinstance(id, UUID) and not await block_documents.exists(transaction, id):
            raise Conflict(
                f"Error {doing} deployment. Could not find {what} block with id: {id}. This usually occurs when "
                "applying a deployment specification that was built against a different database."
            )


def _labels(flow: Flow, body: DeploymentCreate) -> dict[str, Any]:
    own = body.labels if isinstance(body.labels, dict) else {}
    return (flow.labels or {}) | {"prefect.flow.id": str(flow.id)} | own


def _plain_values(body: DeploymentCreate | DeploymentUpdate) -> dict[str, Any]:
    """The columns that the body sets."""
    values: dict[str, Any] = {}
    for field in _PLAIN:
        value = getattr(body, field)
        if value is not msgspec.UNSET:
            values[field] = _NEVER_NULL.get(field) if value is None else value
    return values


async def _place(
    transaction: Connection, body: DeploymentCreate | DeploymentUpdate, now: datetime, pool_name: str | None = None
) -> Place | None:
    """Where the body says that runs go; `pool_name` is the pool if the body names none."""
    pool = body.work_pool_name or pool_name
    queue = body.work_queue_name or None
    if isinstance(body.work_pool_name, str) or isinstance(body.work_queue_name, str):
        return await work_pools.place(transaction, pool or None, queue, now)
    return None


async def _moved(transaction: Connection, current: Deployment, body: DeploymentUpdate, now: datetime) -> dict[str, Any]:
    """The columns that say where runs go, as the body changes them; checks the job variables that go there."""
    if body.work_pool_name is None:
        return {"work_queue_id": None, "work_queue_name": None}
    place = await _place(transaction, body, now, current.work_pool_name)
    moved: dict[str, Any] = {}
    if place is not None:
        moved = {"work_queue_id": place.work_queue_id, "work_queue_name": place.work_queue_name}
    elif current.work_queue_id is not None:
        place = await work_pools.place_of(transaction, current.work_queue_id)
    if place is not None:
        _check_job_variables(body.job_variables, place, "updating")
    return moved


def _check_job_variables(given: JobVariables, place: Place, doing: str) -> None:
    """What a deployment leaves out, a run may still give."""
    if given is not msgspec.UNSET and given:
        reason = unfit(given, place.base_job_template, ignore_required=True)
        if reason is not None:
            raise Unprocessable(f"Error {doing} deployment: {reason}")


def _check_given_parameters(body: DeploymentCreate) -> None:
    """Only a request that asks for it has its parameters checked when a deployment is made."""
    if body.enforce_parameter_schema is not True or not isinstance(body.parameter_openapi_schema, dict):
        return
    given = body.parameters if isinstance(body.parameters, dict) else {}
    try:
        parameters.check(given, body.parameter_openapi_schema, "Error creating deployment", ignore_required=True)
    except Conflict as error:
        raise InvalidRequest(str(error), ("body",)) from None


async def _check_new_parameters(transaction: Connection, current: Deployment, values: dict[str, Any]) -> None:
    """Parameters that change are kept with their placeholders resolved, and checked so."""
    if "parameters" not in values:
        return
    doing = "Error updating deployment"
    try:
        given = await parameters.hydrated(transaction, values["parameters"])
    except parameters.HydrationError as error:
        raise BadRequest(f"Error hydrating deployment parameters: {error}") from None
    values["parameters"] = given
    enforced = values.get("enforce_parameter_schema", current.enforce_parameter_schema)
    if enforced:
        schema = values.get("parameter_openapi_schema", current.parameter_openapi_schema)
        parameters.check(given, schema, doing, ignore_required=True)
