"""Making a work pool, which never is without a default queue."""

from datetime import datetime

from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection
from headrace.server.work_pools import events, queries, statuses
from headrace.server.work_queues import service as work_queues
from headrace.wire.base import encode_text
from headrace.wire.errors import ObjectAlreadyExists
from headrace.wire.ids import uuid7
from headrace.wire.work_pools import DEFAULT_QUEUE, WorkPool, WorkPoolCreate
from headrace.wire.work_queues import WorkQueueCreate


async def make(transaction: Connection, body: WorkPoolCreate, now: datetime) -> WorkPool:
    """Add a pool with its default queue. Raises `ObjectAlreadyExists` if the name is taken."""
    row = await transaction.fetch_one(
        queries.INSERT,
        *(uuid7(), now, body.name, body.description, body.type, encode_text(body.base_job_template)),
        *(body.is_paused, body.concurrency_limit, encode_text(body.storage_configuration)),
    )
    if row is None:
        raise ObjectAlreadyExists(f"A work pool with the name {body.name!r} already exists: choose another.")
    pool = queries.POOLS.one(row, transaction.dialect)
    wanted = WorkQueueCreate(name=DEFAULT_QUEUE, description="The work pool's default queue.", priority=1)
    queue = await work_queues.create(transaction, pool.id, wanted, now)
    await transaction.execute(queries.SET_DEFAULT_QUEUE, pool.id, queue.id)
    pool.default_queue_id = queue.id
    await log.append(transaction, [events.pool_changed(Change.CREATED, pool, now)], now)
    pool.status = statuses.status_of(body.type, is_paused=body.is_paused, is_alive=False)
    if pool.status is not None:
        await statuses.enter(transaction, pool, pool.status, now)
    return pool
