"""Transactions: all or nothing, one at a time on SQLite, and whole whatever happens to the task inside."""

import asyncio
import threading
from uuid import uuid4

import pytest

from headrace.server.store.base import Connection, Dialect, Statement, Store
from headrace.server.store.sqlite import SQLiteStore
from headrace.wire.errors import Conflict, InternalError
from headrace.wire.times import now
from tests.server.store.rows_of import ADD_RUN, add_flow, count, names

ADD_TO_TAGS = Statement(
    "UPDATE flows SET tags = tags || $2::jsonb WHERE name = $1",
    sqlite="UPDATE flows SET tags = json_insert(tags, '$[#]', json_extract($2, '$[0]')) WHERE name = $1",
)
TAGS = Statement("SELECT tags FROM flows WHERE name = $1")


async def test_a_transaction_is_seen_whole_after_its_block_and_not_before(store: Store) -> None:
    async with store.transaction() as transaction:
        await add_flow(transaction, "first")
        assert await count(transaction) == 1
        assert await count(store) == 0
        await add_flow(transaction, "second")
    assert await names(store) == ["first", "second"]


async def test_a_statement_for_many_rows_takes_none_too_whatever_the_order_of_its_values(store: Store) -> None:
    await add_flow(store, "kept")
    await store.execute_many(Statement("UPDATE flows SET name = $2 WHERE id = $1"), [])
    assert await names(store) == ["kept"]


async def test_an_exception_undoes_the_block_and_leaves_the_store_usable(store: Store) -> None:
    async def write_and_fail() -> None:
        async with store.transaction() as transaction:
            await add_flow(transaction, "undone")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    assert await count(store) == 0
    await add_flow(store, "kept")
    assert await names(store) == ["kept"]


async def test_a_cancelled_task_undoes_its_block_and_leaves_the_store_usable(store: Store) -> None:
    inside = asyncio.Event()

    async def stay() -> None:
        async with store.transaction() as transaction:
            await add_flow(transaction, "undone")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add_flow(store, "kept")
    assert await names(store) == ["kept"]


async def test_a_task_cancelled_while_it_waits_for_its_turn_blocks_nobody(store: Store) -> None:
    async def write(name: str) -> None:
        async with store.transaction() as transaction:
            await add_flow(transaction, name)

    async with store.transaction() as transaction:
        waiting = [asyncio.create_task(write(f"waiting-{number}")) for number in range(20)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[7].cancel()
        await add_flow(transaction, "holder")
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    stored = set(await names(store))
    assert "holder" in stored
    for number, outcome in enumerate(outcomes):
        assert (f"waiting-{number}" in stored) is (outcome is None)
    assert len([outcome for outcome in outcomes if outcome is None]) == 18


@pytest.mark.parametrize("database_settings", [Dialect.SQLITE], indirect=True, ids=str)
async def test_transactions_of_many_tasks_do_not_interleave(store: Store) -> None:
    """Each adds two tags to one row with a pause between them; a pair is never torn apart."""
    await add_flow(store, "shared")

    async def add_pair(number: int) -> None:
        async with store.transaction() as transaction:
            await transaction.execute(ADD_TO_TAGS, "shared", f'["{number}a"]')
            await asyncio.sleep(0)
            await transaction.execute(ADD_TO_TAGS, "shared", f'["{number}b"]')

    await asyncio.gather(*(add_pair(number) for number in range(40)))
    row = await store.fetch_one(TAGS, "shared")
    assert row is not None
    tags = [tag.strip(' "') for tag in row[0].strip("[]").split(",")]
    assert len(tags) == 80
    assert all(first[:-1] == second[:-1] for first, second in zip(tags[::2], tags[1::2], strict=True))


async def test_one_failing_transaction_among_many_takes_none_of_the_others_along(store: Store) -> None:
    await add_flow(store, "taken")

    async def write(number: int) -> None:
        async with store.transaction() as transaction:
            await add_flow(transaction, f"flow-{number}")
            if number % 3 == 0:
                await add_flow(transaction, "taken")

    outcomes = await asyncio.gather(*(write(number) for number in range(30)), return_exceptions=True)
    assert [isinstance(outcome, Conflict) for outcome in outcomes] == [number % 3 == 0 for number in range(30)]
    assert set(await names(store)) == {"taken", *(f"flow-{number}" for number in range(30) if number % 3)}


async def test_a_block_returns_only_when_another_connection_can_see_what_it_did(store: Store) -> None:
    """Also where several are committed together: no acknowledgement comes before the commit."""

    async def write_and_look(number: int) -> bool:
        async with store.transaction() as transaction:
            await add_flow(transaction, f"flow-{number}")
        return f"flow-{number}" in [row[0] for row in await store.scan(Statement("SELECT name FROM flows"))]

    assert all(await asyncio.gather(*(write_and_look(number) for number in range(25))))


async def test_a_transaction_that_has_ended_refuses_further_statements(store: Store) -> None:
    async with store.transaction() as transaction:
        pass
    with pytest.raises(InternalError, match="has ended"):
        await add_flow(transaction, "late")
    assert await count(store) == 0


@pytest.mark.parametrize("database_settings", [Dialect.SQLITE], indirect=True, ids=str)
async def test_writing_through_the_store_inside_an_own_transaction_fails_instead_of_waiting_forever(
    store: Store,
) -> None:
    async with store.transaction():
        with pytest.raises(InternalError, match="inside a transaction already"):
            await add_flow(store, "nested")


async def test_a_store_that_is_not_open_says_so(store: Store) -> None:
    await store.close()
    await store.close()
    with pytest.raises(InternalError, match="not open"):
        await count(store)
    with pytest.raises(InternalError, match="not open"):
        async with store.transaction():
            pass


async def test_a_taken_key_is_a_conflict_that_names_the_columns(store: Store) -> None:
    await add_flow(store, "taken")
    with pytest.raises(Conflict, match=r"Data integrity conflict\. Another row of flows has the same name\."):
        await add_flow(store, "taken")
    with pytest.raises(Conflict, match="does not exist"):
        await store.execute(ADD_RUN, uuid4(), now(), "orphan", uuid4())


async def test_a_deleted_row_frees_its_name(store: Store) -> None:
    await add_flow(store, "name")
    assert await store.execute(Statement("UPDATE flows SET deleted_at = $1 WHERE name = $2"), now(), "name") == 1
    await add_flow(store, "name")


async def test_many_writers_at_once_all_arrive(store: Store) -> None:
    async def write(writer: int) -> None:
        for number in range(10):
            await add_flow(store, f"{writer}-{number}")

    await asyncio.gather(*(write(writer) for writer in range(32)))
    assert await count(store) == 320


async def _insert(connection: Connection, rows: list[tuple[object, ...]]) -> None:
    await connection.insert_many("flows", ("id", "created", "updated", "name"), rows)


async def test_insert_many_adds_all_rows_or_none(store: Store) -> None:
    moment = now()
    await _insert(store, [(uuid4(), moment, moment, f"flow-{number}") for number in range(500)])
    assert await count(store) == 500
    with pytest.raises(Conflict):
        await _insert(store, [(uuid4(), moment, moment, name) for name in ("new", "flow-7")])
    assert await count(store) == 500


@pytest.mark.parametrize("database_settings", [Dialect.SQLITE], indirect=True, ids=str)
async def test_a_scan_stops_when_its_task_is_cancelled(store: Store) -> None:
    assert isinstance(store, SQLiteStore)
    endless = Statement("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n")
    scan = asyncio.create_task(store.scan(endless))
    await store.scan(Statement("SELECT 1"))
    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan
    await store.close()
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("headrace-scan")]
    for thread in threads:
        await asyncio.to_thread(thread.join, 30)
    assert not any(thread.is_alive() for thread in threads), "it would count forever"


