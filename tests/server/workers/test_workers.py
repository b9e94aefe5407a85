"""Workers are known by their heartbeats, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace.server.workers import service
from headrace.wire.ids import uuid7
from headrace.wire.statuses import WorkerStatus
from headrace.wire.workers import Worker
from tests.server.api import Api

WORKERS = "/work_pools/local/workers"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def pool(api: Api) -> dict[str, Any]:
    """A pool named local."""
    return (await api.post("/work_pools/", {"name": "local", "type": "process"})).json


async def beat(api: Api, name: str, **fields: Any) -> None:
    answered = await api.post(f"{WORKERS}/heartbeat", {"name": name, **fields})
    assert (answered.status, answered.json) == (204, "")


async def test_the_first_heartbeat_makes_the_worker_known_and_its_pool_ready(api: Api, pool: dict[str, Any]) -> None:
    await beat(api, "w", heartbeat_interval_seconds=5, return_id=True, metadata={"version": "1"})
    workers = (await api.post(f"{WORKERS}/filter")).json
    assert [(found["name"], found["status"], found["work_pool_id"]) for found in workers] == [
        ("w", "ONLINE", pool["id"])
    ]
    assert workers[0]["heartbeat_interval_seconds"] == 5
    assert (await api.get("/work_pools/local")).json["status"] == "READY"


async def test_later_heartbeats_are_of_the_same_worker_and_the_last_heard_of_comes_first(api: Api) -> None:
    await beat(api, "a")
    await beat(api, "b")
    before = (await api.post(f"{WORKERS}/filter")).json
    assert [worker["name"] for worker in before] == ["b", "a"]
    await beat(api, "a")
    after = (await api.post(f"{WORKERS}/filter")).json
    assert [worker["name"] for worker in after] == ["a", "b"]
    assert after[0]["id"] == before[1]["id"]
    assert after[0]["last_heartbeat_time"] > before[1]["last_heartbeat_time"]


async def test_workers_are_filtered_by_status_and_by_time(api: Api) -> None:
    await beat(api, "alive")
    await beat(api, "gone", heartbeat_interval_seconds=0)

    async def names(**wanted: Any) -> list[str]:
        return [worker["name"] for worker in (await api.post(f"{WORKERS}/filter", {"workers": wanted})).json]

    assert await names(status={"any_": ["ONLINE"]}) == ["alive"]
    assert await names(status={"not_any_": ["ONLINE"]}) == ["gone"]
    assert await names(last_heartbeat_time={"after_": "2020-01-01T00:00:00Z"}) == ["gone", "alive"]
    assert await names(last_heartbeat_time={"before_": "2020-01-01T00:00:00Z"}) == []
    assert (await api.post(f"{WORKERS}/filter", {"workers": {"status": {"any_": ["AWAY"]}}})).status == 422
    assert (await api.post(f"{WORKERS}/filter", {"limit": 0})).json == []


@pytest.mark.parametrize(
    ("interval", "silence", "status"),
    [
        (10, 29, WorkerStatus.ONLINE),
        (10, 30, WorkerStatus.OFFLINE),
        (None, 89, WorkerStatus.ONLINE),
        (None, 90, WorkerStatus.OFFLINE),
    ],
)
def test_a_worker_is_online_for_three_of_its_intervals(
    interval: int | None, silence: int, status: WorkerStatus
) -> None:
    heard = NOW - timedelta(seconds=silence)
    worker = Worker(
        id=uuid7(), name="w", work_pool_id=uuid7(), last_heartbeat_time=heard, heartbeat_interval_seconds=interval
    )
    assert service.as_of(worker, NOW).status is status


@pytest.mark.parametrize(
    ("wrong", "place"), [({}, "name"), ({"name": "w", "heartbeat_interval_seconds": 2.5}, "heartbeat_interval_seconds")]
)
async def test_a_heartbeat_that_does_not_fit_is_refused_by_name(api: Api, wrong: dict[str, Any], place: str) -> None:
    refused = await api.post(f"{WORKERS}/heartbeat", wrong)
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", place]


async def test_a_heartbeat_for_a_pool_that_does_not_exist_is_not_found(api: Api) -> None:
    missing = await api.post("/work_pools/none/workers/heartbeat", {"name": "w"})
    assert (missing.status, missing.json["detail"]) == (404, 'Work pool "none" not found.')


async def test_a_worker_can_be_forgotten_once(api: Api) -> None:
    await beat(api, "w")
    assert (await api.delete(f"{WORKERS}/w")).status == 204
    missing = await api.delete(f"{WORKERS}/w")
    assert (missing.status, missing.json["detail"]) == (404, "Worker not found.")
    assert (await api.delete("/work_pools/none/workers/w")).status == 404
