"""Runs and deployments find their pool and queue by name, and answers say where a run is."""

import asyncio
from datetime import UTC, datetime

import pytest

from headrace.server.work_pools import service
from headrace.wire.errors import ObjectNotFound
from tests.server.api import Api

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLACED = ("work_pool_id", "work_pool_name", "work_queue_id", "work_queue_name")


async def test_a_run_says_which_queue_of_which_pool_it_is_in(api: Api) -> None:
    pool = (await api.post("/work_pools/", {"name": "local", "type": "process"})).json
    queue = (await api.post("/work_pools/local/queues", {"name": "fast"})).json
    flow_id = await api.flow()
    made = await api.post("/flow_runs/", {"flow_id": flow_id, "work_pool_name": "local", "work_queue_name": "fast"})
    expected = [pool["id"], "local", queue["id"], "fast"]
    read = await api.get(f"/flow_runs/{made.json['id']}")
    listed = await api.post("/flow_runs/filter", {"work_pools": {"name": {"any_": ["local"]}}})
    for run in (made.json, read.json, listed.json[0]):
        assert [run[name] for name in PLACED] == expected


async def test_a_run_of_a_pool_alone_waits_in_its_default_queue(api: Api) -> None:
    pool = (await api.post("/work_pools/", {"name": "local", "type": "process"})).json
    run = (await api.get(f"/flow_runs/{await api.flow_run(work_pool_name='local')}")).json
    assert (run["work_queue_id"], run["work_queue_name"]) == (pool["default_queue_id"], "default")


@pytest.mark.parametrize(
    ("place", "detail"),
    [
        ({"work_pool_name": "none"}, 'Work pool "none" not found.'),
        ({"work_pool_name": "none", "work_queue_name": "default"}, 'Work pool "none" not found.'),
        ({"work_pool_name": "local", "work_queue_name": "none"}, "Work pool queue 'local/none' not found."),
    ],
)
async def test_a_run_cannot_be_sent_where_there_is_nothing(api: Api, place: dict[str, str], detail: str) -> None:
    await api.post("/work_pools/", {"name": "local", "type": "process"})
    refused = await api.post("/flow_runs/", {"flow_id": await api.flow(), **place})
    assert (refused.status, refused.json["detail"]) == (404, detail)
    assert (await api.post("/flow_runs/count")).json == 0


async def test_placing_makes_the_queue_that_is_missing_once(api: Api) -> None:
    await api.post("/work_pools/", {"name": "local", "type": "process"})
    for _ in range(2):
        async with api.store.transaction() as transaction:
            place = await service.place(transaction, "local", "fast", NOW)
        assert place is not None
        assert (place.work_pool_name, place.work_queue_name) == ("local", "fast")
    assert await service.place_of(api.store, place.work_queue_id) == place
    names = [queue["name"] for queue in (await api.post("/work_pools/local/queues/filter")).json]
    assert names == ["default", "fast"]


async def test_placing_without_a_queue_takes_the_default_one_and_without_names_nothing(api: Api) -> None:
    pool = (await api.post("/work_pools/", {"name": "local", "type": "process"})).json
    async with api.store.transaction() as transaction:
        place = await service.place(transaction, "local", None, NOW)
        assert place is not None
        assert str(place.work_queue_id) == pool["default_queue_id"]
        assert await service.place(transaction, None, None, NOW) is None


@pytest.mark.parametrize("queue_name", ["mine", "default"])
async def test_a_queue_that_is_named_alone_is_one_of_the_agents_pool_made_on_demand(api: Api, queue_name: str) -> None:
    async with api.store.transaction() as transaction:
        place = await service.place(transaction, None, queue_name, NOW)
    assert place is not None
    assert (place.work_pool_name, place.work_queue_name) == ("default-agent-pool", queue_name)
    assert (await api.get("/work_pools/default-agent-pool")).json["type"] == "prefect-agent"


async def test_several_who_place_at_once_share_what_is_made(api: Api) -> None:
    async def place() -> service.Place | None:
        async with api.store.transaction() as transaction:
            return await service.place(transaction, None, "mine", NOW)

    places = await asyncio.gather(*(place() for _ in range(5)))
    assert len(set(map(str, places))) == 1
    names = [queue["name"] for queue in (await api.post("/work_queues/filter")).json]
    assert names == ["default", "mine"]


async def test_placing_in_a_pool_that_does_not_exist_is_not_found(api: Api) -> None:
    with pytest.raises(ObjectNotFound, match='Work pool "none" not found'):
        async with api.store.transaction() as transaction:
            await service.place(transaction, "none", "fast", NOW)
