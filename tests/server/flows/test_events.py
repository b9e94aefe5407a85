"""What the log says of flows (contract §6.3)."""

from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.told import names, told


async def test_a_flow_is_told_of_when_it_is_made_changed_and_deleted(api: Api) -> None:
    flow = (await api.post("/flows/", {"name": "brew", "tags": ["a"], "labels": {"team": 1}})).json
    await api.patch(f"/flows/{flow['id']}", {"tags": ["b"]})
    await api.delete(f"/flows/{flow['id']}")

    events = await told(api.store)
    assert [event.event for event in events] == [
        f"prefect.flow.{change}" for change in ("created", "updated", "deleted")
    ]
    labels = {"prefect.resource.id": f"prefect.flow.{flow['id']}", "prefect.resource.name": "brew"}
    assert [event.resource for event in events] == [labels] * 3
    assert [event.payload for event in events] == [
        {"name": "brew", "tags": tags, "labels": {"team": 1}} for tags in (["a"], ["b"], ["b"])
    ]


async def test_a_flow_that_is_there_already_is_not_told_of_again(api: Api) -> None:
    for _ in range(2):
        await api.post("/flows/", {"name": "brew"})

    assert await names(api.store) == ["prefect.flow.created"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_flow_that_is_not_there_leaves_no_event(api: Api, method: str) -> None:
    refused = await api.call(method, f"/flows/{uuid4()}", {"tags": []})

    assert refused.status == 404
    assert await told(api.store) == []


async def test_flows_that_are_deleted_together_are_told_of_one_by_one(api: Api) -> None:
    for name in ("one", "two"):
        await api.flow(name=name)
    await api.post("/flows/bulk_delete", {})

    assert {event.name for event in await told(api.store) if event.event == "prefect.flow.deleted"} == {"one", "two"}
