"""Workers and agents are given what is due, in order, as far as the slots reach, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.server.api import Api

DUE = "/work_pools/local/get_scheduled_flow_runs"


@pytest.fixture(autouse=True)
async def queues(api: Api) -> dict[str, str]:
    """The ids of the queues of a pool named local: default is more urgent than slow."""
    await api.post("/work_pools/", {"name": "local", "type": "process"})
    await api.post("/work_pools/local/queues", {"name": "slow"})
    listed = (await api.post("/work_pools/local/queues/filter")).json
    return {queue["name"]: queue["id"] for queue in listed}


def moment(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def add(api: Api, name: str, queue: str = "default", type: str = "SCHEDULED", due: float = -5) -> str:
    details = {"scheduled_time": moment(due)} if type == "SCHEDULED" else {}
    state = {"type": type, "state_details": details}
    return await api.flow_run(state, name=name, work_pool_name="local", work_queue_name=queue)


async def given(api: Api, **body: Any) -> list[str]:
    answered = await api.post(DUE, body)
    assert answered.status == 200, answered.json
    return [found["flow_run"]["name"] for found in answered.json]


async def test_runs_come_by_the_priority_of_their_queue_and_then_by_their_time(
    api: Api, queues: dict[str, str]
) -> None:
    await add(api, "slow", "slow", due=-100)
    await add(api, "second", due=-5)
    await add(api, "first", due=-20)
    await add(api, "running", type="RUNNING")
    assert await given(api) == ["first", "second", "slow"]
    assert await given(api, limit=2) == ["first", "second"]
    assert await given(api, limit=0) == []
    found = (await api.post(DUE)).json[0]
    assert found["work_queue_id"] == queues["default"]
    assert found["flow_run"]["state_type"] == "SCHEDULED"
    assert found["flow_run"]["state"] is None


async def test_runs_are_given_within_a_window_and_until_they_leave_scheduled(api: Api) -> None:
    now = await add(api, "now", due=-5)
    await add(api, "before", due=-60)
    await add(api, "later", due=3600)
    assert await given(api, scheduled_before=moment(10)) == ["before", "now"]
    assert await given(api, scheduled_before=moment(10), scheduled_after=moment(-30)) == ["now"]
    assert await given(api, scheduled_after=moment(-30)) == ["now", "later"]
    await api.propose("flow_runs", now, "PENDING")
    assert await given(api, scheduled_before=moment(10)) == ["before"]


async def test_only_the_queues_that_are_named_are_asked(api: Api) -> None:
    await add(api, "a", "default")
    await add(api, "b", "slow")
    assert await given(api, work_queue_names=["slow"]) == ["b"]
    assert await given(api, work_queue_names=[]) == ["a", "b"]
    missing = await api.post(DUE, {"work_queue_names": ["slow", "none"]})
    assert (missing.status, missing.json["detail"]) == (404, "Work pool queue 'local/none' not found.")


async def test_a_queues_limit_counts_what_is_under_way_in_it(api: Api) -> None:
    await api.patch("/work_pools/local/queues/default", {"concurrency_limit": 2})
    for name in ("a", "b", "c"):
        await add(api, name)
    await add(api, "slow", "slow")
    assert await given(api) == ["a", "b", "slow"]
    await add(api, "pending", type="PENDING")
    assert await given(api) == ["a", "slow"]
    await add(api, "running", type="RUNNING")
    assert await given(api) == ["slow"]
    assert (await api.get("/work_pools/local/queues/default")).json["active_slots"] == 2


async def test_a_pools_limit_counts_what_is_under_way_in_all_its_queues(api: Api) -> None:
    await api.patch("/work_pools/local", {"concurrency_limit": 3})
    for name in ("a", "b"):
        await add(api, name)
    await add(api, "slow", "slow")
    assert await given(api) == ["a", "b", "slow"]
    await add(api, "running", "slow", type="RUNNING")
    assert await given(api) == ["a", "b"]
    assert await given(api, work_queue_names=["slow"]) == ["slow"]
    for _ in range(3):
        await add(api, "pending", type="PENDING")
    assert await given(api) == []
    assert (await api.get("/work_pools/local")).json["active_slots"] == 4


@pytest.mark.parametrize("path", ["/work_pools/local", "/work_pools/local/queues/default"])
async def test_nothing_is_given_while_paused_or_limited_to_nothing(api: Api, path: str) -> None:
    await add(api, "a")
    await api.patch(path, {"is_paused": True})
    assert await given(api) == []
    await api.patch(path, {"is_paused": False, "concurrency_limit": 0})
    assert await given(api) == []
    await api.patch(path, {"concurrency_limit": None})
    assert await given(api) == ["a"]


async def test_a_run_that_retries_in_its_own_process_is_not_given(api: Api) -> None:
    run = await add(api, "a")
    policy = {"retries": 1, "retry_type": "in_process"}
    assert (await api.patch(f"/flow_runs/{run}", {"empirical_policy": policy})).status == 204
    assert await given(api) == []


async def test_polling_makes_the_queues_that_were_asked_ready_but_not_paused_ones(api: Api) -> None:
    await api.patch("/work_pools/local/queues/default", {"is_paused": True})
    await given(api, work_queue_names=["slow"])

    async def seen() -> dict[str, tuple[str, bool]]:
        listed = (await api.post("/work_pools/local/queues/filter")).json
        return {queue["name"]: (queue["status"], queue["last_polled"] is not None) for queue in listed}

    assert await seen() == {"default": ("PAUSED", False), "slow": ("READY", True)}
    await given(api)
    assert await seen() == {"default": ("PAUSED", True), "slow": ("READY", True)}


async def test_polling_makes_the_deployments_of_the_queues_ready(api: Api, queues: dict[str, str]) -> None:
    ids: dict[str, str] = {}
    for queue in queues:
        body = {"name": queue, "flow_id": await api.flow(), "work_pool_name": "local", "work_queue_name": queue}
        ids[queue] = (await api.post("/deployments/", body)).json["id"]

    async def statuses() -> dict[str, str]:
        return {name: (await api.get(f"/deployments/{id}")).json["status"] for name, id in ids.items()}

    assert await statuses() == {"default": "NOT_READY", "slow": "NOT_READY"}
    await given(api, work_queue_names=["slow"])
    assert await statuses() == {"default": "NOT_READY", "slow": "READY"}
    await api.post(f"/work_queues/{queues['default']}/get_runs")
    assert await statuses() == {"default": "READY", "slow": "READY"}


@pytest.mark.parametrize("wrong", [{"limit": 201}, {"limit": -1}, {"scheduled_before": "soon"}, {"limit": "all"}])
async def test_a_poll_that_does_not_fit_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    assert (await api.post(DUE, wrong)).status == 422


async def test_an_agent_is_given_the_runs_of_its_queue_with_their_states(api: Api, queues: dict[str, str]) -> None:
    path = f"/work_queues/{queues['slow']}"
    await add(api, "late", "slow", due=3600)
    await add(api, "due", "slow")
    await add(api, "other", "default")
    runs = (await api.post(f"{path}/get_runs", {"scheduled_before": moment(10)})).json
    assert [(run["name"], run["state"]["type"], run["work_pool_name"]) for run in runs] == [
        ("due", "SCHEDULED", "local")
    ]
    assert [run["name"] for run in (await api.post(f"{path}/get_runs")).json] == ["due", "late"]
    await api.patch(path, {"concurrency_limit": 2})
    await add(api, "ending", "slow", type="CANCELLING")
    assert [run["name"] for run in (await api.post(f"{path}/get_runs")).json] == ["due"]
    assert (await api.get(path)).json["active_slots"] == 1
    assert (await api.get("/work_pools/local/queues/slow")).json["active_slots"] == 0
    await api.patch(path, {"is_paused": True})
    assert (await api.post(f"{path}/get_runs")).json == []
    assert (await api.post(f"{path}/get_runs", {"limit": 201})).status == 422


async def test_looking_at_a_queue_from_the_ui_is_not_polling(api: Api, queues: dict[str, str]) -> None:
    path = f"/work_queues/{queues['slow']}"
    plain = dict(api.headers)
    api.headers[b"x-prefect-ui"] = b"true"
    await api.post(f"{path}/get_runs")
    assert (await api.get(path)).json["last_polled"] is None
    api.headers = plain
    await api.post(f"{path}/get_runs")
    polled = (await api.get(path)).json
    assert polled["last_polled"] is not None
    assert polled["status"] == "READY"
