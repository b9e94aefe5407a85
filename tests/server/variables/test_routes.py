"""`/variables` answers as the contract says, on both databases."""

from typing import Any
from uuid import uuid4

import pytest

from headrace.server.variables import service
from tests.server.api import Api

Json = Any


async def make(api: Api, name: str, value: Json = 1, **fields: Json) -> Json:
    made = await api.post("/variables/", {"name": name, "value": value, **fields})
    assert made.status == 201, made.json
    return made.json


@pytest.mark.parametrize("value", [None, "text", "", 5, 1.5, True, [1, "a"], {"a": {"b": None}}])
async def test_a_value_is_any_json_and_is_read_by_id_and_by_name(api: Api, value: Json) -> None:
    made = await make(api, "region", value, tags=["prod"])
    assert (made["value"], made["tags"]) == (value, ["prod"])
    assert (await api.get(f"/variables/{made['id']}")).json == made
    assert (await api.get("/variables/name/region")).json == made


async def test_a_name_is_taken_once(api: Api) -> None:
    made = await make(api, "region")
    again = await api.post("/variables/", {"name": "region", "value": 2})
    assert again.status == 409
    assert again.json["detail"] == "A variable with the name 'region' already exists."
    await make(api, "other")
    for path in (f"/variables/{made['id']}", "/variables/name/region"):
        assert (await api.patch(path, {"name": "other"})).status == 409
    assert (await api.get("/variables/name/region")).json["value"] == 1


@pytest.mark.parametrize("name", ["", "a-b_c9", "x" * 255])
async def test_names_of_lower_case_letters_digits_dashes_and_underscores_are_taken(api: Api, name: str) -> None:
    assert (await make(api, name))["name"] == name


@pytest.mark.parametrize("name", ["Upper", "a b", "a/b", "ü", "x" * 256, "a.b", "a\n", None, 5])
async def test_other_names_are_refused(api: Api, name: Json) -> None:
    made = await make(api, "fine")
    for answer in (
        await api.post("/variables/", {"name": name, "value": 1}),
        *([await api.patch(f"/variables/{made['id']}", {"name": name})] if name is not None else []),
    ):
        assert answer.status == 422
        assert answer.json["exception_detail"][0]["loc"] == ["body", "name"]
    assert (await api.post("/variables/count")).json == 1


async def test_a_value_holds_at_most_5000_characters_of_json(api: Api) -> None:
    made = await make(api, "fits", "x" * 4998)
    for answer in (
        await api.post("/variables/", {"name": "long", "value": "x" * 4999}),
        await api.patch(f"/variables/{made['id']}", {"value": "x" * 4999}),
    ):
        assert answer.status == 422
        assert "5000" in answer.json["exception_detail"][0]["msg"]


async def test_only_what_is_given_is_changed(api: Api) -> None:
    made = await make(api, "region", "eu", tags=["a"])
    path = f"/variables/{made['id']}"
    assert (await api.patch(path, {})).status == 204
    read = (await api.get(path)).json
    assert {**read, "updated": None} == {**made, "updated": None}
    await api.patch(path, {"value": None})
    assert (await api.get(path)).json["value"] is None
    await api.patch("/variables/name/region", {"name": "place", "tags": []})
    read = (await api.get("/variables/name/place")).json
    assert (read["id"], read["value"], read["tags"]) == (made["id"], None, [])
    assert (await api.get("/variables/name/region")).status == 404


async def test_a_variable_is_deleted_by_id_or_by_name_and_its_name_is_free_again(api: Api) -> None:
    made = await make(api, "region")
    assert (await api.delete(f"/variables/{made['id']}")).status == 204
    await make(api, "region")
    assert (await api.delete("/variables/name/region")).status == 204
    assert (await api.post("/variables/count")).json == 0


async def test_a_variable_that_does_not_exist_is_not_found(api: Api) -> None:
    for path in (f"/variables/{uuid4()}", "/variables/name/nobody"):
        for answer in (await api.get(path), await api.delete(path), await api.patch(path, {"value": 1})):
            assert (answer.status, answer.json["detail"]) == (404, "Variable not found.")


async def test_variables_are_filtered_and_sorted(api: Api) -> None:
    b, c, a = [await make(api, name, tags=tags) for name, tags in (("bee", ["x", "y"]), ("cow", []), ("ant", ["x"]))]

    async def names(**body: Json) -> list[str]:
        return [row["name"] for row in (await api.post("/variables/filter", body)).json]

    assert await names() == ["ant", "bee", "cow"]
    assert await names(sort="NAME_DESC") == ["cow", "bee", "ant"]
    assert await names(sort="CREATED_DESC") == ["ant", "cow", "bee"]
    await api.patch(f"/variables/{c['id']}", {"value": 2})
    assert await names(sort="UPDATED_DESC") == ["cow", "ant", "bee"]
    assert await names(limit=1, offset=1) == ["bee"]
    assert await names(variables={"id": {"any_": [a["id"], b["id"]]}}) == ["ant", "bee"]
    assert await names(variables={"name": {"like_": "O"}}) == ["cow"]
    assert await names(variables={"name": {"any_": ["ant", "zoo"]}}) == ["ant"]
    assert await names(variables={"tags": {"all_": ["x", "y"]}}) == ["bee"]
    assert await names(variables={"tags": {"is_null_": True}}) == ["cow"]
    assert await names(variables=None) == ["ant", "bee", "cow"]
    assert (await api.post("/variables/count", {"variables": {"tags": {"all_": ["x"]}}})).json == 2
    assert (await api.post("/variables/count")).json == 3


@pytest.mark.parametrize(
    "body", [{"limit": 201}, {"offset": -1}, {"sort": "ID_DESC"}, {"variables": {"value": {}}}, {"variables": 5}]
)
async def test_a_listing_that_makes_no_sense_is_refused(api: Api, body: Json) -> None:
    assert (await api.post("/variables/filter", body)).status == 422


@pytest.mark.parametrize("body", [{"name": "a"}, {"value": 1}, {"name": "a", "value": 1, "x": 1}, b"[]", b"{"])
async def test_what_is_no_variable_is_refused(api: Api, body: Json) -> None:
    assert (await api.post("/variables/", body)).status == 422


async def test_values_are_looked_up_by_name_and_missing_ones_left_out(api: Api) -> None:
    await make(api, "one", 1)
    await make(api, "nothing", None)
    assert await service.values(api.store, {"one", "nothing", "missing"}) == {"one": 1, "nothing": None}
    assert await service.values(api.store, []) == {}
