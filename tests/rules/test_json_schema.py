"""Which values fit which JSON Schemas, and what is said of those that do not."""

from typing import Any

import pytest

from headrace.rules.json_schema import CircularSchema, misfit

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {"node": {"properties": {"child": {"$ref": "#/$defs/node"}}, "type": "object"}},
}

CASES: list[tuple[Any, Any, str | None]] = [
    (1, {"type": "integer"}, None),
    (1.0, {"type": "integer"}, None),
    (1.5, {"type": "integer"}, "1.5 is not of type 'integer'"),
    (True, {"type": "integer"}, "True is not of type 'integer'"),
    (True, {"type": "number"}, "True is not of type 'number'"),
    (None, {"type": ["string", "null"]}, None),
    ("x", {"type": "null"}, "'x' is not of type 'null'"),
    ([], {"type": "object"}, "[] is not of type 'object'"),
    ("b", {"enum": ["a", "b"]}, None),
    ("c", {"enum": ["a", "b"]}, "'c' is not one of ['a', 'b']"),
    (2, {"const": 1}, "2 is not 1"),
    ("abc", {"maxLength": 2}, "3 characters are more than 2"),
    ("a", {"minLength": 2}, "1 characters are fewer than 2"),
    ("a1", {"pattern": "^[a-z]+$"}, "'a1' does not match '^[a-z]+$'"),
    (5, {"minimum": 5, "maximum": 5}, None),
    (5, {"exclusiveMinimum": 5}, "5 is not greater than 5"),
    (5, {"exclusiveMaximum": 5}, "5 is not less than 5"),
    (4, {"minimum": 5}, "4 is less than 5"),
    (6, {"maximum": 5}, "6 is greater than 5"),
    (7, {"multipleOf": 2}, "7 is not a multiple of 2"),
    ({"a": 1}, {"required": ["a", "b"]}, "'b' is a required property"),
    ({"a": {"b": "x"}}, {"properties": {"a": {"properties": {"b": {"type": "integer"}}}}}, "a.b: 'x' is not of type"),
    ({"a": 1}, {"additionalProperties": False}, "'a' is not one of its properties"),
    ({"a": 1}, {"additionalProperties": {"type": "string"}}, "a: 1 is not of type 'string'"),
    ({"a": 1}, {"minProperties": 2}, "1 properties are fewer than 2"),
    ([1, "x"], {"items": {"type": "integer"}}, "[1]: 'x' is not of type 'integer'"),
    (["x", 1], {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, None),
    (["x", 1, 2], {"prefixItems": [{}], "items": False}, "[1]: no value is allowed here"),
    ([1, 1], {"uniqueItems": True}, "its items are not all different"),
    ([1], {"minItems": 2}, "1 items are fewer than 2"),
    (3, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, None),
    ([], {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "[] fits none of the 2 forms it may have"),
    (3, {"oneOf": [{"type": "integer"}, {"minimum": 1}]}, "3 does not fit exactly one of the 2 forms it may have"),
    (3, {"allOf": [{"type": "integer"}, {"minimum": 4}]}, "3 is less than 4"),
    (3, {"not": {"type": "integer"}}, "3 has a form that is ruled out"),
    ({"child": {"child": {}}}, TREE, None),
    ({"child": {"child": 1}}, TREE, "child.child: 1 is not of type 'object'"),
    ("anything", True, None),
    ("anything", {"title": "T", "description": "D", "default": 1}, None),
]


@pytest.mark.parametrize(("value", "schema", "expected"), CASES)
def test_a_value_fits_or_the_place_and_the_reason_are_named(value: Any, schema: Any, expected: str | None) -> None:
    said = misfit(value, schema)
    assert said is None if expected is None else said is not None and said.startswith(expected)


def test_a_schema_that_refers_to_itself_without_end_is_an_error() -> None:
    with pytest.raises(CircularSchema):
        misfit(1, {"$ref": "#"})


def test_a_reference_to_nothing_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="#/definitions/x"):
        misfit(1, {"$ref": "#/definitions/x"})
