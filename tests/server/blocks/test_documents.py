"""`/block_documents` answers as the contract says, on both databases."""

from typing import Any
from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.blocks.made import block_schema, document, kind, refers_to, secrets_of

SECRET = {"secret_fields": ["password", "headers.*"]}
ANONYMOUS = {"is_anonymous": True}


async def test_a_document_is_kept_and_read_with_its_type_and_schema(api: Api) -> None:
    ids = await kind(api, "mill")
    made = await document(api, ids, "one", {"wheels": 2, "sluice": {"open": True, "löß": [1, 2.5, None]}})
    assert made["data"] == {"wheels": 2, "sluice": {"open": True, "löß": [1, 2.5, None]}}
    assert (made["name"], made["block_type_name"], made["is_anonymous"]) == ("one", "Mill", False)
    assert made["block_type"]["slug"] == "mill"
    assert made["block_schema"]["block_type"] == made["block_type"]
    assert made["block_document_references"] == {}
    assert (await api.get(f"/block_documents/{made['id']}")).json == made
    assert (await api.get("/block_types/slug/mill/block_documents/name/one")).json == made
    assert (await api.get("/block_types/slug/mill/block_documents")).json == [made]


@pytest.mark.parametrize(
    "data",
    [
        {"": 1, "a.b": [], "*": {}},
        {"n": 2**70, "f": -1e308, "none": None, "flag": False},
        {"text": "\x00 😀 ' \" \\ $ref"},
        {"$ref": {"block_document_id": "at the top"}},
    ],
)
async def test_whatever_json_can_say_is_kept(api: Api, data: dict[str, Any]) -> None:
    made = await document(api, await kind(api, "mill", {"secret_fields": ["", None, "x.y"]}), "one", data)
    assert await secrets_of(api, made["id"]) == data


async def test_a_name_is_taken_within_its_type_only(api: Api) -> None:
    mill, oven = await kind(api, "mill"), await kind(api, "oven")
    await document(api, mill, "one", {})
    await document(api, oven, "one", {})
    taken = await api.post("/block_documents/", {**mill, "name": "one"})
    assert (taken.status, taken.json["detail"]) == (409, "Block already exists")


@pytest.mark.parametrize("name", ["", "One", "one_two", "a/b", "ö"])
async def test_a_name_has_lower_case_letters_digits_and_dashes(api: Api, name: str) -> None:
    refused = await api.post("/block_documents/", {**await kind(api, "mill"), "name": name})
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "name"]


async def test_a_body_that_does_not_fit_is_refused(api: Api) -> None:
    ids = await kind(api, "mill")
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"x": deep}
    for body in (
        {},
        ids,
        {**ids, "name": None},
        {**ids, "name": "one", "data": []},
        {**ids, "name": "one", "data": deep},
        {**ids, "name": "one", "values": {}},
        {**ids, "name": "one", "is_anonymous": "perhaps"},
        {**ids, "name": "one", "block_schema_id": "x"},
    ):
        assert (await api.post("/block_documents/", body)).status == 422
    assert (await api.post("/block_documents/count")).json == 0


async def test_the_schema_has_to_be_one_of_the_type(api: Api) -> None:
    mill, oven = await kind(api, "mill"), await kind(api, "oven")
    for ids in (
        mill | {"block_schema_id": str(uuid4())},
        mill | {"block_type_id": str(uuid4())},
        mill | {"block_schema_id": oven["block_schema_id"]},
    ):
        assert (await api.post("/block_documents/", {**ids, "name": "one"})).status == 409
    made = await document(api, mill, "one", {})
    for schema_id in (str(uuid4()), oven["block_schema_id"]):
        assert (await api.patch(f"/block_documents/{made['id']}", {"block_schema_id": schema_id})).status == 409


async def test_what_does_not_exist_is_not_found(api: Api) -> None:
    await kind(api, "mill")
    for answered in (
        await api.get(f"/block_documents/{uuid4()}"),
        await api.patch(f"/block_documents/{uuid4()}", {"data": {}}),
        await api.delete(f"/block_documents/{uuid4()}"),
        await api.get("/block_types/slug/mill/block_documents/name/nobody"),
    ):
        assert (answered.status, answered.json["detail"]) == (404, "Block document not found")


async def test_a_document_is_deleted(api: Api) -> None:
    ids = await kind(api, "mill")
    made = await document(api, ids, "one", {})
    assert (await api.delete(f"/block_documents/{made['id']}")).status == 204
    assert (await api.get(f"/block_documents/{made['id']}")).status == 404
    await document(api, ids, "one", {})


async def test_secrets_are_hidden_unless_they_are_asked_for(api: Api) -> None:
    data = {"user": "ada", "password": "p", "headers": {"a": "1", "b": None}}
    shown = {"user": "ada", "password": "********", "headers": {"a": "********", "b": None}}
    made = await document(api, await kind(api, "mill", SECRET), "one", data)
    by_name = "/block_types/slug/mill/block_documents"
    assert made["data"] == shown
    assert (await api.get(f"/block_documents/{made['id']}")).json["data"] == shown
    assert (await api.get(f"{by_name}/name/one")).json["data"] == shown
    assert (await api.get(by_name)).json[0]["data"] == shown
    assert (await api.post("/block_documents/filter")).json[0]["data"] == shown
    assert await secrets_of(api, made["id"]) == data
    assert (await api.get(f"{by_name}/name/one", "include_secrets=true")).json["data"] == data
    assert (await api.get(by_name, "include_secrets=true")).json[0]["data"] == data
    assert (await api.post("/block_documents/filter", {"include_secrets": True})).json[0]["data"] == data


