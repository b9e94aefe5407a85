"""Where runs are sent: pools and queues found by the names that deployments and runs give."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from headrace.server.store.base import Connection, Row
from headrace.server.work_pools import making, queries
from headrace.server.work_pools.queries import Place, PoolOfQueue
from headrace.server.work_queues import service as work_queues
from headrace.wire.errors import ObjectAlreadyExists, ObjectNotFound
from headrace.wire.work_pools import DEFAULT_AGENT_POOL, WorkPoolCreate
from headrace.wire.work_queues import WorkQueueCreate


async def resolve(connection: Connection, pool_name: str, queue_name: str | None) -> Place:
    """The queue of a pool, its default one if none is named. Raises `ObjectNotFound` for either."""
    found = await find_place(connection, pool_name, queue_name)
    if found is not None:
        return found
    if await connection.fetch_one(queries.BY_NAME, pool_name) is None:
        raise pool_missing(pool_name)
    raise queue_missing(pool_name, queue_name)


async def place(transaction: Connection, pool_name: str | None, queue_name: str | None, now: datetime) -> Place | None:
    """The same, where a queue that is missing is made, and None where neither is named.

    A queue that is named alone is one of the default agent pool, which is made too where it is missing.
    Raises `ObjectNotFound` for a pool that is named and missing.
    """
    if pool_name is None and queue_name is None:
        return None
    name = DEFAULT_AGENT_POOL if pool_name is None else pool_name
    found = await find_place(transaction, name, queue_name)
    if found is not None:
        return found
    if pool_name is None:
        pool_id = await agent_pool(transaction, now)
    else:
        row = await transaction.fetch_one(queries.BY_NAME, pool_name)
        if row is None:
            raise pool_missing(pool_name)
        pool_id = queries.POOLS.one(row, transaction.dialect).id
    if queue_name is not None:
        with suppress(ObjectAlreadyExists):
            await work_queues.create(transaction, pool_id, WorkQueueCreate(name=queue_name), now)
    return await resolve(transaction, name, queue_name)


async def place_of(connection: Connection, work_queue_id: UUID) -> Place | None:
    """Where the queue is, or None if there is no such queue any more."""
    return _place(await connection.fetch_one(queries.PLACE_OF_QUEUE, work_queue_id), connection)


async def agent_pool(transaction: Connection, now: datetime) -> UUID:
    """The id of the default agent pool, which is made where it is missing."""
    row = await transaction.fetch_one(queries.BY_NAME, DEFAULT_AGENT_POOL)
    if row is not None:
        return queries.POOLS.one(row, transaction.dialect).id
    with suppress(ObjectAlreadyExists):
        await making.make(transaction, WorkPoolCreate(name=DEFAULT_AGENT_POOL), now)
    return await agent_pool(transaction, now)


async def of_queues(connection: Connection, queue_ids: Collection[UUID]) -> dict[UUID, PoolOfQueue]:
    """The pools of these queues; queues that are gone are left out."""
    rows = await connection.fetch(queries.OF_QUEUES, list(queue_ids))
    return {pool.queue_id: pool for pool in queries.OWNERS.all(rows, connection.dialect)}


def pool_missing(name: str) -> ObjectNotFound:
    return ObjectNotFound(f'Work pool "{name}" not found.')


def queue_missing(pool_name: str, name: str | None) -> ObjectNotFound:
    return ObjectNotFound(f"Work pool queue '{pool_name}/{name}' not found.")


async def find_place(connection: Connection, pool_name: str, queue_name: str | None) -> Place | None:
    """The queue of a pool, its default one if none is named, or None if it is missing."""
    if queue_name is None:
        return _place(await connection.fetch_one(queries.DEFAULT_PLACE, pool_name), connection)
    return _place(await connection.fetch_one(queries.PLACE_BY_NAMES, pool_name, queue_name), connection)


def _place(row: Row | None, connection: Connection) -> Place | None:
    return None if row is None else queries.PLACES.one(row, connection.dialect)
