"""`/block_types` answers as the contract says, on both databases."""

from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.blocks.made import block_schema, block_type, document, kind


async def test_a_type_is_made_and_read_by_id_and_slug(api: Api) -> None:
    made = await api.post("/block_types/", {"name": "Mill", "slug": "mill", "description": "grinds", "logo_url": None})
    assert made.status == 201
    assert (made.json["name"], made.json["slug"], made.json["is_protected"]) == ("Mill", "mill", False)
    assert (await api.get(f"/block_types/{made.json['id']}")).json == made.json
    assert (await api.get("/block_types/slug/mill")).json == made.json


async def test_a_slug_names_one_type(api: Api) -> None:
    await block_type(api, "mill")
    taken = await api.post("/block_types/", {"name": "Other", "slug": "mill"})
    assert (taken.status, taken.json["detail"]) == (409, 'There is a block type with the slug "mill" already.')


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"slug": "a"}, "name"),
        ({"name": "A"}, "slug"),
        ({"name": "a/b", "slug": "a"}, "name"),
        ({"name": "A", "slug": "Not_A_Slug"}, "slug"),
        ({"name": "A", "slug": "a", "is_protected": True}, "is_protected"),
        ({"name": "A", "slug": "a", "description": 1}, "description"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_by_field(api: Api, body: dict[str, object], field: str) -> None:
    refused = await api.post("/block_types/", body)
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", field]


@pytest.mark.parametrize("name", ["Prefect", "prefect mill", "PREFECTION"])
async def test_names_of_the_server_s_own_are_reserved(api: Api, name: str) -> None:
    assert (await api.post("/block_types/", {"name": name, "slug": "mill"})).status == 403


async def test_only_what_is_given_is_changed(api: Api) -> None:
    id = await block_type(api, "mill", description="grinds", code_example="mill()")
    assert (await api.patch(f"/block_types/{id}", {"description": None, "logo_url": "http://x/y.png"})).status == 204
    found = (await api.get(f"/block_types/{id}")).json
    assert (found["description"], found["code_example"], found["logo_url"]) == (None, "mill()", "http://x/y.png")
    assert found["updated"] > found["created"]
    assert (await api.patch(f"/block_types/{id}", {"name": "Other"})).status == 422


async def test_a_type_that_does_not_exist_is_not_found(api: Api) -> None:
    for answered in (
        await api.get(f"/block_types/{uuid4()}"),
        await api.get("/block_types/slug/nobody"),
        await api.get("/block_types/slug/nobody/block_documents"),
        await api.get("/block_types/slug/nobody/block_documents/name/x"),
        await api.patch(f"/block_types/{uuid4()}", {}),
        await api.delete(f"/block_types/{uuid4()}"),
    ):
        assert answered.status == 404
        assert answered.json["detail"]


async def test_deleting_a_type_takes_its_schemas_and_documents_with_it(api: Api) -> None:
    ids = await kind(api, "mill")
    made = await document(api, ids, "one", {"a": 1})
    assert (await api.delete(f"/block_types/{ids['block_type_id']}")).status == 204
    assert (await api.get(f"/block_schemas/{ids['block_schema_id']}")).status == 404
    assert (await api.get(f"/block_documents/{made['id']}")).status == 404
    await block_type(api, "mill")


async def test_types_are_listed_by_name_and_filtered(api: Api) -> None:
    for slug in ("oven", "mill", "barn"):
        id = await block_type(api, slug)
        await block_schema(api, id, {"title": slug}, capabilities=["heat"] if slug == "oven" else [])

    async def slugs(**body: object) -> list[str]:
        return [found["slug"] for found in (await api.post("/block_types/filter", body)).json]

    assert await slugs() == ["barn", "mill", "oven"]
    assert await slugs(limit=1, offset=1) == ["mill"]
    assert await slugs(block_types={"name": {"like_": "IL"}}) == ["mill"]
    assert await slugs(block_types={"slug": {"any_": ["barn", "x"]}}) == ["barn"]
    assert await slugs(block_types={"slug": {"any_": []}}) == []
    assert await slugs(block_schemas={"block_capabilities": {"all_": ["heat"]}}) == ["oven"]
    assert (await api.post("/block_types/filter", {"block_types": {"id": {}}})).status == 422
    assert (await api.post("/block_types/filter", {"limit": 201})).status == 422
