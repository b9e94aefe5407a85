"""What can be done with workers."""

from datetime import datetime, timedelta
from uuid import UUID

from headrace.server.store.base import Connection, Store
from headrace.server.workers import queries
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import WorkerFilter, WorkPoolFilter, WorkPoolFilterId
from headrace.wire.ids import uuid7
from headrace.wire.statuses import WorkerStatus
from headrace.wire.workers import Worker, WorkerHeartbeat

MISSED_HEARTBEATS = 3
USUAL_INTERVAL = 30
"""Seconds between the heartbeats of a worker that does not say how many."""


async def beat(connection: Connection, pool_id: UUID, sign: WorkerHeartbeat, now: datetime) -> None:
    """Remember that a worker of the pool is alive; the first sign of one makes it known."""
    await connection.execute(queries.BEAT, uuid7(), now, pool_id, sign.name, sign.heartbeat_interval_seconds)


async def list_workers(
    store: Store, pool_id: UUID, wanted: WorkerFilter | None, limit: int, offset: int, now: datetime
) -> list[Worker]:
    """The workers of a pool that match, the last heard of first."""
    filters = {"work_pools": WorkPoolFilter(id=WorkPoolFilterId(any_=[pool_id])), "workers": wanted}
    return [
        as_of(worker, now)
        for worker in await queries.LISTED.list(store, filters, "HEARTBEAT_DESC", limit, offset, now=now)
    ]


async def any_online(connection: Connection, pool_id: UUID, now: datetime) -> bool:
    """Whether a worker of the pool has been heard of lately."""
    workers = queries.WORKERS.all(await connection.fetch(queries.OF_POOL, pool_id), connection.dialect)
    return any(as_of(worker, now).status is WorkerStatus.ONLINE for worker in workers)


async def mark_offline(connection: Connection, missed: int, usual: int, now: datetime) -> int:
    """Take the workers for gone that have missed so many heartbeats; `usual` as `USUAL_INTERVAL`. How many they are."""
    return await connection.execute(queries.MARK_OFFLINE, now, missed, usual)


async def delete(connection: Connection, pool_id: UUID, name: str) -> None:
    """Forget a worker. Raises `ObjectNotFound`."""
    if not await connection.execute(queries.DELETE, pool_id, name):
        raise ObjectNotFound("Worker not found.")


def as_of(worker: Worker, now: datetime) -> Worker:
    """The worker with its status at an instant (contract §3)."""
    interval = USUAL_INTERVAL if worker.heartbeat_interval_seconds is None else worker.heartbeat_interval_seconds
    heard = worker.last_heartbeat_time
    alive = heard is not None and heard > now - timedelta(seconds=MISSED_HEARTBEATS * interval)
    worker.status = WorkerStatus.ONLINE if alive else WorkerStatus.OFFLINE
    return worker
