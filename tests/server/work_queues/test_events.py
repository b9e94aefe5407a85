"""What the log says of work queues (contract §6.3)."""

import asyncio
from typing import Any

import pytest

from tests.server.api import Api
from tests.server.told import Told, names, told


@pytest.fixture
async def queue(api: Api) -> str:
    """The id of the queue `fast` of the pool `mill`."""
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    return (await api.post("/work_pools/mill/queues", {"name": "fast"})).json["id"]


async def of_queue(api: Api, name: str = "fast") -> list[Told]:
    return [event for event in await told(api.store, "work-queue") if event.name == name]


def said(events: list[Told]) -> list[str]:
    return [event.event.removeprefix("prefect.work-queue.") for event in events]


async def test_a_queue_is_told_of_with_its_pool(api: Api, queue: str) -> None:
    event = (await of_queue(api))[0]
    assert event.resource == {
        "prefect.resource.id": f"prefect.work-queue.{queue}",
        "prefect.resource.name": "fast",
        "prefect.resource.role": "work-queue",
    }
    assert event.around == [("work-pool", "mill")]
    assert event.related[0]["prefect.work-pool.type"] == "process"


async def test_a_queue_is_told_of_when_it_is_made_changed_and_deleted(api: Api, queue: str) -> None:
    await api.patch("/work_pools/mill/queues/fast", {"description": "d", "concurrency_limit": 3})
    await api.patch(f"/work_queues/{queue}", {"priority": 1})
    await api.delete("/work_pools/mill/queues/fast")

    events = await of_queue(api)
    assert said(events) == ["created", "updated", "updated", "deleted"]
    assert events[1].payload == {
        "updated_fields": ["description", "concurrency_limit"],
        "updates": {"description": {"from": "", "to": "d"}, "concurrency_limit": {"from": None, "to": 3}},
    }
    assert events[2].payload["updates"] == {"priority": {"from": 2, "to": 1}}


async def test_pausing_is_a_status_and_comes_after_the_rest_of_the_change(api: Api, queue: str) -> None:
    await api.patch(f"/work_queues/{queue}", {"is_paused": True, "description": "d"})
    await api.patch(f"/work_queues/{queue}", {"is_paused": False})

    assert said(await of_queue(api)) == ["created", "updated", "paused", "not-ready"]


async def test_a_queue_is_ready_once_for_all_its_polls(api: Api, queue: str) -> None:
    for _ in range(2):
        await api.post("/work_pools/mill/get_scheduled_flow_runs", {})
        await api.post(f"/work_queues/{queue}/get_runs", {"limit": 1})

    assert said(await of_queue(api)) == ["created", "ready"]
    assert said(await of_queue(api, "default")) == ["created", "ready"]


async def test_polling_a_paused_queue_does_not_make_it_ready(api: Api, queue: str) -> None:
    await api.patch(f"/work_queues/{queue}", {"is_paused": True})
    await api.post("/work_pools/mill/get_scheduled_flow_runs", {"work_queue_names": ["fast"]})

    assert said(await of_queue(api)) == ["created", "paused"]


@pytest.mark.parametrize("body", [{}, {"name": "fast"}, {"filter": {"tags": ["t"]}}, {"is_paused": False}])
async def test_what_was_like_that_before_is_not_told(api: Api, queue: str, body: dict[str, Any]) -> None:
    await api.patch(f"/work_queues/{queue}", body)

    assert said(await of_queue(api)) == ["created"]


async def test_a_queue_that_a_deployment_names_is_told_of_when_it_is_made_for_it(api: Api, queue: str) -> None:
    body = {"name": "d", "flow_id": await api.flow(), "work_pool_name": "mill", "work_queue_name": "slow"}
    await api.post("/deployments/", body)

    assert said(await of_queue(api, "slow")) == ["created"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/work_pools/mill/queues", {"name": "fast"}, 409),
        ("PATCH", "/work_pools/mill/queues/fast", {"name": "default"}, 409),
        ("PATCH", "/work_pools/mill/queues/fast", {"name": None}, 409),
        ("PATCH", "/work_pools/mill/queues/none", {"description": "d"}, 404),
        ("DELETE", "/work_pools/mill/queues/none", None, 404),
        ("DELETE", "/work_pools/mill/queues/default", None, 409),
    ],
)
async def test_a_refused_change_leaves_no_event(
    api: Api, queue: str, method: str, path: str, body: Any, status: int
) -> None:
    before = await names(api.store)
    refused = await api.call(method, path, body)

    assert refused.status == status
    assert await names(api.store) == before


async def test_of_many_who_poll_at_once_one_makes_the_queues_ready(api: Api, queue: str) -> None:
    await asyncio.gather(*(api.post("/work_pools/mill/get_scheduled_flow_runs", {}) for _ in range(8)))

    assert said(await of_queue(api)) == ["created", "ready"]
    assert said(await of_queue(api, "default")) == ["created", "ready"]
