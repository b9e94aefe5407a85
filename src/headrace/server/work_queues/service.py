"""What can be done with work queues; which pool they are of is given by its id."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.priorities import first_free, making_way
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Row, Store, Topic
from headrace.server.work_queues import events, queries
from headrace.server.work_queues.events import PoolLabels
from headrace.server.work_queues.queries import Reads
from headrace.wire.base import encode_text
from headrace.wire.errors import Conflict, ObjectAlreadyExists, ObjectNotFound
from headrace.wire.filters import WorkPoolFilter, WorkPoolFilterId, WorkQueueFilter
from headrace.wire.ids import uuid7
from headrace.wire.work_queues import WorkQueue, WorkQueueCreate, WorkQueueStatus, WorkQueueUpdate

FRESH = timedelta(seconds=60)
"""For how long after a poll a queue counts as polled (contract §3)."""

_REQUIRED = ("name", "priority")


async def create(transaction: Connection, pool_id: UUID, body: WorkQueueCreate, now: datetime) -> WorkQueue:
    """Add a queue to a pool at its priority. Raises `ObjectAlreadyExists` if the pool has one of that name."""
    pool = _labels(transaction, await transaction.fetch_one(queries.LOCK_POOL, pool_id))
    taken = await _priorities(transaction, pool_id)
    priority = first_free(taken.values()) if body.priority is None else body.priority
    queue_id = uuid7()
    added = await transaction.execute(
        queries.INSERT,
        *(queue_id, now, pool_id, body.name, body.description or "", body.is_paused, body.concurrency_limit, priority),
        _status(body.is_paused, None, now).value,
        None if body.filter is None else encode_text(body.filter),
    )
    if not added:
        raise _taken(body.name)
    await _make_way(transaction, taken, priority, now)
    queue = await read(transaction, queue_id)
    await log.append(transaction, [events.queue_changed(Change.CREATED, queue, pool, now)], now)
    return queue


async def find(connection: Connection, queue_id: UUID, reads: Reads = queries.IN_POOL) -> WorkQueue | None:
    """The queue, if there is one."""
    row = await connection.fetch_one(reads.by_id, queue_id)
    return None if row is None else queries.QUEUES.one(row, connection.dialect)


async def read(connection: Connection, queue_id: UUID, reads: Reads = queries.IN_POOL) -> WorkQueue:
    """The queue, or raise `ObjectNotFound`."""
    queue = await find(connection, queue_id, reads)
    if queue is None:
        raise missing()
    return queue


async def find_by_name(
    connection: Connection, pool_id: UUID, name: str, reads: Reads = queries.IN_POOL
) -> WorkQueue | None:
    """The queue of that name in a pool, if there is one."""
    row = await connection.fetch_one(reads.by_name, pool_id, name)
    return None if row is None else queries.QUEUES.one(row, connection.dialect)


async def of_pool(connection: Connection, pool_id: UUID) -> list[WorkQueue]:
    """All queues of a pool, the most urgent first."""
    return queries.QUEUES.all(await connection.fetch(queries.IN_POOL.of_pool, pool_id), connection.dialect)


async def list_of_pool(
    store: Store, pool_id: UUID, wanted: WorkQueueFilter | None, limit: int, offset: int
) -> list[WorkQueue]:
    """The queues of a pool that match, the most urgent first."""
    filters = {"work_pools": WorkPoolFilter(id=WorkPoolFilterId(any_=[pool_id])), "work_queues": wanted}
    return await _listed(store, queries.IN_POOL, filters, "PRIORITY", limit, offset)


async def list_all(store: Store, wanted: WorkQueueFilter | None, limit: int, offset: int) -> list[WorkQueue]:
    """The queues of any pool that match, by name."""
    return await _listed(store, queries.BY_ITSELF, {"work_queues": wanted}, "NAME_ASC", limit, offset)


async def update(transaction: Connection, queue: WorkQueue, body: WorkQueueUpdate, now: datetime) -> None:
    """Set what the body sets; a priority that is taken moves the other queues down.

    Raises `ObjectAlreadyExists` for a name that another queue of the pool has, `Conflict` for a null that
    cannot be.
    """
    assert queue.work_pool_id is not None
    pool = _labels(transaction, await transaction.fetch_one(queries.LOCK_POOL, queue.work_pool_id))
    queue = await read(transaction, queue.id)
    values: dict[str, Any] = {"updated": now}
    for field in body.__struct_fields__:
        value = getattr(body, field)
        if value is None and field in _REQUIRED:
            raise Conflict(
                f"Data integrity conflict. A work queue cannot be without a {field}: leave it out to keep it."
            )
        if value is not msgspec.UNSET:
            values[field] = encode_text(value) if field == "filter" and value is not None else value
    if body.is_paused is not msgspec.UNSET:
        polled = queue.last_polled if body.last_polled is msgspec.UNSET else body.last_polled
        values["status"] = _status(body.is_paused, polled, now).value
    name = values.get("name", queue.name)
    if name != queue.name and await find_by_name(transaction, pool.id, name) is not None:
        raise _taken(name)
    await transaction.execute(queries.update(tuple(values)), queue.id, *values.values())
    if "priority" in values:
        others = await _priorities(transaction, pool.id)
        others.pop(queue.id, None)
        await _make_way(transaction, others, values["priority"], now)
    await _tell_of_update(transaction, queue, pool, now)


async def delete(store: Store, queue: WorkQueue, now: datetime) -> None:
    """Delete a queue. Raises `Conflict` for the default queue of its pool."""
    assert queue.work_pool_id is not None
    async with store.transaction() as transaction:
        pool = _labels(transaction, await transaction.fetch_one(queries.POOL, queue.work_pool_id))
        await _delete(transaction, queue)
        await log.append(transaction, [events.queue_changed(Change.DELETED, queue, pool, now)], now)
        transaction.announce(Topic.NAMES)


async def tell_of_deletion(transaction: Connection, pool_id: UUID, now: datetime) -> None:
    """Put into the log that all queues of a pool go away with it."""
    pool = _labels(transaction, await transaction.fetch_one(queries.POOL, pool_id))
    gone = await of_pool(transaction, pool_id)
    await log.append(transaction, [events.queue_changed(Change.DELETED, queue, pool, now) for queue in gone], now)


async def _delete(transaction: Connection, queue: WorkQueue) -> None:
    if not await transaction.execute(queries.DELETE, queue.id):
        raise Conflict(
            f"Data integrity conflict. The work queue {queue.name!r} is the default of the work pool "
            f"{queue.work_pool_name!r} and goes away only with it."
        )


async def mark_polled(transaction: Connection, queue_ids: Collection[UUID], now: datetime) -> None:
    """Remember that somebody has come for the runs of these queues, which makes them ready."""
    polled = queries.AWAITED.all(await transaction.fetch(queries.LOCK, list(queue_ids)), transaction.dialect)
    await transaction.execute(queries.MARK_POLLED, list(queue_ids), now)
    for queue in polled:
        if not queue.is_paused and queue.status is not WorkQueueStatus.READY:
            await _tell_of_status(transaction, await read(transaction, queue.id), now)


async def lapse(store: Store, since: datetime, limit: int, now: datetime) -> int:
    """Take queues for not ready that nobody has polled since then, and tell of it; how many were found."""
    found = queries.IDS.all(await store.scan(queries.LAPSED, since, limit), store.dialect)
    if found:
        async with store.transaction() as transaction:
            rows = await transaction.fetch(queries.LOCK_LAPSED, since, found)
            lapsed = queries.IDS.all(rows, transaction.dialect)
            await transaction.execute(queries.LAPSE, lapsed)
            for id in lapsed:
                await _tell_of_status(transaction, await read(transaction, id), now)
    return len(found)


def missing() -> ObjectNotFound:
    """What to raise where there is no such queue."""
    return ObjectNotFound("Work queue not found.")


def is_fresh(last_polled: datetime | None, now: datetime) -> bool:
    """Whether a queue that was polled then counts as polled."""
    return last_polled is not None and last_polled >= now - FRESH


async def _tell_of_update(transaction: Connection, before: WorkQueue, pool: PoolLabels, now: datetime) -> None:
    after = await read(transaction, before.id)
    told = events.queue_updated(before, after, pool, now)
    if told is not None:
        await log.append(transaction, [told], now)
    if after.name != before.name:
        transaction.announce(Topic.NAMES)
    if after.status is not before.status:
        await _tell_of_status(transaction, after, now)


async def _tell_of_status(transaction: Connection, queue: WorkQueue, now: datetime) -> None:
    """Put into the log that a queue has the status that it has."""
    assert queue.status is not None
    pool = _labels(transaction, await transaction.fetch_one(queries.POOL, queue.work_pool_id))
    await log.append(transaction, [events.status_entered(queue.status, queue, pool, now)], now)


def _labels(connection: Connection, row: Row | None) -> PoolLabels:
    if row is None:
        raise ObjectNotFound("The work pool of this work queue was just deleted.")
    return queries.POOLS.one(row, connection.dialect)


async def _listed(
    store: Store, reads: Reads, filters: Mapping[str, Any], sort: str, limit: int, offset: int
) -> list[WorkQueue]:
    if limit == 0:
        return []
    statement, values = reads.matching.bind(store.dialect, filters, sort, limit=limit, offset=offset)
    return queries.QUEUES.all(await store.scan(statement, *values), store.dialect)


async def _priorities(connection: Connection, pool_id: UUID) -> dict[UUID, int]:
    rows: Sequence[Any] = await connection.fetch(queries.PRIORITIES, pool_id)
    return dict(queries.PRIORITY_PAIRS.all(rows, connection.dialect))


async def _make_way(transaction: Connection, others: Mapping[UUID, int], priority: int, now: datetime) -> None:
    if moves := making_way(others, priority):
        rows = [(queue_id, moved_to, now) for queue_id, moved_to in moves.items()]
        await transaction.execute_many(queries.SET_PRIORITY, rows)


def _status(is_paused: bool, last_polled: datetime | None, now: datetime) -> WorkQueueStatus:
    if is_paused:
        return WorkQueueStatus.PAUSED
    return WorkQueueStatus.READY if is_fresh(last_polled, now) else WorkQueueStatus.NOT_READY


def _taken(name: str) -> ObjectAlreadyExists:
    return ObjectAlreadyExists(f"A work queue with the name {name!r} already exists in this work pool: choose another.")
