"""A document that is no JSON Schema is told from one that is, before values are judged by it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.json_schema import Misfit, misfits
from headrace.rules.schema_form import fault

Json = Any
_KEYWORDS = (
    "type enum properties required additionalProperties items prefixItems uniqueItems minimum maximum"
    " exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems maxItems minProperties"
    " maxProperties pattern allOf anyOf oneOf not $ref definitions $defs"
).split()
_SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(("a", "(", "string"))
_JSON = st.recursive(
    _SCALARS | st.sampled_from(("#", "#/definitions/a", "#/x")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*_KEYWORDS, "a")), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": ["string", "null"], "title": 5, "format": "date"},
        {"properties": {"a": {"$ref": "#/definitions/A"}}, "definitions": {"A": {"minimum": 1.5}}},
        {"anyOf": [{"type": "null"}, {"items": {"pattern": "^a+$"}}], "not": {"enum": [1, "a", None]}},
    ],
)
def test_schemas_are_schemas(schema: Json) -> None:
    assert fault(schema) is None


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (5, None),
        ({"type": "text"}, "$.type"),
        ({"type": 5}, "$.type"),
        ({"required": "a"}, "$.required"),
        ({"properties": {"a": {"items": [{}]}}}, "$.properties[...].items"),
        ({"anyOf": [{}, {"minLength": "3"}]}, "$.anyOf[1].minLength"),
        ({"pattern": "("}, None),
        ({"multipleOf": 0}, None),
    ],
)
def test_what_is_no_schema_is_told_with_its_place(schema: Json, place: str | None) -> None:
    reason = fault(schema)
    assert reason
    assert place is None or place in reason


@given(schema=st.dictionaries(st.sampled_from(_KEYWORDS), _JSON, max_size=4), value=_JSON)
def test_a_schema_that_is_one_judges_every_value(schema: dict[str, Json], value: Json) -> None:
    if fault(schema) is None:
        try:
            assert all(isinstance(found, Misfit) for found in misfits(value, schema))
        except ValueError as error:
            # References that lead nowhere, in circles or to no schema are found only when they are followed.
            if "refers to" not in str(error) and "is not a schema" not in str(error):
                raise


def test_every_misfit_is_found_with_its_place() -> None:
    schema = {
        "properties": {"rows": {"items": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}},
        "required": ["name"],
    }
    assert list(misfits({"rows": [{"n": 1}, {"n": "x"}, {}]}, schema)) == [
        Misfit((), "'name' is a required property", "name"),
        Misfit(("rows", 1, "n"), "'x' is not of type 'integer'"),
        Misfit(("rows", 2), "'n' is a required property", "n"),
    ]