async def test_a_change_keeps_the_fields_that_it_does_not_name(api: Api) -> None:
    made = await document(api, await kind(api, "mill"), "one", {"a": 1, "b": {"c": 1}})
    assert (await api.patch(f"/block_documents/{made['id']}", {"data": {"b": {"d": 2}}})).status == 204
    found = (await api.get(f"/block_documents/{made['id']}")).json
    assert found["data"] == {"a": 1, "b": {"d": 2}}
    assert found["updated"] > made["updated"]


async def test_a_change_can_replace_everything(api: Api) -> None:
    made = await document(api, await kind(api, "mill"), "one", {"a": 1, "b": 2})
    change = {"data": {"b": 3}, "merge_existing_data": False}
    assert (await api.patch(f"/block_documents/{made['id']}", change)).status == 204
    assert await secrets_of(api, made["id"]) == {"b": 3}


@pytest.mark.parametrize("merge", [True, False])
async def test_a_secret_that_comes_back_hidden_stays_what_it_is(api: Api, merge: bool) -> None:
    data = {"user": "ada", "password": "p", "headers": {"a": "1"}}
    made = await document(api, await kind(api, "mill", SECRET), "one", data)
    change = {"data": made["data"] | {"user": "bob"}, "merge_existing_data": merge}
    assert (await api.patch(f"/block_documents/{made['id']}", change)).status == 204
    assert await secrets_of(api, made["id"]) == data | {"user": "bob"}


async def test_a_document_moves_to_another_schema_of_its_type(api: Api) -> None:
    ids = await kind(api, "mill")
    made = await document(api, ids, "one", {"a": 1})
    newer = await block_schema(api, ids["block_type_id"], {"title": "newer", "secret_fields": ["a"]})
    assert (await api.patch(f"/block_documents/{made['id']}", {"block_schema_id": newer["id"]})).status == 204
    found = (await api.get(f"/block_documents/{made['id']}")).json
    assert (found["block_schema_id"], found["data"]) == (newer["id"], {"a": "********"})


async def test_a_key_that_is_not_known_is_refused_in_a_change(api: Api) -> None:
    made = await document(api, await kind(api, "mill"), "one", {})
    assert (await api.patch(f"/block_documents/{made['id']}", {"name": "two"})).status == 422


async def test_anonymous_documents_have_a_name_made_up_and_are_left_out_of_lists(api: Api) -> None:
    ids = await kind(api, "mill")
    named = await document(api, ids, "one", {})
    hidden = await document(api, ids, None, {}, **ANONYMOUS)
    assert hidden["name"].startswith("anonymous-")

    async def found(**body: object) -> list[str]:
        listed = (await api.post("/block_documents/filter", body)).json
        assert (await api.post("/block_documents/count", body)).json == len(listed)
        return sorted(document["id"] for document in listed)

    everything = sorted([named["id"], hidden["id"]])
    assert await found() == [named["id"]]
    assert await found(block_documents=None) == [named["id"]]
    assert await found(block_documents={}) == [named["id"]]
    assert await found(block_documents={"id": {"any_": everything}}) == [named["id"]]
    assert await found(block_documents={"is_anonymous": {"eq_": True}}) == [hidden["id"]]
    assert await found(block_documents={"is_anonymous": None}) == everything
    assert await found(block_documents={"is_anonymous": {}}) == everything
    assert (await api.get(f"/block_documents/{hidden['id']}")).status == 200
    assert [document["id"] for document in (await api.get("/block_types/slug/mill/block_documents")).json] == [
        named["id"]
    ]


async def test_documents_are_listed_in_the_order_asked_for_and_filtered(api: Api) -> None:
    mill, oven = await kind(api, "mill"), await kind(api, "oven", capabilities=["heat"])
    for ids, name in ((oven, "b"), (mill, "c"), (oven, "a")):
        await document(api, ids, name, {})

    async def names(**body: object) -> list[str]:
        listed = (await api.post("/block_documents/filter", body)).json
        if "limit" not in body:
            assert (await api.post("/block_documents/count", body)).json == len(listed)
        return [document["name"] for document in listed]

    assert await names() == ["a", "b", "c"]
    assert await names(sort=None) == ["a", "b", "c"]
    assert await names(sort="NAME_DESC") == ["c", "b", "a"]
    assert await names(sort="BLOCK_TYPE_AND_NAME_ASC") == ["c", "a", "b"]
    assert await names(limit=1, offset=1) == ["b"]
    assert await names(limit=0) == []
    assert await names(block_documents={"name": {"like_": "B"}}) == ["b"]
    assert await names(block_documents={"block_type_id": {"any_": [mill["block_type_id"]]}}) == ["c"]
    assert await names(block_types={"slug": {"any_": ["oven"]}}) == ["a", "b"]
    assert await names(block_schemas={"block_capabilities": {"all_": ["heat"]}}) == ["a", "b"]
    assert (await api.post("/block_documents/filter", {"sort": "SIZE"})).status == 422
    assert (await api.post("/block_documents/filter", {"block_documents": {"slug": {}}})).status == 422
    assert (await api.post("/block_documents/filter", {"limit": -1})).status == 422


async def test_references_hold_each_other_s_values_in_lists_too(api: Api) -> None:
    inner = await document(api, await kind(api, "inner", SECRET), "kid", {"password": "p"})
    await document(api, await kind(api, "outer"), "parent", {"kid": refers_to(inner)})
    listed = (await api.post("/block_documents/filter", {"include_secrets": True})).json
    assert [found["data"] for found in listed] == [{"password": "p"}, {"kid": {"password": "p"}}]
