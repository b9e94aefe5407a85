"""`make conformance` sees what clients would trip over, and takes a listed reason for an answer."""

from typing import Any

import pytest

from scripts.conformance.differences import Difference, differences
from scripts.conformance.operations import operations
from scripts.conformance.reasons import PAGE, read_reasons, reason_for

Json = dict[str, Any]

MILL = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "built": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "kind": {"$ref": "#/components/schemas/Kind"},
        "stones": {"type": "array", "items": {"type": "integer"}},
        "owner": {"$ref": "#/components/schemas/Owner"},
    },
}
KIND = {"enum": ["WATER", "WIND"]}
OWNER = {"type": "object", "properties": {"heir": {"$ref": "#/components/schemas/Owner"}, "name": {"type": "string"}}}


def api(*, path: str = "/mills/{id}", mill: Json = MILL, kind: Json = KIND, answers: Json | None = None) -> Json:
    """A document with one operation that takes a mill and answers it."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Mill"}}}
    operation = {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
            {"name": "x-version", "in": "header", "schema": {"type": "string"}},
        ],
        "requestBody": {"required": True, "content": content},
        "responses": answers or {"200": {"content": content}, "422": {}},
    }
    return {
        "paths": {path: {"put": operation}},
        "components": {"schemas": {"Mill": mill, "Kind": kind, "Owner": OWNER}},
    }


def found(peer: Json, ours: Json) -> set[tuple[str, str, str]]:
    return {(d.part, d.peer, d.ours) for d in differences(operations(peer), operations(ours))}


def mill(**properties: Any) -> Json:
    """The mill with other properties; None takes one away."""
    changed = {name: schema for name, schema in (MILL["properties"] | properties).items() if schema is not None}
    return MILL | {"properties": changed}


def test_the_same_api_has_no_differences() -> None:
    """Names of types, inlined types and the order of alternatives do not count."""
    null_first = {"anyOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]}
    assert found(api(), api(mill=mill(built=null_first, kind=KIND))) == set()


def test_an_operation_that_one_side_lacks_is_named_alone() -> None:
    assert found(api(), api(path="/towers/{id}")) == {
        ("operation", "there", "absent"),
        ("operation", "absent", "there"),
    }


def test_the_name_of_a_path_parameter_is_seen_but_is_the_same_operation() -> None:
    ours = api()
    ours["paths"] = {"/mills/{name}": ours["paths"]["/mills/{id}"]}
    ours["paths"]["/mills/{name}"]["put"]["parameters"][0]["name"] = "name"
    assert {part for part, *_ in found(api(), ours)} == {"path.id", "path.name"}


@pytest.mark.parametrize(
    ("ours", "part", "difference"),
    [
        (mill(stones=None), "stones", ("array", "absent")),
        (mill(extra={"type": "boolean"}), "extra", ("absent", "boolean")),
        (mill(built={"type": "string", "format": "date-time"}), "built", ("time or null", "time")),
        (mill(name={"type": "string", "format": "uuid"}), "name", ("string", "uuid")),
        (mill(stones={"type": "array", "items": {"type": "number"}}), "stones[]", ("integer", "number")),
        (mill(owner={}), "owner", ("object", "any")),
    ],
)
def test_a_field_that_differs_is_found_in_request_and_answer(
    ours: Json, part: str, difference: tuple[str, str]
) -> None:
    seen = {
        (place, *(side.removesuffix(", optional") for side in sides)) for place, *sides in found(api(), api(mill=ours))
    }
    assert seen == {(f"body.{part}", *difference), (f"200.{part}", *difference)}


def test_a_member_that_one_side_lacks_is_named() -> None:
    assert ("body.kind", "WIND", "STEAM") in found(api(), api(kind={"enum": ["WATER", "STEAM"]}))


def test_what_has_to_be_given_counts_in_requests_alone() -> None:
    assert found(api(), api(mill=MILL | {"required": ["name", "kind"]})) == {("body.kind", "optional", "required")}


def test_success_has_to_have_the_same_status() -> None:
    answers = {"201": {}, "422": {}, "404": {}}
    parts = {part for part, *_ in found(api(), api(answers=answers))}
    assert parts == {"status.200", "status.201"}


def test_a_row_of_the_page_is_the_reason_for_what_it_matches() -> None:
    page = """
| operation | part | peer | headrace | reason |
|---|---|---|---|---|
| `PUT /mills/*` | `200[].kind` | `W*` | `*` | Mills run on steam now. |
"""
    reasons = read_reasons(page)
    assert reason_for(Difference("PUT /mills/{id}", "200[].kind", "WIND", "STEAM"), reasons) is reasons[0]
    assert reason_for(Difference("PUT /mills/{id}", "200[].kind", "STEAM", "WIND"), reasons) is None
    assert reason_for(Difference("PUT /mills/{id}", "2000.kind", "WIND", "STEAM"), reasons) is None


def test_a_row_without_a_reason_is_refused() -> None:
    page = "| operation | part | peer | headrace | reason |\n|---|---|---|---|---|\n| `PUT /x` | body | a | b | |"
    with pytest.raises(ValueError, match="Line 3"):
        read_reasons(page)


def test_the_page_can_be_read() -> None:
    assert read_reasons(PAGE.read_text())
