"""What can be done with work pools."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules import job_templates
from headrace.server.blocks.documents import service as blocks
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Row, Store, Topic
from headrace.server.work_pools import events, making, queries, statuses
from headrace.server.work_pools.places import (
    Place,
    agent_pool,
    find_place,
    of_queues,
    place,
    place_of,
    pool_missing,
    queue_missing,
    resolve,
)
from headrace.server.work_queues import service as work_queues
from headrace.server.workers import service as workers
from headrace.wire.base import encode_text
from headrace.wire.errors import Conflict, Forbidden, InvalidRequest, ObjectNotFound, Unprocessable
from headrace.wire.filters import WorkPoolFilter
from headrace.wire.work_pools import WorkPool, WorkPoolCreate, WorkPoolStatus, WorkPoolUpdate
from headrace.wire.workers import WorkerHeartbeat

__all__ = [
    "Place",
    "agent_pool",
    "count",
    "create",
    "delete",
    "find_place",
    "hear",
    "is_reserved",
    "list_pools",
    "of_queues",
    "place",
    "place_of",
    "pool_missing",
    "queue_missing",
    "read",
    "resolve",
    "update",
]

_RESERVED = "prefect"
_ALWAYS_FREE = frozenset({"concurrency_limit", "is_paused"})
"""What can be set on pools of reserved names too."""
_DOCUMENTS = frozenset({"base_job_template", "storage_configuration"})
_REQUIRED = frozenset({"base_job_template", "is_paused", "storage_configuration"})


async def create(store: Store, body: WorkPoolCreate, now: datetime) -> WorkPool:
    """Make a pool with its default queue.

    Raises `Forbidden` for a reserved name, `ObjectAlreadyExists` for one that is taken, `InvalidRequest` for a job
    template that cannot be filled in, `Unprocessable` for one whose defaults do not fit its own schema, and
    `ObjectNotFound` where one refers to a block that does not exist.
    """
    if is_reserved(body.name):
        raise Forbidden("Work pools starting with 'Prefect' are reserved for internal use: choose another name.")
    _check_template(body.base_job_template)
    misfit = job_templates.unfit_default(body.base_job_template)
    if misfit is not None:
        raise Unprocessable(f"Validation failed for work pool's job variable defaults: {misfit}")
    await _check_blocks(store, body.base_job_template)
    async with store.transaction() as transaction:
        pool = await making.make(transaction, body, now)
    if pool.concurrency_limit is not None:
        pool.active_slots = 0
    return pool


async def read(connection: Connection, name: str) -> WorkPool:
    """The pool, without its slots counted, or raise `ObjectNotFound`."""
    return _pool(connection, await connection.fetch_one(queries.BY_NAME, name), name)


async def list_pools(store: Store, wanted: WorkPoolFilter | None, limit: int, offset: int) -> Sequence[WorkPool]:
    """The pools that match, by name, without their slots counted."""
    return await queries.LISTED.list(store, {"work_pools": wanted}, "NAME_ASC", limit, offset)


async def count(store: Store, wanted: WorkPoolFilter | None) -> int:
    """How many pools match."""
    return await queries.LISTED.count(store, {"work_pools": wanted})


async def update(store: Store, name: str, body: WorkPoolUpdate, now: datetime) -> None:
    """Set what the body sets.

    Raises `ObjectNotFound`, `Forbidden` for more than pausing and limiting a pool of a reserved name, `Conflict`
    for a null that cannot be, `InvalidRequest` for a job template that cannot be filled in.
    """
    changes = _changes(body)
    if is_reserved(name) and not changes.keys() <= _ALWAYS_FREE:
        raise Forbidden(
            "Work pools starting with 'Prefect' are reserved for internal use and can only be updated to set "
            "concurrency limits or pause."
        )
    if body.base_job_template is not msgspec.UNSET and body.base_job_template is not None:
        _check_template(body.base_job_template)
    stored = {field: encode_text(value) if field in _DOCUMENTS else value for field, value in changes.items()}
    async with store.transaction() as transaction:
        pool = _pool(transaction, await transaction.fetch_one(queries.LOCK, name), name)
        await transaction.execute(queries.update(("updated", *stored)), pool.id, now, *stored.values())
        if isinstance(body.is_paused, bool):
            is_alive = not body.is_paused and await workers.any_online(transaction, pool.id, now)
            status = statuses.status_of(pool.type, is_paused=body.is_paused, is_alive=is_alive)
            if status is not None:
                await statuses.enter(transaction, pool, status, now)
        transaction.announce(Topic.WORK_POOLS)
        told = events.pool_updated(pool, changes, now)
        if told is not None:
            await log.append(transaction, [told], now)


async def delete(store: Store, name: str, now: datetime) -> None:
    """Delete a pool with its queues and workers; its runs stay. Raises `Forbidden` for a reserved name."""
    if is_reserved(name):
        raise Forbidden("Work pools starting with 'Prefect' are reserved for internal use and can not be deleted.")
    async with store.transaction() as transaction:
        pool = _pool(transaction, await transaction.fetch_one(queries.LOCK, name), name)
        await work_queues.tell_of_deletion(transaction, pool.id, now)
        await transaction.execute(queries.DELETE, pool.id)
        await log.append(transaction, [events.pool_changed(Change.DELETED, pool, now)], now)
        transaction.announce(Topic.NAMES)
        transaction.announce(Topic.WORK_POOLS)


async def hear(store: Store, name: str, sign: WorkerHeartbeat, now: datetime) -> None:
    """Take a worker's sign of life; a pool that waited for one is ready. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        pool = await read(transaction, name)
        if pool.status is WorkPoolStatus.NOT_READY:  # locked before its worker is, as when it is deleted
            await statuses.enter(transaction, pool, WorkPoolStatus.READY, now)
        await workers.beat(transaction, pool.id, sign, now)


async def lapse(store: Store, limit: int, now: datetime) -> int:
    """Take pools for not ready that have lost all their workers; how many were found."""
    return await statuses.lapse(store, limit, now)


def is_reserved(name: str) -> bool:
    """Whether the name is kept for the product's own pools."""
    return name.lower().startswith(_RESERVED)


def _pool(connection: Connection, row: Row | None, name: str) -> WorkPool:
    if row is None:
        raise pool_missing(name)
    return queries.POOLS.one(row, connection.dialect)


def _changes(body: WorkPoolUpdate) -> dict[str, Any]:
    """What the body sets."""
    given = {field: getattr(body, field) for field in body.__struct_fields__}
    for field in _REQUIRED:
        if given[field] is None:
            raise Conflict(f"Data integrity conflict. A work pool cannot be without {field}: leave it out to keep it.")
    return {field: value for field, value in given.items() if value is not msgspec.UNSET}


def _check_template(template: job_templates.Template) -> None:
    fault = job_templates.fault(template)
    if fault is not None:
        raise InvalidRequest(fault, ("body", "base_job_template"), given=template)


async def _check_blocks(connection: Connection, template: job_templates.Template) -> None:
    for written in job_templates.blocks_of_defaults(template):
        try:
            block_id = UUID(str(written))
        except ValueError:
            raise Unprocessable(
                f"Validation failed for work pool's job variable defaults: {written!r} is not the id of a block."
            ) from None
        if not await blocks.exists(connection, block_id):
            raise ObjectNotFound(f"Block document {block_id} not found: create it before a work pool refers to it.")
