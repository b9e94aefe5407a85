"""Schemas of annotations: what fits the schema is what the annotation accepts."""

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest

from headrace.rules.json_schema import misfit
from headrace.sdk.json_schemas import Definitions
from headrace.sdk.secrets import SecretStr
from headrace.sdk.values import plain


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Tree(msgspec.Struct):
    value: int
    children: list["Tree"] = []


class Pair(NamedTuple):
    left: str
    right: int = 1


class Options(TypedDict, total=False):
    deep: bool


@pytest.mark.parametrize(
    ("hint", "fits", "fails"),
    [
        (int, [3], ["x", None, 1.5]),
        (str, ["x"], [3]),
        (int | None, [3, None], ["x"]),
        (list[int], [[], [1]], [["x"], {}]),
        (Sequence[str], [["x"]], [[1]]),
        (set[int], [[1, 2]], [["x"]]),
        (tuple[int, str], [[1, "x"]], [["x", 1]]),
        (tuple[int, ...], [[1, 2, 3]], [["x"]]),
        (dict[str, float], [{"a": 1.5}], [{"a": "x"}]),
        (Mapping[str, list[int]], [{"a": [1]}], [{"a": 1}]),
        (Literal["a", 3], ["a", 3], ["b"]),
        (Literal["only"], ["only"], ["other"]),
        (Annotated[int, msgspec.Meta(ge=1)], [1], [0]),
        (Colour, ["red"], ["green"]),
        (Point, [{"x": 1}, {"x": 1, "y": 2}], [{}, {"x": "no"}]),
        (Tree, [{"value": 1, "children": [{"value": 2, "children": []}]}], [{"value": 1, "children": [{}]}]),
        (Pair, [{"left": "x"}], [{"right": 1}]),
        (Options, [{}, {"deep": True}], [{"deep": "no"}]),
        (SecretStr, ["x"], [3]),
        (Any, [3, None, {}], []),
        (object, [3, None, {}], []),
    ],
)
def test_a_schema_accepts_what_its_annotation_does(hint: Any, fits: list[Any], fails: list[Any]) -> None:
    definitions = Definitions()
    schema = definitions.schema_of(hint) | {"definitions": definitions.found}
    assert [misfit(value, schema) for value in fits] == [None] * len(fits)
    assert None not in [misfit(value, schema) for value in fails]


@pytest.mark.parametrize(
    ("hint", "form"),
    [
        (datetime.datetime, "date-time"),
        (datetime.date, "date"),
        (datetime.timedelta, "duration"),
        (uuid.UUID, "uuid"),
        (Path, "path"),
        (bytes, "binary"),
        (SecretStr, "password"),
    ],
)
def test_texts_of_a_form_are_named(hint: Any, form: str) -> None:
    assert Definitions().schema_of(hint)["format"] == form


def test_a_value_without_a_form_in_json_is_shown() -> None:
    assert plain({"a": [object, 1]})["a"] == ["<class 'object'>", 1]
    assert plain(Path("a/b")) == "a/b"
