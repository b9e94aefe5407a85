"""Who is connected, to any server of the database; a connection is a row that its server keeps fresh."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from headrace.server.store.base import Store
from headrace.server.task_workers import queries
from headrace.wire.base import encode_text
from headrace.wire.errors import HeadraceError
from headrace.wire.task_workers import TaskWorker
from headrace.wire.times import now

SEEN_EVERY = 20.0
"""Seconds between two signs that a connection is there."""
FORGOTTEN_AFTER = timedelta(seconds=60)
"""How long after the last sign a connection counts as lost, because its server was."""

_log = logging.getLogger("headrace.server.task_workers")


@asynccontextmanager
async def connected(store: Store, identifier: str, task_keys: Sequence[str]) -> AsyncGenerator[None]:
    """Count a worker as connected for the length of the block."""
    id = uuid4()
    moment = now()
    async with store.transaction() as transaction:
        await transaction.execute(queries.FORGET, moment - FORGOTTEN_AFTER)
        await transaction.execute(queries.COME, id, identifier, encode_text(list(task_keys)), moment)
    keeping = asyncio.create_task(_keep(store, id))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        with contextlib.suppress(HeadraceError):  # whoever lists workers passes over a row that is not kept fresh
            await store.execute(queries.GONE, id)


async def list_workers(store: Store, task_keys: Collection[str] | None, moment: datetime) -> list[TaskWorker]:
    """The workers that execute any of the tasks, or all; one that has several connections is listed once."""
    rows = await store.fetch(queries.LIST, moment - FORGOTTEN_AFTER)
    found: dict[str, TaskWorker] = {}
    for connection in queries.CONNECTIONS.all(rows, store.dialect):
        worker = found.setdefault(connection.identifier, connection)
        worker.task_keys = list(dict.fromkeys((*worker.task_keys, *connection.task_keys)))
        worker.timestamp = max(worker.timestamp, connection.timestamp)
    return [one for one in found.values() if not task_keys or not set(task_keys).isdisjoint(one.task_keys)]


async def _keep(store: Store, id: UUID) -> None:
    while True:
        await asyncio.sleep(SEEN_EVERY)
        try:
            await store.execute(queries.SEEN, id, now())
        except HeadraceError as error:
            _log.warning("A task worker's sign of life was not kept: %s", error)
