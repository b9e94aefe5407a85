"""What the log says of block types and documents (contract §6.3): never a secret."""

from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.blocks.made import block_type, document, kind, refers_to
from tests.server.told import found_by, names, told

FIELDS = {
    "properties": {name: {} for name in ("open", "password", "headers", "child")},
    "secret_fields": ["password", "headers.*"],
}


async def test_a_block_type_is_told_of_when_it_is_made_changed_and_deleted(api: Api) -> None:
    id = await block_type(api, "mill", name="Mill", description="grinds")
    await api.patch(f"/block_types/{id}", {"description": "grinds flour", "logo_url": "https://mill/logo.png"})
    await api.delete(f"/block_types/{id}")

    events = await told(api.store)
    assert [event.event for event in events] == [
        f"prefect.block-type.{change}" for change in ("created", "updated", "deleted")
    ]
    labels = {"prefect.resource.id": f"prefect.block-type.{id}", "prefect.resource.name": "Mill"}
    assert [event.resource for event in events] == [labels] * 3
    before = {
        "name": "Mill",
        "slug": "mill",
        "logo_url": None,
        "documentation_url": None,
        "description": "grinds",
        "code_example": None,
        "is_protected": False,
    }
    after = before | {"description": "grinds flour", "logo_url": "https://mill/logo.png"}
    assert [event.payload for event in events] == [before, after, after]


async def test_the_types_that_every_server_has_are_installed_without_events(api: Api) -> None:
    await api.post("/block_types/install_system_block_types")

    assert await names(api.store) == []


async def test_a_document_is_told_of_when_it_is_made_changed_and_deleted(api: Api) -> None:
    ids = await kind(api, "mill", FIELDS)
    made = await document(api, ids, "one", {"open": True})
    await api.patch(f"/block_documents/{made['id']}", {"data": {"open": False}})
    await api.delete(f"/block_documents/{made['id']}")

    events = await told(api.store, "block-document")
    assert [event.event for event in events] == [
        f"prefect.block-document.{change}" for change in ("created", "updated", "deleted")
    ]
    assert {event.name for event in events} == {"one"}
    assert [event.payload["data"] for event in events] == [{"open": True}, {"open": False}, {"open": False}]
    assert events[0].payload["block_schema"] == {
        "capabilities": [],
        "block_type": {"id": ids["block_type_id"], "name": "Mill"},
    }
    assert events[0].around == [("block-type", "Mill"), ("block-schema", None)]
    assert await found_by(api.store, events[2]) == [
        (f"prefect.block-document.{made['id']}", None),
        (f"prefect.block-type.{ids['block_type_id']}", "block-type"),
        (f"prefect.block-schema.{ids['block_schema_id']}", "block-schema"),
    ]


async def test_secrets_what_the_schema_does_not_name_and_other_documents_are_not_told(api: Api) -> None:
    ids = await kind(api, "mill", FIELDS)
    child = await document(api, ids, "child", {"open": "of the child"})
    data = {"open": 1, "password": "p", "headers": {"token": "t"}, "other": 2, "child": refers_to(child)}
    await document(api, ids, "parent", data)

    assert (await told(api.store))[-1].payload["data"] == {"open": 1}


async def test_nothing_is_told_of_values_where_all_may_be_secret(api: Api) -> None:
    await document(api, await kind(api, "mill", FIELDS | {"secret_fields": ["*"]}), "one", {"open": 1})

    assert (await told(api.store))[-1].payload["data"] == {}


async def test_nobody_is_told_of_anonymous_documents(api: Api) -> None:
    made = await document(api, await kind(api, "mill"), None, {}, is_anonymous=True)
    await api.patch(f"/block_documents/{made['id']}", {"data": {"a": 1}})
    await api.delete(f"/block_documents/{made['id']}")

    assert await names(api.store, "block-document") == []


@pytest.mark.parametrize("path", ["/block_types/{}", "/block_documents/{}"])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_what_is_not_there_leaves_no_event(api: Api, method: str, path: str) -> None:
    refused = await api.call(method, path.format(uuid4()), {} if method == "PATCH" else None)

    assert refused.status == 404
    assert await names(api.store) == []


async def test_a_name_that_is_taken_leaves_no_event(api: Api) -> None:
    ids = await kind(api, "mill")
    await document(api, ids, "one", {})
    taken = await api.post("/block_documents/", {**ids, "name": "one"})

    assert taken.status == 409
    assert await names(api.store, "block-document") == ["prefect.block-document.created"]
