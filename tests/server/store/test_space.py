"""The room that deleted rows leave: it goes back to the disk, and what is told of it is what the file shrank by."""

import asyncio
import sqlite3
from pathlib import Path

from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.server.store.sqlite import SQLiteStore
from headrace.wire.ids import uuid7
from headrace.wire.times import now
from tests.conftest import settings_for
from tests.server.store.rows_of import add_flow, count

_LOG = ("id", "created", "name", "level", "message", "timestamp", "flow_run_id", "task_run_id")


async def fill(store: Store, lines: int) -> None:
    """So many long log lines."""
    moment = now()
    rows = [(uuid7(), moment, "log", 20, "x" * 500, moment, uuid7(), None) for _ in range(lines)]
    async with store.bulk() as transaction:
        await transaction.insert_many("logs", _LOG, rows)


async def give_back(store: Store, table: str = "logs", pages: int = 100) -> int:
    given = 0
    while (some := await store.give_back(table, pages)).more:
        given += some.bytes
    return given + some.bytes


async def empty(store: Store, table: str = "logs") -> None:
    async with store.bulk() as transaction:
        await transaction.execute(Statement(f"DELETE FROM {table}"))


async def test_a_file_shrinks_by_what_is_told_while_others_write(tmp_path: Path) -> None:
    store = make_store(settings_for(tmp_path))
    await store.open()
    path = tmp_path / "headrace.db"
    await fill(store, 5_000)
    await empty(store)
    assert isinstance(store, SQLiteStore)
    before = await store.space()
    assert before.shrinks
    assert before.empty is not None
    assert before.empty > 2_000_000
    given, _ = await asyncio.gather(give_back(store), add_flow(store, "meanwhile"))
    after = await store.space()
    assert path.stat().st_size == after.bytes
    assert abs(before.bytes - after.bytes - given) < 100_000
    assert (after.empty, await count(store)) == (0, 1)
    await store.close()


async def test_a_file_that_somebody_reads_shrinks_when_they_have_done(tmp_path: Path) -> None:
    store = make_store(settings_for(tmp_path))
    await store.open()
    path = tmp_path / "headrace.db"
    await fill(store, 2_000)
    await empty(store)
    with_all = path.stat().st_size
    async with store.view() as view:
        assert (await view.scan(Statement("SELECT count(*) FROM logs")))[0][0] == 0
        for _ in range(20):
            await store.give_back("logs", 1_000)
        assert (await store.give_back("logs", 1_000)).more
    while (await store.give_back("logs", 1_000)).more:
        pass
    assert path.stat().st_size < max(with_all, 1_000_000)
    await store.close()


async def test_a_file_that_was_made_without_says_so_and_gives_nothing_back(tmp_path: Path) -> None:
    path = tmp_path / "headrace.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("CREATE TABLE made (x)")
        db.execute("DROP TABLE made")
    db.close()
    store = make_store(settings_for(tmp_path))
    await store.open()
    await fill(store, 500)
    await empty(store)
    assert await give_back(store) == 0
    space = await store.space()
    assert not space.shrinks
    assert space.empty
    await store.close()


async def test_a_table_of_postgresql_shrinks_by_what_is_told(postgres_url: str, tmp_path: Path) -> None:
    store = make_store(settings_for(tmp_path, postgres_url))
    await store.open()
    await fill(store, 5_000)
    before = (await store.space()).bytes
    await empty(store)
    given = await give_back(store)
    assert given > 2_000_000
    assert abs(before - (await store.space()).bytes - given) < 0.1 * given
    await store.close()
