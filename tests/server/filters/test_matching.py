"""Filters find exactly what the contract says they find, on both databases."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.filters import Query, matching_ids
from headrace.server.store.base import Store
from headrace.wire import filters as f
from tests.server.filters import reference
from tests.server.filters.strategies import filters
from tests.server.filters.world import fill, make_world

WORLD = make_world()
POOLS = WORLD.values()
KINDS: dict[str, type[f.Filter]] = {
    "flows": f.FlowFilter,
    "flow_runs": f.FlowRunFilter,
    "task_runs": f.TaskRunFilter,
}
OTHERS: dict[str, type[f.Filter]] = {
    "deployments": f.DeploymentFilter,
    "work_pools": f.WorkPoolFilter,
    "work_pool_queues": f.WorkQueueFilter,
}
trying = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
async def world(store: Store) -> Store:
    """A store that holds the world."""
    await fill(store, WORLD)
    return store


@pytest.mark.parametrize("noun", KINDS)
@trying
@given(data=st.data())
async def test_a_filter_finds_exactly_the_rows_it_describes(world: Store, noun: str, data: st.DataObject) -> None:
    asked: Any = {noun: data.draw(filters(KINDS[noun], POOLS))}
    found = await matching_ids(world, noun, asked, 1000)
    assert set(found) == reference.matching(WORLD, noun, asked)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("noun", KINDS)
@trying
@given(data=st.data())
async def test_filters_of_several_nouns_all_have_to_match(world: Store, noun: str, data: st.DataObject) -> None:
    nouns = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=3, unique=True))
    asked: Any = {other: data.draw(filters(KINDS[other], POOLS)) for other in nouns}
    assert set(await matching_ids(world, noun, asked, 1000)) == reference.matching(WORLD, noun, asked)


@pytest.mark.parametrize("noun", KINDS)
@pytest.mark.parametrize("other", OTHERS)
async def test_a_filter_on_a_noun_without_rows_matches_nothing(world: Store, noun: str, other: str) -> None:
    assert await matching_ids(world, noun, {}, 1000)
    assert await matching_ids(world, noun, {other: OTHERS[other]()}, 1000) == []


@trying
@given(data=st.data())
async def test_a_log_filter_finds_exactly_the_lines_it_describes(world: Store, data: st.DataObject) -> None:
    asked: Any = {"logs": data.draw(filters(f.LogFilter, POOLS))}
    statement, values = Query("logs", "logs.id", "SELECT count(*) FROM ({matching}) AS lines").bind(
        world.dialect, asked
    )
    rows = await world.scan(statement, *values)
    assert rows[0][0] == len(reference.matching(WORLD, "logs", asked))
