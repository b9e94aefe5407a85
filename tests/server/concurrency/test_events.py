"""What the log says of concurrency limits (contract §6.3)."""

import pytest

from tests.server.api import Api
from tests.server.told import names, told

CREATED, UPDATED, DELETED = (f"prefect.concurrency-limit.{change}" for change in ("created", "updated", "deleted"))


async def test_a_limit_is_told_of_when_it_is_made_changed_and_deleted(api: Api) -> None:
    limit = (await api.post("/v2/concurrency_limits/", {"name": "oven", "limit": 3})).json["id"]
    await api.patch("/v2/concurrency_limits/oven", {"limit": 4, "active": False, "slot_decay_per_second": 0.5})
    await api.delete(f"/v2/concurrency_limits/{limit}")

    events = await told(api.store)
    assert [event.event for event in events] == [CREATED, UPDATED, DELETED]
    labels = {"prefect.resource.id": f"prefect.concurrency-limit.{limit}", "prefect.resource.name": "oven"}
    assert [event.resource for event in events] == [labels] * 3
    before = {"name": "oven", "limit": 3, "active": True, "slot_decay_per_second": 0.0}
    after = {"name": "oven", "limit": 4, "active": False, "slot_decay_per_second": 0.5}
    assert [event.payload for event in events] == [before, after, after]


async def test_a_limit_on_a_tag_is_told_of_under_the_name_of_the_tag(api: Api) -> None:
    for limit in (2, 3):
        await api.post("/concurrency_limits/", {"tag": "hot", "concurrency_limit": limit})
    await api.post("/concurrency_limits/tag/hot/reset", {})
    await api.delete("/concurrency_limits/tag/hot")

    events = await told(api.store)
    assert [event.event for event in events] == [CREATED, UPDATED, DELETED]
    assert [event.payload["limit"] for event in events] == [2, 3, 3]
    assert {event.name for event in events} == {"tag:hot"}


async def test_slots_come_and_go_without_an_event(api: Api) -> None:
    await api.post("/v2/concurrency_limits/", {"name": "oven", "limit": 3})
    await api.post("/v2/concurrency_limits/increment", {"names": ["oven"], "slots": 1})
    await api.post("/v2/concurrency_limits/decrement", {"names": ["oven"], "slots": 1})

    assert await names(api.store) == [CREATED]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v2/concurrency_limits/", {"name": "oven", "limit": 1}, 409),
        ("PATCH", "/v2/concurrency_limits/none", {"limit": 1}, 404),
        ("DELETE", "/v2/concurrency_limits/none", None, 404),
        ("DELETE", "/concurrency_limits/tag/none", None, 404),
    ],
)
async def test_a_refused_change_leaves_no_event(api: Api, method: str, path: str, body: object, status: int) -> None:
    await api.post("/v2/concurrency_limits/", {"name": "oven", "limit": 1})
    refused = await api.call(method, path, body)

    assert refused.status == status
    assert await names(api.store) == [CREATED]
