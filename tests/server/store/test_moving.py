"""Tables of PostgreSQL become shorter while others use them: rows move ahead and say what they said."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from headrace.server.store import make_store, postgres_shrinking
from headrace.server.store.base import Statement
from headrace.server.store.postgres import PostgresStore
from headrace.wire.ids import uuid7
from headrace.wire.times import now
from tests.conftest import settings_for
from tests.server.store.rows_of import add_flow

_RUNS = 3_000
_RENAME = Statement("UPDATE flow_runs SET name = $2, updated = $3 WHERE id = $1")
_DELETE_OLD = Statement("DELETE FROM task_runs WHERE flow_run_id = $1 AND name LIKE 'old%'")
_TABLES = ("flow_runs", "task_runs")
_ADD_RUN = Statement(
    "INSERT INTO flow_runs (id, created, updated, name, flow_id, context)"
    " VALUES ($1, $2, $2, 'old', $3, jsonb_build_object('x', repeat('x', 500)))"
)
_ADD_TASK_RUN = Statement(
    "INSERT INTO task_runs (id, created, updated, name, flow_run_id, task_key, dynamic_key, labels)"
    " VALUES ($1, $2, $2, $3, $4, 'k', $3, jsonb_build_object('x', repeat('x', 500)))"
)


@pytest.fixture
async def store(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgresStore]:
    """One of which even small tables are worth moving."""
    monkeypatch.setattr(postgres_shrinking, "_MUCH", 100_000)
    store = make_store(settings_for(tmp_path, postgres_url))
    assert isinstance(store, PostgresStore)
    await store.open()
    yield store
    await store.close()


async def fill(store: PostgresStore) -> list[UUID]:
    """Runs with a task run each; their ids, in the order in which they lie in the file."""
    moment, ids = now(), [uuid7() for _ in range(_RUNS)]
    async with store.bulk() as transaction:
        flow = await add_flow(transaction, "f")
        await transaction.execute_many(_ADD_RUN, [(id, moment, flow) for id in ids])
        rows = [(uuid7(), moment, f"old {number}", id) for number, id in enumerate(ids)]
        await transaction.execute_many(_ADD_TASK_RUN, rows)
    await store.execute(Statement("ANALYZE"))
    return ids


async def delete(store: PostgresStore, ids: list[UUID]) -> None:
    async with store.bulk() as transaction:
        await transaction.execute(Statement("DELETE FROM task_runs WHERE flow_run_id = ANY($1::uuid[])"), ids)
        await transaction.execute(Statement("DELETE FROM flow_runs WHERE id = ANY($1::uuid[])"), ids)


async def shrink(store: PostgresStore, table: str, rows: int = _RUNS) -> int:
    given = 0
    while (some := await store.give_back(table, 50, rows)).more:
        given += some.bytes
    return given + some.bytes


async def dump(store: PostgresStore) -> list[str]:
    """All that is said of runs, and what triggers keep of them."""
    lines = [
        row[0]
        for table in _TABLES
        for row in await store.fetch(Statement(f"SELECT t::text FROM {table} t ORDER BY id"))
    ]
    for kept in ("tallies", "history_changes", "concurrency_leases"):
        lines += [row[0] for row in await store.fetch(Statement(f"SELECT t::text FROM {kept} t ORDER BY t::text"))]
    return lines


async def pages(store: PostgresStore, table: str) -> int:
    row = await store.fetch_one(Statement("SELECT pg_relation_size($1::text::regclass) / 8192"), table)
    assert row is not None
    return row[0]


async def total(store: PostgresStore, table: str) -> int:
    row = await store.fetch_one(Statement("SELECT pg_total_relation_size($1::text::regclass)"), table)
    assert row is not None
    return row[0]


@pytest.mark.parametrize("which", ["first", "scattered", "all but the last"])
async def test_a_table_shrinks_to_what_it_needs_and_says_what_it_said(store: PostgresStore, which: str) -> None:
    ids = await fill(store)
    match which:
        case "first":
            gone = ids[: _RUNS * 2 // 3]
        case "scattered":
            gone = [id for number, id in enumerate(ids) if number % 3]
        case _:
            gone = ids[:-5]
    await delete(store, gone)
    before, full = await dump(store), {table: await pages(store, table) for table in _TABLES}
    for table in _TABLES:
        size = await total(store, table)
        given = await shrink(store, table)
        assert given == size - await total(store, table)
        assert await pages(store, table) < full[table] * 0.55 * max((_RUNS - len(gone)) / (_RUNS / 3), 0.1)
    assert await dump(store) == before


async def test_no_more_rows_are_moved_than_was_said(store: PostgresStore) -> None:
    ids = await fill(store)
    await delete(store, ids[: _RUNS // 2])
    full = await pages(store, "flow_runs")
    await shrink(store, "flow_runs", 0)
    assert await pages(store, "flow_runs") == full
    await shrink(store, "flow_runs", _RUNS // 10)
    assert full * 0.7 < await pages(store, "flow_runs") < full


async def test_what_somebody_holds_stays_and_nobody_waits_for_it(store: PostgresStore) -> None:
    ids = await fill(store)
    await delete(store, ids[: _RUNS * 2 // 3])
    full = await pages(store, "flow_runs")
    async with store.transaction() as transaction:
        await transaction.execute(Statement("UPDATE flow_runs SET name = 'held' WHERE id = $1"), ids[-1])
        async with asyncio.timeout(20):
            await shrink(store, "flow_runs")
        assert await pages(store, "flow_runs") >= full  # the file ends behind what is held
    await store.give_back("flow_runs", 50)
    await shrink(store, "flow_runs")
    assert await pages(store, "flow_runs") < full * 0.55


async def test_where_a_run_is_held_its_task_runs_are_left_and_nothing_deadlocks(store: PostgresStore) -> None:
    ids = await fill(store)
    await delete(store, ids[: _RUNS * 2 // 3])
    before = await dump(store)
    async with store.transaction() as transaction:
        await transaction.fetch(Statement("SELECT 1 FROM flow_runs ORDER BY id FOR UPDATE"))
        async with asyncio.timeout(60):
            await shrink(store, "task_runs")
    assert await dump(store) == before


async def test_beside_writers_nothing_is_lost_and_nothing_fails(store: PostgresStore) -> None:
    ids = await fill(store)
    await delete(store, ids[: _RUNS * 2 // 3])
    left, ended = ids[_RUNS * 2 // 3 :], asyncio.Event()
    chosen = set(random.Random(0).sample(left, 400))
    to_delete = sorted(chosen)
    written: dict[UUID, str] = {}
    deleted: list[UUID] = []

    async def write(seed: int) -> None:
        chance, mine = random.Random(seed), [id for id in left[seed::2] if id not in chosen]
        going = to_delete[seed::2]
        while not ended.is_set():
            some = sorted(chance.sample(mine, 20))
            moment, name = now(), str(chance.random())
            async with store.transaction() as transaction:
                for id in some:
                    await transaction.execute(_RENAME, id, name, moment)
                new = uuid7()
                await transaction.execute(_ADD_TASK_RUN, new, moment, f"new {new}", some[0])
                await transaction.execute(_DELETE_OLD, some[-1])
            written.update(dict.fromkeys(some, name))
            if going:  # with its task run, by the foreign key
                await store.execute(Statement("DELETE FROM flow_runs WHERE id = $1"), going[-1])
                deleted.append(going.pop())

    writers = [asyncio.create_task(write(seed)) for seed in range(2)]
    try:
        async with asyncio.timeout(120):
            for table in _TABLES:
                await shrink(store, table)
    finally:
        ended.set()
        await asyncio.gather(*writers)
    found = {row[0]: row[1] for row in await store.fetch(Statement("SELECT id, name FROM flow_runs"))}
    assert set(found) == set(left) - set(deleted)
    assert {id: found[id] for id in written} == written
    (counted,) = [
        row[0] for row in await store.fetch(Statement("SELECT sum(total) FROM tallies WHERE noun = 'task_runs'"))
    ]
    (there,) = [row[0] for row in await store.fetch(Statement("SELECT count(*) FROM task_runs"))]
    assert counted == there


async def test_where_somebody_keeps_a_vacuum_from_cutting_it_does_so_later(store: PostgresStore) -> None:
    ids = await fill(store)
    await delete(store, ids[: _RUNS * 2 // 3])
    full = await pages(store, "flow_runs")
    cutting = Statement("SELECT 1 FROM pg_stat_progress_vacuum WHERE phase = 'truncating heap'")
    async with store.transaction() as transaction:
        await transaction.execute(Statement("LOCK TABLE flow_runs IN ACCESS SHARE MODE"))
        tried = False
        while not tried:
            step = asyncio.create_task(store.give_back("flow_runs", 50, _RUNS))
            while not step.done():
                tried = tried or bool(await store.fetch(cutting))
                await asyncio.sleep(0.02)
            assert (await step).more
    assert await pages(store, "flow_runs") == full
    assert await shrink(store, "flow_runs") > 0
    assert await pages(store, "flow_runs") < full * 0.55


async def test_a_table_with_a_trigger_of_somebody_for_every_change_is_left_alone(store: PostgresStore) -> None:
    ids = await fill(store)
    await delete(store, ids[: _RUNS * 2 // 3])
    full = await pages(store, "flow_runs")
    await store.execute(
        Statement(
            "CREATE TRIGGER somebodys BEFORE UPDATE ON flow_runs FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        )
    )
    await shrink(store, "flow_runs")
    assert await pages(store, "flow_runs") == full


async def test_one_that_is_given_up_half_way_leaves_all_as_it_was(store: PostgresStore, postgres_url: str) -> None:
    ids = await fill(store)
    await delete(store, ids[: _RUNS * 2 // 3])
    before = await dump(store)
    for _ in range(4):
        assert (await store.give_back("flow_runs", 5, _RUNS)).more
    assert await dump(store) == before
    await store.close()
    connection: Any = await asyncpg.connect(postgres_url)
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(f"{others} AND backend_type = 'client backend'"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
    await store.open()
    assert await dump(store) == before