NAMES = Statement("SELECT name FROM flows ORDER BY name")


async def test_a_view_sees_what_its_first_read_saw(store: Store) -> None:
    """Until its block ends; the next view sees what has been committed meanwhile."""
    moment = now()
    await _insert(store, [(uuid4(), moment, moment, "before")])
    async with store.view() as view:
        assert [row[0] for row in await view.scan(NAMES)] == ["before"]
        await _insert(store, [(uuid4(), moment, moment, "meanwhile")])
        assert [row[0] for row in await view.scan(NAMES)] == ["before"]
    async with store.view() as view:
        assert [row[0] for row in await view.scan(NAMES)] == ["before", "meanwhile"]


async def test_a_view_that_has_ended_reads_no_more(store: Store) -> None:
    async with store.view() as view:
        await view.scan(NAMES)
    with pytest.raises(InternalError, match="This view has ended"):
        await view.scan(NAMES)


async def test_a_view_whose_read_failed_leaves_no_trace(store: Store) -> None:
    with pytest.raises(InternalError):
        async with store.view() as view:
            await view.scan(Statement("SELECT nothing FROM nowhere"))
    async with store.view() as view:
        assert await view.scan(NAMES) == []


@pytest.mark.parametrize("database_settings", [Dialect.SQLITE], indirect=True, ids=str)
async def test_a_view_whose_read_is_cancelled_gives_its_connection_back(store: Store) -> None:
    endless = Statement("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n")
    entered = asyncio.Event()

    async def read() -> None:
        async with store.view() as view:
            await view.scan(NAMES)
            entered.set()
            await view.scan(endless)

    reading = asyncio.create_task(read())
    await entered.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    moment = now()
    await _insert(store, [(uuid4(), moment, moment, "after")])
    async with store.view() as view:
        assert [row[0] for row in await view.scan(NAMES)] == ["after"]


async def test_a_bulk_change_is_a_transaction_too(store: Store) -> None:
    async with store.bulk() as transaction:
        await add_flow(transaction, "kept")
        assert await count(transaction) == 1
        assert await count(store) == 0
    with pytest.raises(ZeroDivisionError):
        async with store.bulk() as transaction:
            await add_flow(transaction, "undone")
            raise ZeroDivisionError
    assert await names(store) == ["kept"]


async def test_a_bulk_change_that_is_cancelled_is_undone_once_its_statement_has_ended(store: Store) -> None:
    begun = asyncio.Event()

    async def change() -> None:
        async with store.bulk() as transaction:
            await add_flow(transaction, "undone")
            begun.set()
            while True:
                await transaction.execute(ADD_TO_TAGS, "undone", '["more"]')

    task = asyncio.create_task(change())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await add_flow(store, "kept")
    assert await names(store) == ["kept"]
