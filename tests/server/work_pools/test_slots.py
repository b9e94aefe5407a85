"""Who holds the slots of pools and queues is shown in pages, on both databases."""

from typing import Any

import pytest

from tests.server.api import Api

POOL = "/work_pools/local/concurrency_status"


@pytest.fixture(autouse=True)
async def queues(api: Api) -> dict[str, str]:
    """The ids of the queues of a pool named local that may run three at once."""
    await api.post("/work_pools/", {"name": "local", "type": "process", "concurrency_limit": 3})
    await api.post("/work_pools/local/queues", {"name": "slow", "concurrency_limit": 1})
    listed = (await api.post("/work_pools/local/queues/filter")).json
    return {queue["name"]: queue["id"] for queue in listed}


async def add(api: Api, name: str, queue: str, type: str) -> None:
    await api.flow_run({"type": type}, name=name, work_pool_name="local", work_queue_name=queue)


async def test_a_pool_shows_its_queues_with_the_runs_that_hold_their_slots(api: Api, queues: dict[str, str]) -> None:
    await add(api, "a", "default", "RUNNING")
    await add(api, "b", "default", "PENDING")
    await add(api, "c", "slow", "RUNNING")
    for idle in ("COMPLETED", "CANCELLING", "SCHEDULED"):
        await add(api, idle, "slow", idle)
    status = (await api.post(POOL)).json
    assert (status["active_slots"], status["concurrency_limit"]) == (3, 3)
    assert [status[name] for name in ("count", "limit", "pages", "page")] == [2, 200, 1, 1]
    first, second = status["queues"]
    assert (first["queue_id"], first["queue_name"]) == (queues["default"], "default")
    assert (first["active_slots"], first["flow_run_count"], first["concurrency_limit"]) == (2, 2, None)
    assert [run["name"] for run in first["flow_runs"]] == ["a", "b"]
    assert (second["active_slots"], second["concurrency_limit"]) == (1, 1)
    run = second["flow_runs"][0]
    assert (run["name"], run["state_type"], run["state_name"]) == ("c", "RUNNING", "Running")
    assert run["start_time"] == run["state_timestamp"]
    assert run["time_in_current_state"] >= 0


async def test_the_queues_of_a_pool_come_in_pages_with_as_many_runs_as_wanted(api: Api) -> None:
    for name in ("a", "b"):
        await add(api, name, "slow", "RUNNING")
    page = (await api.post(POOL, {"page": 2, "limit": 1, "flow_run_limit": 1})).json
    assert [queue["queue_name"] for queue in page["queues"]] == ["slow"]
    assert [run["name"] for run in page["queues"][0]["flow_runs"]] == ["a"]
    assert page["queues"][0]["flow_run_count"] == 2
    assert (page["active_slots"], page["count"], page["pages"]) == (2, 2, 2)
    assert (await api.post(POOL, {"flow_run_limit": 0})).json["queues"][1]["flow_runs"] == []
    nothing = (await api.post(POOL, {"limit": 0})).json
    assert (nothing["queues"], nothing["count"], nothing["pages"]) == ([], 2, 0)


async def test_a_queue_shows_the_runs_that_hold_its_slots_those_being_cancelled_too(
    api: Api, queues: dict[str, str]
) -> None:
    path = f"/work_queues/{queues['slow']}/concurrency_status"
    await add(api, "a", "slow", "RUNNING")
    await add(api, "b", "slow", "CANCELLING")
    await add(api, "c", "default", "RUNNING")
    status = (await api.post(path)).json
    assert (status["active_slots"], status["concurrency_limit"]) == (2, 1)
    assert [run["name"] for run in status["flow_runs"]] == ["a", "b"]
    assert [status[name] for name in ("count", "limit", "pages", "page")] == [2, 200, 1, 1]
    second = (await api.post(path, {"page": 2, "limit": 1})).json
    assert [run["name"] for run in second["flow_runs"]] == ["b"]
    assert second["pages"] == 2


@pytest.mark.parametrize("wrong", [{"page": 0}, {"limit": 201}, {"limit": -1}, {"page": "last"}])
async def test_pages_that_cannot_be_are_refused(api: Api, queues: dict[str, str], wrong: dict[str, Any]) -> None:
    assert (await api.post(POOL, wrong)).status == 422
    assert (await api.post(f"/work_queues/{queues['slow']}/concurrency_status", wrong)).status == 422
    assert (await api.post(POOL, {"flow_run_limit": 201})).status == 422
