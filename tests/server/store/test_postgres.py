"""What only PostgreSQL has: connections that are lost, and a pool that is used up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.wire.errors import Conflict, ServiceUnavailable
from headrace.wire.ids import uuid7
from tests.conftest import settings_for
from tests.postgres import PostgresServer
from tests.server.store.rows_of import add_flow, count, names

_DISCONNECT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'headrace'
"""


@pytest.fixture
async def small(tmp_path: Path, postgres_url: str) -> AsyncIterator[Store]:
    """A store on PostgreSQL with two connections and little patience."""
    store = make_store(settings_for(tmp_path, postgres_url, connection_pool_size=2, timeout=1.0))
    await store.open()
    yield store
    await store.close()


def disconnect(server: PostgresServer, url: str) -> None:
    """End every connection of the store's, as a restart of the server does."""
    server.run(_DISCONNECT, url.rpartition("/")[2])


async def test_reads_and_transactions_go_on_after_all_connections_are_lost(
    small: Store, postgres_server: PostgresServer, postgres_url: str
) -> None:
    await asyncio.gather(add_flow(small, "a"), add_flow(small, "b"))  # both connections are open now
    await asyncio.to_thread(disconnect, postgres_server, postgres_url)
    assert await names(small) == ["a", "b"]
    await asyncio.to_thread(disconnect, postgres_server, postgres_url)
    async with small.transaction() as transaction:
        await add_flow(transaction, "c")
    assert await count(small) == 3


async def test_a_transaction_that_loses_its_connection_is_undone_and_says_try_again(
    small: Store, postgres_server: PostgresServer, postgres_url: str
) -> None:
    async def lose() -> None:
        async with small.transaction() as transaction:
            await add_flow(transaction, "undone")
            await asyncio.to_thread(disconnect, postgres_server, postgres_url)
            await add_flow(transaction, "never")

    with pytest.raises(ServiceUnavailable, match="Try again"):
        await lose()
    assert await count(small) == 0


async def test_a_pool_that_is_used_up_is_waited_for_and_then_refuses(small: Store) -> None:
    async with small.transaction(), small.transaction():
        with pytest.raises(ServiceUnavailable, match="in use for 1 s"):
            await count(small)
    assert await count(small) == 0


async def test_waiting_for_a_connection_can_be_cancelled_without_losing_one(small: Store) -> None:
    async with small.transaction(), small.transaction():
        waiting = [asyncio.create_task(count(small)) for _ in range(5)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert await asyncio.gather(*(count(small) for _ in range(6))) == [0] * 6


async def test_a_statement_that_takes_too_long_is_stopped(small: Store) -> None:
    with pytest.raises(ServiceUnavailable):
        await small.fetch(Statement("SELECT pg_sleep(30)"))
    assert await count(small) == 0


async def test_a_cancelled_statement_leaves_its_connection_usable(small: Store) -> None:
    sleeping = asyncio.create_task(small.fetch(Statement("SELECT pg_sleep(30)")))
    await asyncio.wait_for(_until_active(small), 5)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await asyncio.gather(*(count(small) for _ in range(4))) == [0] * 4


async def _until_active(store: Store) -> None:
    """Until the server says that it sleeps."""
    active = Statement("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)' AND state = 'active'")
    while True:
        if await store.fetch(active):
            return


async def test_a_failed_statement_spoils_its_own_transaction_only(small: Store) -> None:
    await add_flow(small, "taken")

    async def fail() -> None:
        async with small.transaction() as transaction:
            await add_flow(transaction, "undone")
            await add_flow(transaction, "taken")

    for _ in range(5):
        with pytest.raises(Conflict):
            await fail()
    assert await names(small) == ["taken"]


async def test_ids_come_as_what_json_can_write(small: Store) -> None:
    import msgspec

    flow_id = await add_flow(small, "flow")
    row = await small.fetch_one(Statement("SELECT id FROM flows"))
    assert row is not None
    assert row[0] == flow_id
    assert msgspec.json.encode(row[0]) == msgspec.json.encode(flow_id)
    assert hash(row[0]) == hash(flow_id)
    assert row[0] != uuid7()
