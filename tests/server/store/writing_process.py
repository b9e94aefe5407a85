"""A process that writes without end and says on its standard output what was acknowledged.

    python writing_process.py HOME DATABASE_URL NAME

Each line is the number of a transaction that has been committed: it stored the flow `NAME-number` and a run of it.
Several tasks write at once, so that transactions are committed together.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.settings import ServerDatabaseSettings, ServerSettings, Settings
from headrace.wire.ids import uuid7
from headrace.wire.times import now

_WRITERS = 4
_ADD_FLOW = Statement("INSERT INTO flows (id, created, updated, name) VALUES ($1, $2, $2, $3)")
_ADD_RUN = Statement("INSERT INTO flow_runs (id, created, updated, name, flow_id) VALUES ($1, $2, $2, $3, $4)")


async def add_flow_with_run(store: Store, name: str) -> None:
    """Both in one transaction."""
    flow_id, moment = uuid7(), now()
    async with store.transaction() as transaction:
        await transaction.execute(_ADD_FLOW, flow_id, moment, name)
        await transaction.execute(_ADD_RUN, uuid7(), moment, name, flow_id)


async def write(home: Path, url: str | None, name: str) -> None:
    database = ServerDatabaseSettings(url=url, connection_pool_size=_WRITERS)
    store = make_store(Settings(home=home, server=ServerSettings(database=database)))
    await store.open()
    numbers = itertools.count()

    async def writer() -> None:
        for number in numbers:
            await add_flow_with_run(store, f"{name}-{number}")
            print(number, flush=True)

    await asyncio.gather(*(writer() for _ in range(_WRITERS)))


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3]))
