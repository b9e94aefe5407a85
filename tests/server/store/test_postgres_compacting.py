"""A PostgreSQL database is compacted beside those who use it, and whoever may not, or finds it half done, is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from headrace.server.store import make_store, postgres_compacting
from headrace.server.store.base import Statement, Store
from headrace.server.store.postgres_compacting import compact, plan
from headrace.settings import Settings
from headrace.wire.errors import StoreError
from tests.conftest import settings_for
from tests.postgres import PostgresServer
from tests.server.store.rows_of import add_flow, names

_LINES = Statement(
    "INSERT INTO logs (id, created, name, level, message, timestamp, flow_run_id) SELECT gen_random_uuid(), now(),"
    " 'log', 20, n || repeat('x', 100), now() + n * interval '1 ms', gen_random_uuid() FROM generate_series(1, $1) n"
)
_DUMP = Statement("SELECT md5(string_agg(l::text, ' ' ORDER BY id)) FROM logs l")
_INVALID = Statement("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")


@pytest.fixture
def settings(postgres_url: str, tmp_path: Path) -> Settings:
    return settings_for(tmp_path, postgres_url)


@pytest.fixture
async def store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """One that was mostly emptied, and of which even small tables and indexes are worth it."""
    monkeypatch.setattr(postgres_compacting, "_MUCH", 50_000)
    store = make_store(settings)
    await store.open()
    await store.execute(_LINES, 20_000)
    await store.execute(Statement("ANALYZE"))
    await store.execute(Statement("DELETE FROM logs WHERE hashtext(id::text) % 5 <> 0"))
    await store.execute(Statement("VACUUM logs"))  # so that statistics tell of it at once
    yield store
    await store.close()


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[None]:
    """Somebody reads the database for as long as the block lasts; an index that is built anew waits for them."""
    connection: Any = await asyncpg.connect(url)
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await connection.fetchval("SELECT count(*) FROM flows")
    try:
        yield
    finally:
        await connection.close()


async def dump(store: Store) -> str:
    return (await store.fetch(_DUMP))[0][0]


async def test_it_gives_back_about_what_it_told_and_nothing_is_changed(store: Store, settings: Settings) -> None:
    before, told, said = await dump(store), await asyncio.to_thread(plan, settings), list[str]()
    assert len(told.heaps) == 1
    assert told.gain > 2_000_000
    work = asyncio.create_task(asyncio.to_thread(compact, settings, said.append))
    written = 0
    while not work.done():
        written += 1
        await add_flow(store, f"meanwhile {written}")
    larger, smaller = await work
    assert larger - smaller > 0.7 * told.gain
    assert (await store.space()).bytes < larger - 0.7 * told.gain
    assert await dump(store) == before
    assert len(await names(store)) == written
    assert any("rows moved" in line for line in said)
    assert any("anew" in line for line in said)
    assert (await asyncio.to_thread(plan, settings)).gain < 0.3 * told.gain


async def test_an_index_is_known_to_be_empty_also_where_a_vacuum_has_not_told(store: Store, settings: Settings) -> None:
    known = (await asyncio.to_thread(plan, settings)).indexes
    told = "UPDATE pg_class SET reltuples = 20000 WHERE relkind = 'i' AND relname LIKE 'logs_default%'"
    await store.execute(Statement(told))
    assert (await asyncio.to_thread(plan, settings)).indexes == known != []


async def test_an_index_that_waits_for_too_long_stays_and_it_is_told_for_whom(
    store: Store, settings: Settings, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_compacting, "_HOLD_ON", "SET lock_timeout = '200ms'")
    monkeypatch.setattr(postgres_compacting, "_LONG", 0.0)
    said: list[str] = []
    async with reading(postgres_url):
        await asyncio.to_thread(compact, settings, said.append)
    assert said[0].startswith("A transaction has been open for 0 min")
    assert any("stays as it is" in line for line in said)
    assert not await store.fetch(_INVALID)


async def test_what_another_left_of_an_index_is_taken_away(store: Store, settings: Settings, postgres_url: str) -> None:
    (index,) = (
        await store.fetch(
            Statement(
                "SELECT max(indexrelid::regclass::text) FROM pg_index i JOIN pg_class c"
                " ON c.oid = i.indrelid WHERE c.relname = 'logs_default'"
            )
        )
    )[0]
    connection: Any = await asyncpg.connect(postgres_url)
    async with reading(postgres_url):
        await connection.execute("SET lock_timeout = '200ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await connection.execute(f"REINDEX INDEX CONCURRENTLY {index}")
    await connection.close()
    assert [row[0] for row in await store.fetch(_INVALID)] == [f"{index}_ccnew"]
    said: list[str] = []
    await asyncio.to_thread(compact, settings, said.append)
    assert said[0].startswith(f"{index}_ccnew: taking away")
    assert not await store.fetch(_INVALID)


async def test_whoever_does_not_own_the_tables_is_told_who_does(
    store: Store, tmp_path: Path, postgres_url: str, postgres_server: PostgresServer
) -> None:
    role = f"guest_{uuid4().hex}"
    postgres_server.run(f"CREATE ROLE {role} LOGIN")
    try:
        guest = settings_for(tmp_path, postgres_url.replace("postgres@", f"{role}@"))
        with pytest.raises(StoreError, match=f"Only postgres, who owns .* {role} is connected"):
            await asyncio.to_thread(plan, guest)
    finally:
        postgres_server.run(f"DROP ROLE {role}")


async def test_two_at_once_are_one_too_many(store: Store, settings: Settings, postgres_url: str) -> None:
    other: Any = await asyncpg.connect(postgres_url)
    await other.execute(f"SELECT pg_advisory_lock({postgres_compacting._LOCK})")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StoreError, match="Somebody else"):
        await asyncio.to_thread(compact, settings, print)
    await other.close()


def test_without_tables_there_is_nothing_to_compact(settings: Settings) -> None:
    with pytest.raises(StoreError, match="no tables"):
        plan(settings)
