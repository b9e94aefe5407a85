"""Histories from counted hours agree with a count by hand, whatever happens to runs after they were counted."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.history import History
from headrace.server.store.base import Statement, Store
from headrace.wire.ids import uuid7
from headrace.wire.listings import HistoryBar, HistoryRequest
from tests.server.filters.world import BEGINNING, Row, World, fill, make_world
from tests.server.test_history import by_hand, drawn

NOUNS = ("flow_runs", "task_runs")
NOW = BEGINNING + timedelta(hours=9, minutes=13)
"""Some runs are expected within the last hours, which are not counted, and some in the future."""
COUNTED = Statement("SELECT count(*) FROM history_hours WHERE noun = $1 AND is_counted")
LOOKED_AT = Statement("SELECT count(*) FROM history_changes")


def a_world() -> World:
    """Runs of twelve hours."""
    world, chance = make_world(seed=5, flow_runs=80, task_runs=80), random.Random(5)
    for row in world.rows("flow_runs") + world.rows("task_runs"):
        for name in ("expected_start_time", "start_time", "state_timestamp"):
            if row[name] is not None:
                row[name] += timedelta(hours=chance.randrange(12), seconds=chance.randrange(3600))
    return world


@pytest.fixture
def world() -> Iterator[World]:
    """A world of its own for each test, because runs are changed in it."""
    return a_world()


async def history(store: Store, noun: str, offset: int = 0, seconds: float = 600, hours: int = 13) -> list[HistoryBar]:
    start = BEGINNING + timedelta(seconds=offset)
    request = HistoryRequest(
        history_start=start, history_end=start + timedelta(hours=hours), history_interval_seconds=seconds
    )
    return await History(noun, few_runs=0).bars(store, request, NOW)


def assert_true(bars: list[HistoryBar], rows: list[Row]) -> None:
    width = bars[0].interval_end - bars[0].interval_start
    assert drawn(bars) == by_hand(rows, bars[0].interval_start, width, len(bars), NOW)


@pytest.mark.parametrize("noun", NOUNS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    offset=st.integers(-90_000, 40_000),
    seconds=st.sampled_from((60, 61.5, 97.000001, 599, 3600, 4000.25, 90_000)),
    hours=st.integers(1, 14),
)
async def test_each_run_is_counted_in_the_bar_it_was_expected_in(
    store: Store, noun: str, offset: int, seconds: float, hours: int
) -> None:
    world = a_world()
    if not await store.fetch_one(Statement("SELECT id FROM flows LIMIT 1")):
        await fill(store, world)
    bars = await history(store, noun, offset, seconds, hours)
    assert_true(bars, world.live(noun))


@pytest.mark.parametrize("noun", NOUNS)
async def test_hours_that_have_passed_are_counted_once(store: Store, world: World, noun: str) -> None:
    await fill(store, world)
    await history(store, noun)
    assert (await store.fetch_one(COUNTED, noun)) is not None
    (hours,) = await store.fetch_one(COUNTED, noun) or (0,)
    assert hours == 7
    claims = Statement("SELECT counting FROM history_hours WHERE noun = $1 ORDER BY hour")
    before = await store.fetch(claims, noun)
    await history(store, noun)
    assert await store.fetch(claims, noun) == before


@pytest.mark.parametrize("noun", NOUNS)
async def test_a_change_of_a_run_is_seen_at_once_and_its_hour_counted_again(
    store: Store, world: World, noun: str
) -> None:
    await fill(store, world)
    chance = random.Random(7)
    await history(store, noun)
    for number in range(12):
        row = chance.choice(world.rows(noun))
        change: Row = chance.choice(
            (
                {"state_type": "FAILED", "state_name": "Failed"},
                {"state_type": "RUNNING", "state_name": "Running", "state_timestamp": NOW - timedelta(minutes=3)},
                {"start_time": NOW - timedelta(hours=5)},
                {"expected_start_time": BEGINNING + timedelta(minutes=chance.randrange(600))},
                {"total_run_time": 77.25},
                {"deleted_at": NOW},
                {"deleted_at": None},
            )
        )
        await set_columns(store, noun, row, change)
        assert_true(await history(store, noun, offset=number * 7), world.live(noun))
    changes = await store.fetch_one(LOOKED_AT)
    assert changes is not None
    assert changes[0] == 0


@pytest.mark.parametrize("noun", NOUNS)
async def test_runs_that_come_and_go_are_seen_at_once(store: Store, world: World, noun: str) -> None:
    await fill(store, world)
    await history(store, noun)
    gone = world.live(noun)[0]
    await store.execute(Statement(f"DELETE FROM {noun} WHERE id = $1"), gone["id"])
    for name in NOUNS:
        kept = await store.fetch(Statement(f"SELECT id FROM {name}"))
        ids = {str(id_) for (id_,) in kept}
        world.tables[name] = [row for row in world.rows(name) if str(row["id"]) in ids]
    assert_true(await history(store, noun), world.live(noun))
    again = {**gone, "id": uuid7(), "idempotency_key": None, "dynamic_key": "another", "flow_run_id": None}
    if noun == "flow_runs":
        del again["dynamic_key"], again["flow_run_id"]
    else:
        del again["idempotency_key"]
    world.tables[noun].append(again)
    await insert_run(store, noun, again)
    assert_true(await history(store, noun), world.live(noun))


async def set_columns(store: Store, noun: str, row: Row, change: Row) -> None:
    """Change a run as SQL does, there and in the world."""
    row.update(change)
    columns = ", ".join(f"{name} = ${place}" for place, name in enumerate(change, 2))
    await store.execute(Statement(f"UPDATE {noun} SET {columns} WHERE id = $1"), row["id"], *change.values())


async def insert_run(store: Store, noun: str, row: Row) -> None:
    kept = {name: value for name, value in row.items() if not isinstance(value, list | dict)}
    await store.insert_many(noun, list(kept), [list(kept.values())])
