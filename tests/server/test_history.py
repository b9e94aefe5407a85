"""Histories and lateness agree with a count by hand, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.history import History
from headrace.server.store.base import Store
from headrace.wire import filters as f
from headrace.wire.errors import Unprocessable
from headrace.wire.listings import HistoryBar, HistoryRequest
from headrace.wire.states import TERMINAL_STATES, StateType
from tests.server.filters.world import BEGINNING, Row, fill, make_world

WORLD = make_world(seed=3, flow_runs=60, task_runs=60)
NOW = BEGINNING + timedelta(minutes=7)
Bars = dict[tuple[datetime, str, str], tuple[int, float, float]]


@pytest.fixture
async def world(store: Store) -> Store:
    """A store that holds the world."""
    await fill(store, WORLD)
    return store


def run_time(row: Row, now: datetime = NOW) -> float:
    spell = (now - row["state_timestamp"]).total_seconds() if row["state_type"] == "RUNNING" else 0.0
    return row["total_run_time"] + spell


def lateness(row: Row, now: datetime = NOW) -> float:
    if row["start_time"] is not None:
        return max(0.0, (row["start_time"] - row["expected_start_time"]).total_seconds())
    if StateType(row["state_type"]) in TERMINAL_STATES:
        return 0.0
    return max(0.0, (now - row["expected_start_time"]).total_seconds())


def by_hand(rows: list[Row], start: datetime, width: timedelta, bars: int, now: datetime = NOW) -> Bars:
    found: Bars = {}
    for number in range(bars):
        begin, end = start + number * width, start + (number + 1) * width
        for row in rows:
            if begin <= row["expected_start_time"] < end:
                key = (begin, row["state_type"], row["state_name"])
                count, ran, late = found.get(key, (0, 0.0, 0.0))
                found[key] = (count + 1, ran + run_time(row, now), late + lateness(row, now))
    return found


def drawn(bars: list[HistoryBar]) -> Bars:
    """The same as `by_hand`, from bars."""
    return {
        (bar.interval_start, state.state_type.value, state.state_name): (
            state.count_runs,
            pytest.approx(state.sum_estimated_run_time, abs=1e-5),
            pytest.approx(state.sum_estimated_lateness, abs=1e-5),
        )
        for bar in bars
        for state in bar.states
    }


@pytest.mark.parametrize("noun", ["flow_runs", "task_runs"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    offset=st.integers(-400, 700), minutes=st.integers(0, 15), seconds=st.sampled_from((1, 1.5, 7.000001, 30, 60, 3600))
)
async def test_each_run_is_counted_in_the_bar_it_was_expected_in(
    world: Store, noun: str, offset: int, minutes: int, seconds: float
) -> None:
    start = BEGINNING + timedelta(seconds=offset)
    width = timedelta(seconds=seconds)
    request = HistoryRequest(
        history_start=start, history_end=start + timedelta(minutes=minutes), history_interval_seconds=seconds
    )
    bars = await History(noun).bars(world, request, NOW)
    assert len(bars) == min(500, -(-timedelta(minutes=minutes) // width))
    assert [bar.interval_start for bar in bars] == [start + number * width for number in range(len(bars))]
    assert all(bar.interval_end - bar.interval_start == width for bar in bars)
    assert drawn(bars) == by_hand(WORLD.live(noun), start, width, len(bars))


async def test_a_history_counts_only_runs_that_its_filters_match(world: Store) -> None:
    request = HistoryRequest(
        history_start=BEGINNING,
        history_end=BEGINNING + timedelta(hours=1),
        history_interval_seconds=3600,
        flow_runs=f.FlowRunFilter(state=f.FlowRunFilterState(type=f.FlowRunFilterStateType(any_=[StateType.FAILED]))),
    )
    (bar,) = await History("flow_runs").bars(world, request, NOW)
    failed = [row for row in WORLD.live("flow_runs") if row["state_type"] == "FAILED"]
    assert {state.state_type for state in bar.states} == {StateType.FAILED}
    assert sum(state.count_runs for state in bar.states) == len(failed)


@pytest.mark.parametrize("seconds", [0.5, 0, -3])
async def test_an_interval_shorter_than_a_second_is_refused(store: Store, seconds: float) -> None:
    request = HistoryRequest(
        history_start=BEGINNING, history_end=BEGINNING + timedelta(1), history_interval_seconds=seconds
    )
    with pytest.raises(Unprocessable, match="must not be less than 1 second"):
        await History("flow_runs").bars(store, request, NOW)


@pytest.mark.parametrize("seconds", [1e300, 3e11])
async def test_an_interval_past_the_end_of_time_is_refused(store: Store, seconds: float) -> None:
    request = HistoryRequest(
        history_start=BEGINNING, history_end=BEGINNING + timedelta(1), history_interval_seconds=seconds
    )
    with pytest.raises(Unprocessable, match="year 9999"):
        await History("flow_runs").bars(store, request, NOW)


async def test_a_window_that_ends_before_it_begins_has_no_bars(world: Store) -> None:
    request = HistoryRequest(history_start=BEGINNING, history_end=BEGINNING - timedelta(1), history_interval_seconds=60)
    assert await History("flow_runs").bars(world, request, NOW) == []


async def test_lateness_is_the_average_of_the_runs_that_match(world: Store) -> None:
    late = [lateness(row) for row in WORLD.live("flow_runs")]
    found = await History("flow_runs").lateness(world, {}, NOW)
    assert found == pytest.approx(sum(late) / len(late))
    nothing: dict[str, Any] = {"flow_runs": f.FlowRunFilter(id=f.FlowRunFilterId(any_=[]))}
    assert await History("flow_runs").lateness(world, nothing, NOW) is None
