"""The status of a work pool, and the event that tells of each change."""

from datetime import datetime, timedelta
from uuid import UUID

from headrace.server.events import log
from headrace.server.store.base import Connection, Store
from headrace.server.work_pools import events, queries
from headrace.wire.ids import uuid7
from headrace.wire.work_pools import AGENT, WorkPool, WorkPoolStatus

_SOON = timedelta(minutes=10)
"""How close a status must be to the one before for its event to follow that one's."""


def status_of(type: str, *, is_paused: bool, is_alive: bool) -> WorkPoolStatus | None:
    """The status that a pool takes on; one of the agent type has none (contract §3)."""
    if type == AGENT:
        return None
    if is_paused:
        return WorkPoolStatus.PAUSED
    return WorkPoolStatus.READY if is_alive else WorkPoolStatus.NOT_READY


async def enter(transaction: Connection, pool: WorkPool, status: WorkPoolStatus, now: datetime) -> None:
    """Give a pool a status and tell of it, unless it has that status already."""
    before = await _last_event(transaction, pool.id, now)
    id = uuid7()
    if await transaction.execute(queries.SET_STATUS, pool.id, status.value, now, id):
        await log.append(transaction, [events.status_entered(status, pool, id, before, now)], now)


async def lapse(store: Store, limit: int, now: datetime) -> int:
    """Take pools for not ready that have lost all their workers, and tell of it; how many were found."""
    names = [name for (name,) in await store.scan(queries.LEFT, AGENT, limit)]
    for name in names:
        async with store.transaction() as transaction:
            row = await transaction.fetch_one(queries.LOCK, name)
            pool = None if row is None else queries.POOLS.one(row, transaction.dialect)
            if pool is None or pool.status is not WorkPoolStatus.READY:
                continue
            # A worker may have been heard of since.
            if await transaction.fetch_one(queries.ANY_ONLINE, pool.id) is None:
                await enter(transaction, pool, WorkPoolStatus.NOT_READY, now)
    return len(names)


async def _last_event(transaction: Connection, pool_id: UUID, now: datetime) -> UUID | None:
    """The event of the status before, if that is not long ago; locks the pool."""
    row = await transaction.fetch_one(queries.LAST_STATUS, pool_id)
    last = None if row is None else queries.STATUS_EVENTS.one(row, transaction.dialect)
    if last is None or last.at is None or now - last.at >= _SOON:
        return None
    return last.id
