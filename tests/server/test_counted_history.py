"""Histories from counted spans agree with a count by hand, whatever happens to runs after they were counted."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.history import History
from headrace.server.history.counting import Counting
from headrace.server.history.service import Histories
from headrace.server.store.base import Dialect, Statement, Store
from headrace.server.store.histories import COUNTED_AFTER, SPAN
from headrace.settings import Settings
from headrace.wire import filters as f
from headrace.wire.ids import uuid7
from headrace.wire.listings import FlowRunHistoryRequest, HistoryBar, HistoryRequest
from headrace.wire.states import StateType
from headrace.wire.times import now
from tests.server.filters.world import BEGINNING, Row, World, fill, make_world
from tests.server.test_history import by_hand, drawn

NOUNS = ("flow_runs", "task_runs")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = BEGINNING + timedelta(hours=9, minutes=13)
"""Some runs are expected within the last half hour, which is not counted, and some in the future."""
COUNTED = Statement("SELECT span, counting FROM history_spans WHERE noun = $1 AND is_counted ORDER BY span")
CHANGES = Statement("SELECT span FROM history_changes WHERE noun = $1")


def a_world() -> World:
    """Runs of twelve hours."""
    world, chance = make_world(seed=5, flow_runs=80, task_runs=80), random.Random(5)
    for row in world.rows("flow_runs") + world.rows("task_runs"):
        for name in ("expected_start_time", "start_time", "state_timestamp"):
            if row[name] is not None:
                row[name] += timedelta(hours=chance.randrange(12), seconds=chance.randrange(3600))
    return world


@pytest.fixture
def world() -> World:
    """A world of its own for each test, because runs are changed in it."""
    return a_world()


async def count(store: Store, noun: str) -> None:
    """Count all there is to count."""
    counting = Counting(noun)
    while await counting.count(store, NOW):
        pass


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
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    offset=st.integers(-90_000, 40_000),
    seconds=st.sampled_from((60, 61.5, 97.000001, 599, 900, 3600, 4000.25, 90_000)),
    hours=st.integers(1, 14),
)
async def test_each_run_is_counted_in_the_bar_it_was_expected_in(
    store: Store, noun: str, offset: int, seconds: float, hours: int
) -> None:
    world = a_world()
    if not await store.fetch_one(Statement("SELECT id FROM flows LIMIT 1")):
        await fill(store, world)
        await count(store, noun)
    bars = await history(store, noun, offset, seconds, hours)
    assert_true(bars, world.live(noun))


@pytest.mark.parametrize("noun", NOUNS)
async def test_spans_are_counted_once_and_some_time_after_their_end(store: Store, world: World, noun: str) -> None:
    await fill(store, world)
    await count(store, noun)
    before = await store.fetch(COUNTED, noun)
    last = before[-1][0]
    assert (last + 1) * SPAN <= NOW - COUNTED_AFTER - EPOCH < (last + 2) * SPAN
    first = min(row["expected_start_time"] for row in world.live(noun))
    assert before[0][0] * SPAN <= first - EPOCH
    await count(store, noun)
    assert await store.fetch(COUNTED, noun) == before


@pytest.mark.parametrize("noun", NOUNS)
async def test_runs_of_long_ago_are_counted_too(store: Store, world: World, noun: str) -> None:
    await fill(store, world)
    old = world.live(noun)[0]
    await set_columns(store, noun, old, {"expected_start_time": BEGINNING - timedelta(days=400)})
    await count(store, noun)
    spans = [span for span, _ in await store.fetch(COUNTED, noun)]
    assert (old["expected_start_time"] - EPOCH) // SPAN in spans
    assert_true(await history(store, noun, offset=-401 * 86_400, seconds=86_400, hours=403 * 24), world.live(noun))


@pytest.mark.parametrize("noun", NOUNS)
async def test_a_change_of_a_run_is_seen_at_once_and_its_span_counted_again(
    store: Store, world: World, noun: str
) -> None:
    await fill(store, world)
    chance = random.Random(7)
    await count(store, noun)
    for number in range(24):
        row = chance.choice(world.rows(noun))
        change: Row = chance.choice(
            (
                {"state_type": "FAILED", "state_name": "Failed"},
                {"state_type": "RUNNING", "state_name": "Running", "state_timestamp": NOW - timedelta(minutes=3)},
                {"start_time": NOW - timedelta(hours=5)},
                {"expected_start_time": BEGINNING + timedelta(minutes=chance.randrange(600))},
                {"total_run_time": 77.25},
            )
        )
        await set_columns(store, noun, row, change)
        assert_true(await history(store, noun, offset=number * 7), world.live(noun))
        if number % 2:
            await count(store, noun)
            assert not await store.fetch(CHANGES, noun)
            assert_true(await history(store, noun, offset=number * 7), world.live(noun))


@pytest.mark.parametrize("noun", NOUNS)
async def test_runs_that_come_and_go_are_seen_at_once(store: Store, world: World, noun: str) -> None:
    await fill(store, world)
    await count(store, noun)
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


async def test_a_change_while_a_span_is_counted_is_not_lost(store: Store, world: World) -> None:
    """Whether it comes before the runs are looked at or after: the span is not taken to be counted."""
    await fill(store, world)
    await count(store, "flow_runs")
    old = [row for row in world.live("flow_runs") if row["expected_start_time"] < NOW - timedelta(hours=1)]
    for row, after_scan in ((old[0], False), (old[1], True)):
        await set_columns(store, "flow_runs", row, {"total_run_time": 5.0})
        interrupted = Interrupted(store, row, after_scan=after_scan)
        assert await Counting("flow_runs").count(cast("Store", interrupted), NOW)
        assert interrupted.changed
        assert_true(await history(store, "flow_runs"), world.live("flow_runs"))
        await count(store, "flow_runs")
        assert_true(await history(store, "flow_runs"), world.live("flow_runs"))


async def test_of_two_that_count_the_same_span_the_later_claim_is_kept(store: Store, world: World) -> None:
    await fill(store, world)
    await count(store, "flow_runs")
    row = next(row for row in world.live("flow_runs") if row["expected_start_time"] < NOW - timedelta(hours=1))
    await set_columns(store, "flow_runs", row, {"total_run_time": 5.0})
    slow = Interrupted(store, row, after_scan=True, then=lambda: count(store, "flow_runs"))
    await Counting("flow_runs").count(cast("Store", slow), NOW)
    assert slow.changed
    assert not await store.fetch(CHANGES, "flow_runs")
    assert_true(await history(store, "flow_runs"), world.live("flow_runs"))


@pytest.mark.parametrize("database_settings", [Dialect.POSTGRES], indirect=True, ids=str)
async def test_nothing_is_counted_while_a_change_of_an_old_run_is_not_committed(store: Store, world: World) -> None:
    await fill(store, world)
    row = world.live("flow_runs")[0]
    change = Statement("UPDATE flow_runs SET total_run_time = 5 WHERE id = $1")
    async with store.transaction() as transaction:
        await transaction.execute(change, row["id"])
        assert not await Counting("flow_runs").count(store, NOW)
    assert await Counting("flow_runs").count(store, NOW)


STATES = (
    f.FlowRunFilterState(type=f.FlowRunFilterStateType(any_=[StateType.COMPLETED, StateType.FAILED])),
    f.FlowRunFilterState(type=f.FlowRunFilterStateType(any_=[])),
    f.FlowRunFilterState(type=f.FlowRunFilterStateType(not_any_=[StateType.RUNNING])),
    f.FlowRunFilterState(type=f.FlowRunFilterStateType(not_any_=[])),
    f.FlowRunFilterState(type=f.FlowRunFilterStateType(any_=[StateType.FAILED], not_any_=[StateType.RUNNING])),
    f.FlowRunFilterState(name=f.FlowRunFilterStateName(any_=["Late", "Completed"])),
    f.FlowRunFilterState(
        operator=f.Operator.or_,
        type=f.FlowRunFilterStateType(any_=[StateType.FAILED]),
        name=f.FlowRunFilterStateName(not_any_=["Running", "Completed"]),
    ),
    f.FlowRunFilterState(
        type=f.FlowRunFilterStateType(any_=[StateType.SCHEDULED]), name=f.FlowRunFilterStateName(any_=["Late"])
    ),
    f.FlowRunFilterState(operator=f.Operator.or_),
)


@pytest.mark.parametrize("state", STATES, ids=str)
async def test_a_history_of_some_states_equals_a_walk(store: Store, world: World, state: f.FlowRunFilterState) -> None:
    await fill(store, world)
    await count(store, "flow_runs")
    request = FlowRunHistoryRequest(
        history_start=BEGINNING,
        history_end=BEGINNING + timedelta(hours=13),
        history_interval_seconds=600,
        flow_runs=f.FlowRunFilter(state=state),
    )
    walked = await History("flow_runs").bars(store, request, NOW)
    assert drawn(await History("flow_runs", few_runs=0).bars(store, request, NOW)) == drawn(walked)


async def test_the_server_counts_histories_by_itself_when_there_are_many_runs(
    store: Store, world: World, database_settings: Settings
) -> None:
    await fill(store, world)
    few = Histories(store, database_settings)
    assert not await few.tick()
    assert not await store.fetch(COUNTED, "flow_runs")
    many = Histories(store, database_settings, few_runs=0)
    while await many.tick():
        pass
    spans = [span for span, _ in await store.fetch(COUNTED, "flow_runs")]
    assert (now() - COUNTED_AFTER - EPOCH) // SPAN - 1 in spans
    assert min(row["expected_start_time"] for row in world.live("flow_runs")) - EPOCH >= spans[0] * SPAN
    assert_true(await history(store, "flow_runs"), world.live("flow_runs"))


class Interrupted:
    """A store in which a run changes, and then something else happens, as runs are scanned or when they have been."""

    def __init__(
        self, store: Store, row: Row, *, after_scan: bool, then: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._store, self._row, self._after_scan, self._then = store, row, after_scan, then
        self.changed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def scan(self, statement: Statement, *values: Any) -> Any:
        is_counting = "count(*)" in statement.postgres
        if is_counting and not self._after_scan:
            await self._change()
        rows = await self._store.scan(statement, *values)
        if is_counting and self._after_scan:
            await self._change()
        return rows

    async def _change(self) -> None:
        await set_columns(self._store, "flow_runs", self._row, {"total_run_time": 6.5})
        self.changed = True
        if self._then is not None:
            await self._then()


async def set_columns(store: Store, noun: str, row: Row, change: Row) -> None:
    """Change a run as SQL does, there and in the world."""
    row.update(change)
    columns = ", ".join(f"{name} = ${place}" for place, name in enumerate(change, 2))
    await store.execute(Statement(f"UPDATE {noun} SET {columns} WHERE id = $1"), row["id"], *change.values())


async def insert_run(store: Store, noun: str, row: Row) -> None:
    kept = {name: value for name, value in row.items() if not isinstance(value, list | dict)}
    await store.insert_many(noun, list(kept), [list(kept.values())])
