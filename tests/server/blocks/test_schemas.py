"""`/block_schemas` and `/block_capabilities` answer as the contract says, on both databases."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.rules.block_schemas import checksum
from tests.server.api import Api
from tests.server.blocks.made import block_schema, block_type, document

FIELDS: dict[str, Any] = {
    "title": "Mill",
    "type": "object",
    "properties": {"z": {"type": "string"}, "a": {"type": "number", "default": 1.0}},
    "secret_fields": ["z"],
    "block_schema_references": {},
}


async def test_a_schema_is_made_and_read_by_id_and_checksum(api: Api) -> None:
    type_id = await block_type(api, "mill")
    made = await api.post(
        "/block_schemas/", {"block_type_id": type_id, "fields": FIELDS, "capabilities": ["b", "a"], "version": "1.2"}
    )
    assert made.status == 201
    assert made.json["checksum"] == checksum(FIELDS)
    assert (made.json["capabilities"], made.json["version"]) == (["b", "a"], "1.2")
    assert made.json["block_type"]["slug"] == "mill"
    assert list(made.json["fields"]["properties"]) == ["z", "a"]
    assert (await api.get(f"/block_schemas/{made.json['id']}")).json == made.json
    assert (await api.get(f"/block_schemas/checksum/{checksum(FIELDS)}")).json == made.json
    assert (await api.get(f"/block_schemas/checksum/{checksum(FIELDS)}", "version=1.2")).json == made.json
    assert (await api.get(f"/block_schemas/checksum/{checksum(FIELDS)}", "version=1.3")).status == 404


async def test_the_same_fields_and_version_are_one_schema(api: Api) -> None:
    type_id = await block_type(api, "mill")
    body = {"block_type_id": type_id, "fields": FIELDS}
    made = await api.post("/block_schemas/", body)
    again = await api.post("/block_schemas/", body | {"fields": FIELDS | {"secret_fields": []}})
    newer = await api.post("/block_schemas/", body | {"version": "2"})
    assert (made.status, again.status, newer.status) == (201, 200, 201)
    assert again.json == made.json
    assert (newer.json["checksum"], newer.json["id"] == made.json["id"]) == (made.json["checksum"], False)
    assert (await api.get(f"/block_schemas/checksum/{checksum(FIELDS)}")).json["id"] == newer.json["id"]


async def test_a_schema_without_anything_is_one_too(api: Api) -> None:
    made = await block_schema(api, await block_type(api, "mill"))
    assert (made["fields"], made["version"]) == ({"block_schema_references": {}}, "non-versioned")


async def test_a_schema_keeps_what_its_fields_are_blocks_of(api: Api) -> None:
    inner = await block_schema(api, await block_type(api, "inner"), {"title": "Inner"})
    reference = {"block_type_slug": "inner", "block_schema_checksum": inner["checksum"]}
    fields = {
        "title": "Outer",
        "properties": {"one": {"$ref": "#/definitions/Inner"}},
        "block_schema_references": {"one": reference, "several": [reference, {"block_schema_checksum": "sha256:0"}]},
        "definitions": {"Inner": {"title": "Inner", "block_type_slug": "inner"}},
    }
    outer = await block_schema(api, await block_type(api, "outer"), fields)
    assert outer["fields"] == fields
    assert (await api.delete(f"/block_schemas/{inner['id']}")).status == 204
    assert (await api.get(f"/block_schemas/{outer['id']}")).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "block_type_id"),
        ({"block_type_id": "x"}, "block_type_id"),
        ({"block_type_id": str(UUID(int=1)), "fields": []}, "fields"),
        ({"block_type_id": str(UUID(int=1)), "capabilities": ["a", 1]}, "capabilities"),
        ({"block_type_id": str(UUID(int=1)), "checksum": "sha256:0"}, "checksum"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_by_field(api: Api, body: dict[str, object], field: str) -> None:
    refused = await api.post("/block_schemas/", body)
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"][1] == field


async def test_fields_that_are_nested_without_end_are_refused(api: Api) -> None:
    type_id = await block_type(api, "mill")
    fields: dict[str, Any] = {}
    for _ in range(200):
        fields = {"properties": fields}
    assert (await api.post("/block_schemas/", {"block_type_id": type_id, "fields": fields})).status == 422


async def test_what_does_not_exist_is_not_found(api: Api) -> None:
    for answered in (
        await api.get(f"/block_schemas/{uuid4()}"),
        await api.get("/block_schemas/checksum/sha256:0"),
        await api.delete(f"/block_schemas/{uuid4()}"),
        await api.post("/block_schemas/", {"block_type_id": str(uuid4())}),
    ):
        assert answered.status == 404
        assert answered.json["detail"]


async def test_deleting_a_schema_takes_its_documents_with_it(api: Api) -> None:
    schema = await block_schema(api, await block_type(api, "mill"))
    ids = {"block_type_id": schema["block_type_id"], "block_schema_id": schema["id"]}
    made = await document(api, ids, "one", {})
    assert (await api.delete(f"/block_schemas/{schema['id']}")).status == 204
    assert (await api.get(f"/block_documents/{made['id']}")).status == 404


async def test_schemas_are_listed_newest_first_and_filtered(api: Api) -> None:
    mill, oven = await block_type(api, "mill"), await block_type(api, "oven")
    first = await block_schema(api, mill, {"title": "1"}, capabilities=["read", "write"])
    second = await block_schema(api, mill, {"title": "2"}, capabilities=["read"], version="2")
    third = await block_schema(api, oven, {"title": "3"})

    async def ids(**body: object) -> list[str]:
        return [found["id"] for found in (await api.post("/block_schemas/filter", body)).json]

    assert await ids() == [third["id"], second["id"], first["id"]]
    assert await ids(limit=1, offset=1) == [second["id"]]
    assert await ids(block_schemas={"block_type_id": {"any_": [mill]}}) == [second["id"], first["id"]]
    assert await ids(block_schemas={"block_capabilities": {"all_": ["write", "read"]}}) == [first["id"]]
    assert await ids(block_schemas={"version": {"any_": ["2"]}}) == [second["id"]]
    either = {"operator": "or_", "version": {"any_": ["2"]}, "id": {"any_": [third["id"]]}}
    assert await ids(block_schemas=either) == [third["id"], second["id"]]


async def test_capabilities_are_those_of_all_schemas_each_once(api: Api) -> None:
    assert (await api.get("/block_capabilities/")).json == []
    type_id = await block_type(api, "mill")
    await block_schema(api, type_id, {"title": "1"}, capabilities=["write", "read"])
    await block_schema(api, type_id, {"title": "2"}, capabilities=["notify", "read"])
    assert (await api.get("/block_capabilities/")).json == ["notify", "read", "write"]
