"""`/work_pools/{name}/queues` and `/work_queues` answer as the contract says, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.server.api import Api

QUEUES = "/work_pools/local/queues"


@pytest.fixture(autouse=True)
async def pool(api: Api) -> dict[str, Any]:
    """A pool named local, whose only queue is the default one."""
    return (await api.post("/work_pools/", {"name": "local", "type": "process"})).json


async def add(api: Api, name: str, **fields: Any) -> dict[str, Any]:
    made = await api.post(QUEUES, {"name": name, **fields})
    assert made.status == 201, made.json
    return made.json


async def order(api: Api) -> dict[str, int]:
    return {queue["name"]: queue["priority"] for queue in (await api.post(f"{QUEUES}/filter")).json}


async def test_a_queue_is_made_behind_the_others_and_is_not_ready(api: Api, pool: dict[str, Any]) -> None:
    queue = await add(api, "fast", filter={"tags": ["a"]})
    assert (queue["priority"], queue["status"], queue["is_paused"]) == (2, "NOT_READY", False)
    assert (queue["work_pool_id"], queue["work_pool_name"]) == (pool["id"], "local")
    assert (queue["description"], queue["last_polled"]) == ("", None)
    assert (queue["concurrency_limit"], queue["active_slots"]) == (None, None)
    assert queue["filter"] == {"tags": ["a"], "deployment_ids": None}
    assert (await api.get(f"{QUEUES}/fast")).json == queue
    assert (await api.get(f"/work_queues/{queue['id']}")).json == queue


async def test_a_priority_that_is_taken_moves_the_others_only_as_far_as_they_must(api: Api) -> None:
    await add(api, "a")
    await add(api, "b", priority=10)
    assert (await add(api, "first", priority=1))["priority"] == 1
    assert await order(api) == {"first": 1, "default": 2, "a": 3, "b": 10}
    assert (await add(api, "next"))["priority"] == 4
    assert (await api.patch(f"{QUEUES}/first", {"priority": 3})).status == 204
    assert await order(api) == {"default": 2, "first": 3, "a": 4, "next": 5, "b": 10}
    assert (await add(api, "again", priority=None))["priority"] == 1


async def test_a_name_is_taken_once_in_each_pool(api: Api) -> None:
    await add(api, "fast")
    assert (await api.post(QUEUES, {"name": "fast"})).status == 409
    assert (await api.patch(f"{QUEUES}/fast", {"name": "default"})).status == 409
    await api.post("/work_pools/", {"name": "other", "type": "process"})
    assert (await api.post("/work_pools/other/queues", {"name": "fast"})).status == 201
    assert list(await order(api)) == ["default", "fast"]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "priority": 0}, "priority"),
        ({"name": "x", "priority": "high"}, "priority"),
        ({"name": "x", "concurrency_limit": -1}, "concurrency_limit"),
        ({"name": "x", "filter": {"tags": 1}}, "filter"),
        ({"name": "x", "nonsense": 1}, "nonsense"),
    ],
)
async def test_what_does_not_fit_is_refused_by_name(api: Api, wrong: dict[str, Any], place: str) -> None:
    for path in (QUEUES, "/work_queues/"):
        refused = await api.post(path, wrong)
        assert refused.status == 422
        assert refused.json["exception_detail"][0]["loc"][:2] == ["body", place]
    assert await order(api) == {"default": 1}


async def test_only_what_is_given_changes(api: Api) -> None:
    before = await add(api, "fast", concurrency_limit=2)
    assert before["active_slots"] == 0
    assert (await api.patch(f"{QUEUES}/fast", {})).status == 204
    assert (await api.patch(f"{QUEUES}/fast", {"name": "faster", "description": "d"})).status == 204
    after = (await api.get(f"{QUEUES}/faster")).json
    assert (after["id"], after["description"], after["concurrency_limit"]) == (before["id"], "d", 2)
    assert (await api.get(f"{QUEUES}/fast")).status == 404


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": "a/b"}, 422),
        ({"priority": 0}, 422),
        ({"is_paused": None}, 422),
        ({"work_pool_id": None}, 422),
        ({"name": None}, 409),
        ({"priority": None}, 409),
    ],
)
async def test_a_change_that_cannot_be_is_refused(api: Api, wrong: dict[str, Any], status: int) -> None:
    before = await add(api, "fast")
    assert (await api.patch(f"{QUEUES}/fast", wrong)).status == status
    assert (await api.patch(f"/work_queues/{before['id']}", wrong)).status == status
    assert (await api.get(f"{QUEUES}/fast")).json == before


async def test_pausing_shows_and_resuming_depends_on_whether_it_was_polled_lately(api: Api) -> None:
    async def status_after(**change: Any) -> str:
        assert (await api.patch(f"{QUEUES}/fast", change)).status == 204
        return (await api.get(f"{QUEUES}/fast")).json["status"]

    assert (await add(api, "fast", is_paused=True))["status"] == "PAUSED"
    assert await status_after(is_paused=False) == "NOT_READY"
    assert await status_after(is_paused=True) == "PAUSED"
    now = datetime.now(UTC)
    assert await status_after(is_paused=False, last_polled=now.isoformat()) == "READY"
    long_ago = (now - timedelta(minutes=2)).isoformat()
    assert await status_after(is_paused=False, last_polled=long_ago) == "NOT_READY"


async def test_the_default_queue_goes_away_only_with_its_pool(api: Api, pool: dict[str, Any]) -> None:
    for path in (f"{QUEUES}/default", f"/work_queues/{pool['default_queue_id']}"):
        refused = await api.delete(path)
        assert refused.status == 409
        assert "default" in refused.json["detail"]
    queue = await add(api, "fast")
    assert (await api.delete(f"{QUEUES}/fast")).status == 204
    assert (await api.delete(f"{QUEUES}/fast")).status == 404
    assert (await api.delete(f"/work_queues/{queue['id']}")).status == 404
    assert await order(api) == {"default": 1}


@pytest.mark.parametrize("path", ["/work_pools/local/queues/none", "/work_pools/none/queues/default"])
async def test_a_queue_that_does_not_exist_in_its_pool_is_not_found(api: Api, path: str) -> None:
    pool_name, queue_name = path.split("/")[2::2]
    for missing in (await api.get(path), await api.patch(path, {}), await api.delete(path)):
        assert missing.status == 404
        assert missing.json["detail"] == f"Work pool queue '{pool_name}/{queue_name}' not found."


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/status"),
        ("POST", "/get_runs"),
        ("POST", "/concurrency_status"),
    ],
)
async def test_a_queue_that_does_not_exist_at_all_is_not_found(api: Api, method: str, path: str) -> None:
    assert (await api.call(method, f"/work_queues/{UUID(int=1)}{path}", {})).status == 404


async def test_queues_of_a_pool_are_listed_by_priority_and_filtered_by_name(api: Api) -> None:
    for name in ("beta", "Alpha", "gamma"):
        await add(api, name, priority=1)

    async def names(**body: object) -> list[str]:
        return [queue["name"] for queue in (await api.post(f"{QUEUES}/filter", body)).json]

    assert await names() == ["gamma", "Alpha", "beta", "default"]
    assert await names(limit=1, offset=1) == ["Alpha"]
    assert await names(limit=0) == []
    assert await names(work_queues=None) == await names()
    assert await names(work_queues={"name": {"startswith_": ["a", "G"]}}) == ["gamma", "Alpha"]
    assert await names(work_queues={"name": {"any_": ["beta", "none"]}}) == ["beta"]
    assert (await api.post(f"{QUEUES}/filter", {"work_queues": {"color": {}}})).status == 422


async def test_queues_of_all_pools_are_listed_by_name(api: Api) -> None:
    await api.post("/work_pools/", {"name": "other", "type": "process"})
    await api.post("/work_pools/other/queues", {"name": "a"})
    listed = (await api.post("/work_queues/filter")).json
    assert [queue["name"] for queue in listed] == ["a", "default", "default"]
    assert {queue["work_pool_name"] for queue in listed} == {"local", "other"}
    only = (await api.post("/work_queues/filter", {"work_queues": {"name": {"any_": ["a"]}}})).json
    assert [queue["name"] for queue in only] == ["a"]


async def test_a_queue_without_a_pool_is_one_of_the_agents_pool(api: Api) -> None:
    made = await api.post("/work_queues/", {"name": "mine"})
    assert made.status == 201
    assert (made.json["work_pool_name"], made.json["priority"]) == ("default-agent-pool", 2)
    assert (await api.get("/work_queues/name/mine")).json == made.json
    assert (await api.get("/work_queues/name/none")).status == 404
    await add(api, "of a pool")
    assert (await api.get("/work_queues/name/of a pool")).status == 404
    assert (await api.post("/work_queues/", {"name": "mine"})).status == 409
    assert (await api.post("/work_queues/", {"name": "default"})).status == 409
    assert (await api.patch(f"/work_queues/{made.json['id']}", {"is_paused": True})).status == 204
    assert (await api.get("/work_queues/name/mine")).json["status"] == "PAUSED"
    assert (await api.delete(f"/work_queues/{made.json['id']}")).status == 204
    assert (await api.get("/work_queues/name/mine")).status == 404


async def test_a_queue_is_healthy_while_it_is_polled_and_nothing_is_late(api: Api) -> None:
    queue = await add(api, "fast")

    async def status() -> dict[str, Any]:
        return (await api.get(f"/work_queues/{queue['id']}/status")).json

    new = await status()
    assert (new["healthy"], new["late_runs_count"], new["last_polled"]) == (False, 0, None)
    assert new["health_check_policy"] == {"maximum_late_runs": 0, "maximum_seconds_since_last_polled": 60}
    await api.post(f"/work_queues/{queue['id']}/get_runs")
    assert (await status())["healthy"] is True
    await api.flow_run({"type": "SCHEDULED", "name": "Late"}, work_pool_name="local", work_queue_name="fast")
    late = await status()
    assert (late["healthy"], late["late_runs_count"]) == (False, 1)
