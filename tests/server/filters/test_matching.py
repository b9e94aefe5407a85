"""Filters find exactly what the contract says they find, on both databases."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.filters import Query, matching_ids
from headrace.server.store.base import Store
from headrace.wire import filters as f
from tests.server.filters import reference
from tests.server.filters.strategies import filters
from tests.server.filters.world import World, fill, make_world

WORLD = make_world()
BARE = World(WORLD.tables)
"""The same with nothing hidden."""
POOLS = WORLD.values()
KINDS: dict[str, type[f.Filter]] = {
    "flows": f.FlowFilter,
    "flow_runs": f.FlowRunFilter,
    "task_runs": f.TaskRunFilter,
    "deployments": f.DeploymentFilter,
    "work_pools": f.WorkPoolFilter,
    "work_queues": f.WorkQueueFilter,
    "workers": f.WorkerFilter,
    "artifacts": f.ArtifactFilter,
    "artifact_collections": f.ArtifactCollectionFilter,
    "variables": f.VariableFilter,
    "block_types": f.BlockTypeFilter,
    "block_schemas": f.BlockSchemaFilter,
    "block_documents": f.BlockDocumentFilter,
    "logs": f.LogFilter,
}
RELATED = {noun: sorted(reference.nouns_of(relations)) for noun, relations in reference.RELATIONS.items()}
trying = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
async def world(store: Store) -> Store:
    """A store that holds the world."""
    await fill(store, WORLD)
    return store


@pytest.fixture(params=[WORLD, BARE], ids=["beside-hidden", "nothing-hidden"])
async def either(request: pytest.FixtureRequest, store: Store) -> World:
    """The world that the store holds: one of both."""
    await fill(store, request.param)
    return request.param


async def found_by(store: Store, noun: str, asked: Any, *, walks: bool = False) -> list[UUID]:
    """The ids of what matches."""
    query = Query(noun, f"{noun}.id", "{matching}", walks=walks)
    statement, values = query.bind(store.dialect, asked, now=reference.NOW)
    rows = await store.scan(statement, *values)
    return [row[0] if isinstance(row[0], UUID) else UUID(row[0]) for row in rows]


@pytest.mark.parametrize("noun", KINDS)
@trying
@given(data=st.data())
async def test_a_filter_finds_exactly_the_rows_it_describes(world: Store, noun: str, data: st.DataObject) -> None:
    asked: Any = {noun: data.draw(filters(KINDS[noun], POOLS))}
    found = await found_by(world, noun, asked)
    assert set(found) == reference.matching(WORLD, noun, asked)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("noun", RELATED)
@trying
@given(data=st.data())
async def test_filters_of_several_nouns_all_have_to_match(world: Store, noun: str, data: st.DataObject) -> None:
    some = st.lists(st.sampled_from([noun, *RELATED[noun]]), min_size=1, max_size=3, unique=True)
    asked: Any = {other: data.draw(filters(KINDS[other], POOLS)) for other in data.draw(some)}
    assert set(await found_by(world, noun, asked)) == reference.matching(WORLD, noun, asked)


@pytest.mark.parametrize("noun", RELATED)
@trying
@given(data=st.data())
async def test_reads_of_all_matches_find_the_same_once_each(
    either: World, store: Store, noun: str, data: st.DataObject
) -> None:
    """Whether anything is hidden or not, which PostgreSQL tells apart as it reads."""
    some = st.lists(st.sampled_from([noun, *RELATED[noun]]), max_size=3, unique=True)
    asked: Any = {other: data.draw(filters(KINDS[other], POOLS)) for other in data.draw(some)}
    found = await found_by(store, noun, asked, walks=True)
    assert sorted(found, key=str) == sorted(reference.matching(either, noun, asked), key=str)


@pytest.mark.parametrize(("noun", "other"), [(noun, other) for noun in RELATED for other in RELATED[noun]])
async def test_an_empty_filter_asks_for_what_is_related_at_all(world: Store, noun: str, other: str) -> None:
    asked = {other: KINDS[other]()}
    found = await found_by(world, noun, asked)
    assert set(found) == reference.matching(WORLD, noun, asked)
    assert len(found) > 0


async def test_a_filter_of_a_noun_that_is_not_related_is_refused(world: Store) -> None:
    with pytest.raises(NotImplementedError, match="variables cannot be found by filters of flows"):
        await found_by(world, "variables", {"flows": f.FlowFilter()})


async def test_the_newest_ids_come_first(world: Store) -> None:
    found = await matching_ids(world, "deployments", {}, 5)
    assert found == sorted((row["id"] for row in WORLD.live("deployments")), key=str, reverse=True)[:5]
