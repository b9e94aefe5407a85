"""Deleting in batches: all that meet the condition and nothing else, a bounded number in each transaction."""

from collections.abc import Sequence

import pytest

from headrace.server.store.base import Connection, Row, Statement, Store
from headrace.server.store.batches import batch_delete
from tests.server.store.rows_of import add_flow, names


@pytest.fixture
async def flows(store: Store) -> Store:
    """A store with the flows b-0 to b-6 and kept."""
    for number in range(7):
        await add_flow(store, f"b-{number}")
    await add_flow(store, "kept")
    return store


class Sizes:
    """Notes how many rows each transaction deleted."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.rows: list[Row] = []

    async def __call__(self, transaction: Connection, rows: Sequence[Row]) -> None:
        self.seen.append(len(rows))
        self.rows += rows


async def test_what_meets_the_condition_goes_in_batches_and_is_counted(flows: Store) -> None:
    sizes = Sizes()
    deleted = await batch_delete(flows, "flows", "name LIKE $1", "b-%", batch_size=3, following=sizes)
    assert (deleted, sizes.seen) == (7, [3, 3, 1])
    assert await names(flows) == ["kept"]


async def test_nothing_that_meets_it_is_nothing_to_do(flows: Store) -> None:
    sizes = Sizes()
    assert await batch_delete(flows, "flows", "name = $1", "nobody", following=sizes) == 0
    assert sizes.seen == []


async def test_a_batch_that_is_just_full_is_followed_by_an_empty_one(flows: Store) -> None:
    sizes = Sizes()
    assert await batch_delete(flows, "flows", "name LIKE $1", "b-%", batch_size=7, following=sizes) == 7
    assert sizes.seen == [7]


async def test_the_first_in_order_go_first_and_no_more_batches_than_allowed(flows: Store) -> None:
    sizes = Sizes()
    await batch_delete(
        flows,
        "flows",
        "name LIKE $1",
        "b-%",
        order="name DESC",
        returning="name, id",
        batch_size=2,
        batches=2,
        following=sizes,
    )
    assert sorted(row[0] for row in sizes.rows) == ["b-3", "b-4", "b-5", "b-6"]
    assert await names(flows) == ["b-0", "b-1", "b-2", "kept"]


async def test_a_condition_may_have_a_text_for_each_database(flows: Store) -> None:
    gone = ["b-1", "b-2"]
    listed = "name IN (SELECT value FROM json_each($1))"
    assert await batch_delete(flows, "flows", "name = ANY($1::text[])", gone, sqlite=listed) == 2


async def test_what_follows_is_undone_with_its_batch_and_those_before_stay_deleted(flows: Store) -> None:
    async def fail(transaction: Connection, rows: Sequence[Row]) -> None:
        await transaction.execute(Statement("UPDATE flows SET tags = '[1]'"))
        if (left := len(await transaction.fetch(Statement("SELECT id FROM flows")))) < 5:
            raise ZeroDivisionError(left)

    with pytest.raises(ZeroDivisionError):
        await batch_delete(flows, "flows", "name LIKE $1", "b-%", order="name", batch_size=2, following=fail)
    assert await names(flows) == ["b-2", "b-3", "b-4", "b-5", "b-6", "kept"]
