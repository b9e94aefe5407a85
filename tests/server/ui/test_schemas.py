"""`/ui/schemas/validate` says what is wrong with the values of a form, part by part, on both databases."""

from typing import Any

import pytest

from tests.server.api import Api

Json = Any
SCHEMA = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 1},
        "names": {"type": "array", "items": {"type": "string"}},
        "place": {"$ref": "#/definitions/Place"},
    },
    "required": ["count"],
    "definitions": {
        "Place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def fault(property: str, *errors: Json) -> Json:
    return {"property": property, "errors": list(errors)}


async def errors(api: Api, values: Json, schema: Json = SCHEMA) -> Json:
    answer = await api.post("/ui/schemas/validate", {"schema": schema, "values": values})
    assert answer.status == 200, answer.json
    assert answer.json["valid"] is (answer.json["errors"] == [])
    return answer.json["errors"]


@pytest.mark.parametrize("values", [{"count": 1}, {"count": 2, "names": ["a"], "place": {"city": "x"}, "more": 1}])
async def test_values_that_fit_are_valid(api: Api, values: Json) -> None:
    assert await errors(api, values) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, [fault("count", "'count' is a required property")]),
        ({"count": "x"}, [fault("count", "'x' is not of type 'integer'")]),
        (
            {"count": 1, "names": [1, "b", 2]},
            [
                fault(
                    "names",
                    {"index": 0, "errors": ["1 is not of type 'string'"]},
                    {"index": 2, "errors": ["2 is not of type 'string'"]},
                )
            ],
        ),
        ({"count": 1, "place": {}}, [fault("place", fault("city", "'city' is a required property"))]),
        ({"count": 1, "place": {"city": 5}}, [fault("place", fault("city", "5 is not of type 'string'"))]),
    ],
)
async def test_each_fault_is_told_where_it_is(api: Api, values: Json, expected: Json) -> None:
    assert await errors(api, values) == expected


async def test_what_is_wrong_with_the_values_as_a_whole_is_told_first(api: Api) -> None:
    assert await errors(api, {}, {"type": "string"}) == ["{} is not of type 'string'"]


async def test_placeholders_are_resolved_before_they_are_judged(api: Api) -> None:
    await api.post("/variables/", {"name": "many", "value": 7})
    await api.post("/variables/", {"name": "word", "value": "seven"})
    assert await errors(api, {"count": {"__prefect_kind": "json", "value": "5"}}) == []
    assert await errors(api, {"count": {"__prefect_kind": "workspace_variable", "variable_name": "many"}}) == []
    assert await errors(api, {"count": {"__prefect_kind": "workspace_variable", "variable_name": "word"}}) == [
        fault("count", "'seven' is not of type 'integer'")
    ]
    assert await errors(api, {"count": 1, "names": [{"__prefect_kind": "json", "value": "5"}]}) == [
        fault("names", {"index": 0, "errors": ["5 is not of type 'string'"]})
    ]


@pytest.mark.parametrize(
    ("placeholder", "message"),
    [
        ({"__prefect_kind": "json", "value": "{"}, "Invalid JSON"),
        ({"__prefect_kind": "jinja", "template": "{{ x "}, "Invalid jinja"),
        ({"__prefect_kind": "jinja"}, "Missing 'template' key"),
        ({"__prefect_kind": "workspace_variable", "variable_name": "nobody"}, "Variable 'nobody' not found"),
    ],
)
async def test_a_placeholder_that_stands_for_nothing_is_its_own_fault(
    api: Api, placeholder: Json, message: str
) -> None:
    (found,) = await errors(api, {"count": placeholder})
    assert found["property"] == "count"
    assert [message in error for error in found["errors"]] == [True]


async def test_a_template_fits_whatever_is_asked_for(api: Api) -> None:
    assert await errors(api, {"count": {"__prefect_kind": "jinja", "template": "{{ 1 }}"}}) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"required": "count"},
        {"properties": []},
        {"properties": {"count": {"minimum": "x"}}},
        {"properties": {"count": {"pattern": "("}}},
        {"properties": {"count": {"$ref": "#/definitions/Nobody"}}},
        {"properties": {"count": {"$ref": "#/elsewhere"}}, "elsewhere": {"required": 5}},
        {"properties": {"count": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"$ref": "#/definitions/A"}}},
    ],
)
async def test_a_schema_that_is_none_is_refused(api: Api, schema: Json) -> None:
    refused = await api.post("/ui/schemas/validate", {"schema": schema, "values": {"count": 1}})
    assert refused.status == 422
    assert refused.json["detail"].startswith("Invalid schema: ")


@pytest.mark.parametrize(
    "body", [{}, {"schema": {}}, {"values": {}}, {"schema": 5, "values": {}}, {"schema": {}, "values": []}]
)
async def test_both_parts_have_to_be_objects(api: Api, body: Json) -> None:
    assert (await api.post("/ui/schemas/validate", body)).status == 422
