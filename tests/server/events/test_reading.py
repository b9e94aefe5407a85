"""Reading a log: every row that commits is handed out once, in order, however its writers overlap."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.events.log import append
from headrace.server.events.reading import Reader, settled_end
from headrace.server.store.base import Connection, Statement, Store
from headrace.wire.times import now
from tests.server.events.logged import make_event, numbers
from tests.server.store.rows_of import add_flow

_ALL = 1_000
_UNDO = Statement("ROLLBACK")


async def write(connection: Connection, *events: int) -> None:
    await append(connection, [make_event(number) for number in events], now())


async def commit(store: Store, *events: int) -> None:
    async with store.transaction() as transaction:
        await write(transaction, *events)


async def follow(store: Store) -> Reader:
    return Reader(store, "events", "seq, id", await settled_end(store, "events"))


async def read(reader: Reader, limit: int = _ALL) -> list[int]:
    return [int(str(row[1]).replace("-", ""), 16) for row in await reader.read(limit)]


async def test_rows_come_in_order_from_behind_the_cursor_in_pages(store: Store) -> None:
    await commit(store, 1, 2)
    reader = await follow(store)
    await commit(store, 5, 3, 4)
    assert await read(reader, 2) == [5, 3]
    assert await read(reader, 2) == [4]
    assert await read(reader, 2) == []


async def test_a_reader_may_start_anywhere_and_be_set_back(store: Store) -> None:
    reader = await follow(store)
    before = reader.cursor
    await commit(store, 1, 2, 3)
    assert await read(reader) == [1, 2, 3]
    reader.cursor = before
    assert await read(reader) == [1, 2, 3]
    assert await read(Reader(store, "events", "seq, id", 0)) == [1, 2, 3]


async def test_rows_that_are_gone_and_duplicates_are_passed(store: Store) -> None:
    reader = await follow(store)
    await commit(store, 1, 2)
    await commit(store, 2, 1, 3)
    await store.execute(Statement("DELETE FROM events WHERE id = $1"), make_event(2).id)
    assert await read(reader) == [1, 3]


async def test_skipping_goes_to_the_end(store: Store) -> None:
    reader = await follow(store)
    await commit(store, 1, 2)
    assert await reader.skip()
    assert await read(reader) == []
    await commit(store, 3)
    assert await read(reader) == [3]


async def test_a_row_that_commits_late_holds_back_those_above_it_until_it_has(postgres: Store) -> None:
    reader = await follow(postgres)
    async with postgres.transaction() as slow:
        await write(slow, 1)
        await commit(postgres, 2)
        assert await read(reader) == []
        assert reader.held_up
        await commit(postgres, 3)
        assert await read(reader) == []
    assert await read(reader) == [1, 2, 3]
    assert not reader.held_up


async def test_rows_below_the_one_that_is_late_are_handed_out(postgres: Store) -> None:
    await commit(postgres, 9)
    reader = await follow(postgres)
    await commit(postgres, 1)
    async with postgres.transaction() as slow:
        await write(slow, 2)
        await commit(postgres, 3)
        assert await read(reader) == [1]
    assert await read(reader) == [2, 3]


async def test_a_number_that_was_rolled_back_is_passed(postgres: Store) -> None:
    reader = await follow(postgres)
    with pytest.raises(ZeroDivisionError):
        async with postgres.transaction() as slow:
            await write(slow, 1)
            await commit(postgres, 2)
            assert await read(reader) == []
            raise ZeroDivisionError
    assert await read(reader) == [2]


async def test_only_writers_from_before_the_row_are_waited_for(postgres: Store) -> None:
    """A log that is always being written to comes to its readers all the same."""
    reader = await follow(postgres)
    async with AsyncExitStack() as later:
        async with postgres.transaction() as slow:
            await write(slow, 1)
            await commit(postgres, 2)
            assert await read(reader) == []
            newcomer = await later.enter_async_context(postgres.transaction())
            await write(newcomer, 3)
            await commit(postgres, 4)
        assert await read(reader) == [1, 2]
        assert await read(reader) == []
    assert await read(reader) == [3, 4]


async def test_a_long_transaction_that_writes_no_events_holds_nobody_up(postgres: Store) -> None:
    reader = await follow(postgres)
    async with postgres.transaction() as long:
        await add_flow(long, "slow")
        await long.fetch(Statement("SELECT count(*) FROM events"))
        await commit(postgres, 1)
        await commit(postgres, 1, 2)
        assert await read(reader) == [1, 2]


async def test_who_reads_through_a_transaction_is_not_held_up_by_its_own_writes(postgres: Store) -> None:
    reader = await follow(postgres)
    async with postgres.transaction() as transaction:
        await write(transaction, 1)
        await write(transaction, 1, 2)
        assert len(await reader.read(_ALL, transaction)) == 2


async def test_the_end_of_the_log_waits_for_those_who_write_now_and_not_for_later_ones(postgres: Store) -> None:
    async with AsyncExitStack() as later:
        async with postgres.transaction() as slow:
            await write(slow, 1)
            await commit(postgres, 2)
            waiting = asyncio.create_task(settled_end(postgres, "events"))
            assert not await Reader(postgres, "events", "seq", 0).skip()
            newcomer = await later.enter_async_context(postgres.transaction())
            assert not waiting.done()
        end = await waiting
        await write(newcomer, 3)
    reader = Reader(postgres, "events", "seq, id", end)
    assert await read(reader) == [3]


_STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["write", "write", "commit", "undo", "read"])), max_size=40
)


@given(steps=_STEPS, limit=st.integers(1, 5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_however_writers_overlap_each_committed_row_is_read_once_and_in_order(
    postgres: Store, steps: list[tuple[int, str]], limit: int
) -> None:
    await postgres.execute(Statement("DELETE FROM events"))
    reader = await follow(postgres)
    seen: list[int] = []
    open_ones: dict[int, tuple[AsyncExitStack, Connection]] = {}
    for number, (writer, step) in enumerate(steps, start=1):
        match step:
            case "write":
                if writer not in open_ones:
                    stack = AsyncExitStack()
                    open_ones[writer] = stack, await stack.enter_async_context(postgres.transaction())
                await write(open_ones[writer][1], number)
            case "commit" if writer in open_ones:
                await open_ones.pop(writer)[0].aclose()
            case "undo" if writer in open_ones:
                stack, connection = open_ones.pop(writer)
                await connection.execute(_UNDO)
                await stack.aclose()
            case "read":
                seen += await read(reader, limit)
            case _:
                pass
    for stack, _ in open_ones.values():
        await stack.aclose()
    while (page := await read(reader, limit)) or reader.held_up:
        seen += page
    assert seen == await numbers(postgres)
