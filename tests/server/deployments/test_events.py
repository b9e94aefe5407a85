"""What the log says of deployments (contract §6.3)."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.blocks.made import document, kind
from tests.server.told import Told, names, told


async def deployment(api: Api, **fields: Any) -> str:
    flow_id = fields.pop("flow_id", None) or await api.flow(name="brew")
    return (await api.post("/deployments/", {"name": "daily", "flow_id": flow_id, **fields})).json["id"]


async def of_deployment(api: Api) -> list[Told]:
    return await told(api.store, "deployment")


def said(events: list[Told]) -> list[str]:
    return [event.event.removeprefix("prefect.deployment.") for event in events]


async def test_a_deployment_is_told_of_with_all_that_it_is_related_to(api: Api) -> None:
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    storage = await document(api, await kind(api, "store"), "store", {})
    infrastructure = await document(api, await kind(api, "infra"), "infra", {})
    id = await deployment(
        api,
        work_pool_name="mill",
        work_queue_name="fast",
        storage_document_id=storage["id"],
        infrastructure_document_id=infrastructure["id"],
        concurrency_limit=2,
    )

    (event,) = await of_deployment(api)
    assert event.resource == {"prefect.resource.id": f"prefect.deployment.{id}", "prefect.resource.name": "daily"}
    assert event.around == [
        ("flow", "brew"),
        ("work-queue", "fast"),
        ("work-pool", "mill"),
        ("storage", None),
        ("infrastructure", None),
        ("concurrency-limit", None),
    ]
    assert event.related[2]["prefect.work-pool.type"] == "process"
    assert event.related[3]["prefect.resource.id"] == f"prefect.block-document.{storage['id']}"
    assert await names(api.store, "concurrency-limit") == []


async def test_a_deployment_is_told_of_when_it_is_made_changed_and_deleted(api: Api) -> None:
    id = await deployment(api, tags=["a"])
    await api.patch(f"/deployments/{id}", {"tags": ["b"], "description": "d", "job_variables": {"env": {"A": "1"}}})
    await api.delete(f"/deployments/{id}")

    events = await of_deployment(api)
    assert said(events) == ["created", "updated", "deleted"]
    assert [event.payload for event in events] == [
        {},
        {
            "updated_fields": ["description", "tags", "infra_overrides"],
            "updates": {
                "description": {"from": None, "to": "d"},
                "tags": {"from": ["a"], "to": ["b"]},
                "infra_overrides": {"from": {}, "to": {"env": {"A": "1"}}},
            },
        },
        {},
    ]


async def test_a_deployment_that_is_made_again_tells_only_what_is_different(api: Api) -> None:
    flow_id = await api.flow()
    for version in ("1", "1", "2"):
        await deployment(api, flow_id=flow_id, version=version)

    events = await of_deployment(api)
    assert said(events) == ["created", "updated"]
    assert events[1].payload["updates"] == {"version": {"from": "1", "to": "2"}}


async def test_moving_a_deployment_tells_the_queues_and_is_related_to_the_new_one(api: Api) -> None:
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    id = await deployment(api, work_pool_name="mill")
    await api.patch(f"/deployments/{id}", {"work_queue_name": "fast"})
    await api.patch(f"/deployments/{id}", {"work_pool_name": None})

    moved, removed = (await of_deployment(api))[1:]
    assert moved.payload["updated_fields"] == ["work_queue_id"]
    assert moved.around == [("flow", "brew"), ("work-queue", "fast"), ("work-pool", "mill")]
    to = moved.payload["updates"]["work_queue_id"]["to"]
    assert moved.related[1]["prefect.resource.id"] == f"prefect.work-queue.{to}"
    assert removed.payload["updates"] == {"work_queue_id": {"from": to, "to": None}}
    assert removed.around == [("flow", "brew")]


async def test_a_limit_that_comes_or_goes_is_a_change(api: Api) -> None:
    id = await deployment(api)
    for limit in (3, 3, None):
        await api.patch(f"/deployments/{id}", {"concurrency_limit": limit})

    came, went = (await of_deployment(api))[1:]
    limit_id = came.payload["updates"]["concurrency_limit_id"]["to"]
    assert came.related[-1]["prefect.resource.id"] == f"prefect.concurrency-limit.{limit_id}"
    assert went.payload["updates"] == {"concurrency_limit_id": {"from": limit_id, "to": None}}


async def test_pausing_and_resuming_are_told_once_each(api: Api) -> None:
    id = await deployment(api)
    for verb in ("pause", "pause", "resume"):
        await api.post(f"/deployments/{id}/{verb}_deployment")

    assert [event.payload["updates"]["paused"]["to"] for event in (await of_deployment(api))[1:]] == [True, False]


async def test_a_deployment_is_ready_once_for_all_who_ask_for_its_runs(api: Api) -> None:
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    id = await deployment(api, work_pool_name="mill")
    for _ in range(2):
        await api.post("/deployments/get_scheduled_flow_runs", {"deployment_ids": [id]})
        await api.post("/work_pools/mill/get_scheduled_flow_runs", {})

    events = await of_deployment(api)
    assert said(events) == ["created", "ready"]
    assert (events[1].payload, events[1].around) == (
        {},
        [("flow", "brew"), ("work-queue", "default"), ("work-pool", "mill")],
    )


async def test_polling_its_queue_makes_a_deployment_ready(api: Api) -> None:
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    await deployment(api, work_pool_name="mill")
    await api.post("/work_pools/mill/get_scheduled_flow_runs", {})

    assert said(await of_deployment(api)) == ["created", "ready"]


@pytest.mark.parametrize("body", [{}, {"paused": False}, {"schedules": []}, {"tags": []}])
async def test_what_was_like_that_before_is_not_told(api: Api, body: dict[str, Any]) -> None:
    id = await deployment(api)
    await api.patch(f"/deployments/{id}", body)
    await api.post(f"/deployments/{id}/schedules", [{"schedule": {"interval": 3600}, "active": True}])

    assert said(await of_deployment(api)) == ["created"]


async def test_a_refused_change_leaves_no_event(api: Api) -> None:
    id = await deployment(api)
    none = uuid4()
    refused = [
        await api.post("/deployments/", {"name": "d", "flow_id": str(none)}),
        await api.post("/deployments/", {"name": "d", "flow_id": await api.flow(), "work_pool_name": "none"}),
        await api.patch(f"/deployments/{id}", {"description": "d", "work_pool_name": "none"}),
        await api.patch(f"/deployments/{none}", {"description": "d"}),
        await api.delete(f"/deployments/{none}"),
        await api.post(f"/deployments/{none}/pause_deployment"),
    ]

    assert [answer.status for answer in refused] == [409, 404, 404, 404, 404, 404]
    assert said(await of_deployment(api)) == ["created"]


async def test_deployments_that_are_deleted_together_are_told_of_one_by_one(api: Api) -> None:
    flow_id = await api.flow()
    for name in ("one", "two"):
        await deployment(api, name=name, flow_id=flow_id)
    await api.post("/deployments/bulk_delete", {})

    deleted = [event.name for event in await of_deployment(api) if event.event.endswith("deleted")]
    assert sorted(deleted) == ["one", "two"]


async def test_new_tags_of_a_deployment_are_in_the_next_event_of_its_runs(api: Api) -> None:
    id = await deployment(api, tags=["old"])
    run = (await api.post(f"/deployments/{id}/create_flow_run", {})).json["id"]
    await api.patch(f"/deployments/{id}", {"tags": ["new"]})
    await api.propose("flow_runs", run, "PENDING")

    tags = [one["prefect.resource.id"] for one in (await told(api.store, "flow-run"))[-1].related[2:]]
    assert "prefect.tag.new" in tags


async def test_of_many_who_make_one_deployment_at_once_one_has_made_it(api: Api) -> None:
    flow_id = await api.flow()
    await asyncio.gather(*(deployment(api, flow_id=flow_id, version=str(n)) for n in range(8)))

    events = await of_deployment(api)
    assert said(events) == ["created"] + ["updated"] * 7
    steps = [event.payload["updates"]["version"] for event in events[1:]]
    assert [step["from"] for step in steps[1:]] == [step["to"] for step in steps[:-1]]


async def test_of_many_who_ask_for_runs_at_once_one_makes_the_deployment_ready(api: Api) -> None:
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    ids = [await deployment(api, name=f"d{n}", flow_id=await api.flow(), work_pool_name="mill") for n in range(3)]
    await asyncio.gather(
        *(api.post("/deployments/get_scheduled_flow_runs", {"deployment_ids": ids[::-1]}) for _ in range(4)),
        *(api.post("/work_pools/mill/get_scheduled_flow_runs", {}) for _ in range(4)),
    )

    assert sorted(said(await of_deployment(api))) == ["created"] * 3 + ["ready"] * 3
