"""What the log says of variables (contract §6.3)."""

import pytest

from tests.server.api import Api
from tests.server.told import names, told


async def test_a_variable_is_told_of_when_it_is_made_changed_and_deleted(api: Api) -> None:
    id = (await api.post("/variables/", {"name": "dish", "value": {"x": 1}, "tags": ["t"]})).json["id"]
    await api.patch("/variables/name/dish", {"value": [2]})
    await api.patch(f"/variables/{id}", {"name": "bowl", "tags": ["u"]})
    await api.delete("/variables/name/bowl")

    events = await told(api.store)
    assert [event.event for event in events] == [
        f"prefect.variable.{change}" for change in ("created", "updated", "updated", "deleted")
    ]
    assert {event.resource["prefect.resource.id"] for event in events} == {f"prefect.variable.{id}"}
    assert [event.name for event in events] == ["dish", "dish", "bowl", "bowl"]
    assert [event.payload for event in events] == [
        {"name": "dish", "value": {"x": 1}, "tags": ["t"]},
        {"name": "dish", "value": [2], "tags": ["t"]},
        {"name": "bowl", "value": [2], "tags": ["u"]},
        {"name": "bowl", "value": [2], "tags": ["u"]},
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/variables/", {"name": "dish", "value": 1}, 409),
        ("PATCH", "/variables/name/dish", {"name": "bowl"}, 409),
        ("PATCH", "/variables/name/none", {"value": 1}, 404),
        ("DELETE", "/variables/name/none", None, 404),
    ],
)
async def test_a_refused_change_leaves_no_event(api: Api, method: str, path: str, body: object, status: int) -> None:
    for name in ("dish", "bowl"):
        await api.post("/variables/", {"name": name, "value": 0})
    refused = await api.call(method, path, body)

    assert refused.status == status
    assert await names(api.store) == ["prefect.variable.created"] * 2
