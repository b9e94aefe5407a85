"""What the log says of work pools (contract §6.3)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from headrace.server.store.base import Statement
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.told import Told, names, told

TYPE = {"prefect.work-pool.type": "process"}


async def pool(api: Api, **fields: Any) -> dict[str, Any]:
    return (await api.post("/work_pools/", {"name": "mill", "type": "process", **fields})).json


async def of_pool(api: Api) -> list[Told]:
    return await told(api.store, "work-pool")


def said(events: list[Told]) -> list[str]:
    return [event.event.removeprefix("prefect.work-pool.") for event in events]


async def test_a_new_pool_is_told_of_after_its_queue_and_then_its_status(api: Api) -> None:
    made = await pool(api)

    assert await names(api.store) == [
        "prefect.work-queue.created",
        "prefect.work-pool.created",
        "prefect.work-pool.not-ready",
    ]
    created, status = await of_pool(api)
    labels = {"prefect.resource.id": f"prefect.work-pool.{made['id']}", "prefect.resource.name": "mill"} | TYPE
    assert created.resource == labels | {"prefect.resource.role": "work-pool"}
    assert created.related == [
        {
            "prefect.resource.id": f"prefect.work-queue.{made['default_queue_id']}",
            "prefect.resource.role": "default-queue",
        }
    ]
    assert (status.resource, status.related, status.payload) == (labels, [], {})


async def test_a_pool_is_ready_once_for_all_its_heartbeats(api: Api) -> None:
    await pool(api)
    for _ in range(3):
        await api.post("/work_pools/mill/workers/heartbeat", {"name": "miller"})

    assert said(await of_pool(api)) == ["created", "not-ready", "ready"]


async def test_each_status_follows_the_one_before(api: Api) -> None:
    await pool(api)
    await api.patch("/work_pools/mill", {"is_paused": True})
    await api.patch("/work_pools/mill", {"is_paused": True})
    await api.patch("/work_pools/mill", {"is_paused": False})
    await api.post("/work_pools/mill/workers/heartbeat", {"name": "miller"})

    events = (await of_pool(api))[1:]
    assert said(events) == ["not-ready", "paused", "not-ready", "ready"]
    assert [event.follows for event in events] == [None, *(event.id for event in events[:-1])]


async def test_a_status_long_after_the_one_before_follows_none(api: Api) -> None:
    await pool(api)
    await api.store.execute(
        Statement("UPDATE work_pools SET last_transitioned_status_at = $1"), now() - timedelta(minutes=10)
    )
    await api.patch("/work_pools/mill", {"is_paused": True})

    assert (await of_pool(api))[-1].follows is None


async def test_a_pool_that_is_made_paused_says_so(api: Api) -> None:
    await pool(api, is_paused=True)

    assert said(await of_pool(api)) == ["created", "paused"]


async def test_a_pool_of_the_agent_type_has_no_status_to_tell(api: Api) -> None:
    await pool(api, type="prefect-agent")
    await api.patch("/work_pools/mill", {"is_paused": True})

    assert said(await of_pool(api)) == ["created"]


async def test_a_change_tells_which_fields_were_set_from_what_to_what(api: Api) -> None:
    await pool(api, concurrency_limit=2)
    template = {"job_configuration": {"a": "{{ a }}"}, "variables": {"properties": {"a": {"type": "string"}}}}
    await api.patch("/work_pools/mill", {"description": "d", "concurrency_limit": 2, "base_job_template": template})

    assert (await of_pool(api))[-1].payload == {
        "updated_fields": ["description", "base_job_template"],
        "updates": {
            "description": {"from": None, "to": "d"},
            "base_job_template": {"from": {}, "to": template},
        },
    }


async def test_a_change_that_pauses_too_is_told_as_a_status_and_an_update(api: Api) -> None:
    await pool(api)
    await api.patch("/work_pools/mill", {"is_paused": True, "description": "d"})

    events = (await of_pool(api))[2:]
    assert said(events) == ["paused", "updated"]
    assert events[1].payload["updated_fields"] == ["description"]


@pytest.mark.parametrize("body", [{}, {"description": None}, {"concurrency_limit": None}, {"is_paused": False}])
async def test_what_was_like_that_before_is_not_told(api: Api, body: dict[str, Any]) -> None:
    await pool(api)
    await api.patch("/work_pools/mill", body)

    assert said(await of_pool(api)) == ["created", "not-ready"]


async def test_a_pool_goes_after_all_its_queues(api: Api) -> None:
    made = await pool(api)
    await api.post("/work_pools/mill/queues", {"name": "fast"})
    await api.delete("/work_pools/mill")

    events = (await told(api.store))[-3:]
    assert [(event.event, event.name) for event in events] == [
        ("prefect.work-queue.deleted", "default"),
        ("prefect.work-queue.deleted", "fast"),
        ("prefect.work-pool.deleted", "mill"),
    ]
    assert events[2].related[0]["prefect.resource.id"] == f"prefect.work-queue.{made['default_queue_id']}"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/work_pools/", {"name": "mill", "type": "process"}, 409),
        ("POST", "/work_pools/", {"name": "prefect-own", "type": "process"}, 403),
        ("PATCH", "/work_pools/none", {"description": "d"}, 404),
        ("PATCH", "/work_pools/mill", {"is_paused": None}, 409),
        ("DELETE", "/work_pools/none", None, 404),
        ("POST", "/work_pools/none/workers/heartbeat", {"name": "w"}, 404),
    ],
)
async def test_a_refused_change_leaves_no_event(api: Api, method: str, path: str, body: Any, status: int) -> None:
    await pool(api)
    before = await names(api.store)
    refused = await api.call(method, path, body)

    assert refused.status == status
    assert await names(api.store) == before


async def test_a_new_name_of_a_queue_is_in_the_next_event_of_its_runs(api: Api) -> None:
    await pool(api)
    await api.post("/work_pools/mill/queues", {"name": "old"})
    run = await api.flow_run({"type": "SCHEDULED"}, work_pool_name="mill", work_queue_name="old")
    await api.patch("/work_pools/mill/queues/old", {"name": "new"})
    await api.propose("flow_runs", run, "PENDING")

    assert ("work-queue", "new") in (await told(api.store, "flow-run"))[-1].around


async def test_of_many_workers_that_come_at_once_one_makes_the_pool_ready(api: Api) -> None:
    await pool(api)
    answers = await asyncio.gather(
        *(api.post("/work_pools/mill/workers/heartbeat", {"name": f"miller-{n}"}) for n in range(8))
    )

    assert {answer.status for answer in answers} == {204}
    assert said(await of_pool(api)) == ["created", "not-ready", "ready"]
