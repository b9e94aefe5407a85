"""What a flow makes of its arguments before it runs."""

import dataclasses
import datetime
import enum
import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from headrace import flow
from headrace.sdk.parameters import as_json
from headrace.sdk.signature import Signature
from headrace.wire.errors import ParameterBindError, ParameterTypeError
from tests.sdk.fake import FakeAPI


class Colour(enum.Enum):
    RED = "red"


class Engine:
    """A class of the user's own."""


@dataclasses.dataclass
class Point:
    x: int


ENGINE = Engine()


def checked(hint: Any, value: Any) -> Any:
    """What a flow with one parameter of that annotation receives for a value."""

    def body(x):
        return x

    body.__annotations__ = {"x": hint}
    return flow(body).validate_parameters({"x": value})["x"]


@pytest.mark.parametrize(
    ("hint", "value", "received"),
    [
        (int, 3, 3),
        (int, "3", 3),
        (float, 3, 3.0),
        (bool, "true", True),
        (str | None, None, None),
        (list[int], (1, "2"), [1, 2]),
        (dict[str, list[float]], {"a": [1]}, {"a": [1.0]}),
        (datetime.date, "2026-08-01", datetime.date(2026, 8, 1)),
        (UUID, "00000000-0000-0000-0000-000000000001", UUID(int=1)),
        (Path, "/tmp", Path("/tmp")),
        (Colour, "red", Colour.RED),
        (Literal["a", "b"], "a", "a"),
        (Annotated[int, "any note"], "3", 3),
        (Point, {"x": "1"}, Point(1)),
        (Point, Point(2), Point(2)),
        (Engine, ENGINE, ENGINE),
        (list[Engine], [ENGINE], [ENGINE]),
        (int | Engine, ENGINE, ENGINE),
        (int | Engine, "3", 3),
        (Any, ENGINE, ENGINE),
        (object, 1, 1),
    ],
)
def test_an_argument_becomes_what_its_annotation_says(hint: Any, value: Any, received: Any) -> None:
    assert checked(hint, value) == received


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (int, "x"),
        (int, 1.5),
        (int, None),
        (list[int], ["a"]),
        (Literal["a"], "b"),
        (Engine, 1),
        (list[Engine], [1]),
        (int | Engine, "x"),
        (Point, {"x": "a"}),
        (Colour, "blue"),
    ],
)
def test_an_argument_that_does_not_fit_is_named_and_shown(hint: Any, value: Any) -> None:
    with pytest.raises(ParameterTypeError) as caught:
        checked(hint, value)
    assert "  x: Expected" in str(caught.value) or "  x: Invalid" in str(caught.value)
    assert f"given {value!r}" in str(caught.value)


def test_a_default_of_none_may_be_given_too() -> None:
    @flow
    def lenient(n: int = None) -> None: ...  # noqa: RUF013 # as users write it

    assert lenient.validate_parameters({"n": None}) == {"n": None}


def test_variadic_arguments_are_checked_one_by_one() -> None:
    @flow
    def variadic(*numbers: int, **names: str) -> None: ...

    assert variadic.validate_parameters({"numbers": ("1", 2), "names": {"a": "b"}}) == {
        "numbers": (1, 2),
        "names": {"a": "b"},
    }
    with pytest.raises(ParameterTypeError, match="names: Expected `str`"):
        variadic.validate_parameters({"numbers": (), "names": {"a": 1}})


def test_unresolvable_annotations_check_nothing() -> None:
    def body(a, b):
        return a, b

    body.__annotations__ = {"a": "NotImported", "b": int}
    assert flow(body).validate_parameters({"a": 1, "b": "2"}) == {"a": 1, "b": 2}


def test_validation_can_be_turned_off(api: FakeAPI) -> None:
    @flow(validate_parameters=False)
    def trusting(n: int) -> Any:
        return n

    assert trusting("x") == "x"


def test_pydantic_models_are_left_to_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    class BaseModel:
        def model_dump(self, mode: str) -> dict[str, str]:
            return {"mode": mode}

    class Model(BaseModel): ...

    class TypeAdapter:
        def __init__(self, hint: Any) -> None:
            self.hint = hint

        def validate_python(self, value: Any) -> Any:
            if value == "bad":
                raise ValueError("pydantic says no")
            return Model()

    pydantic = types.SimpleNamespace(BaseModel=BaseModel, TypeAdapter=TypeAdapter)
    monkeypatch.setitem(sys.modules, "pydantic", pydantic)  # type: ignore[arg-type]
    assert isinstance(checked(Model, {"a": 1}), Model)
    assert isinstance(checked(list[Model], [{}]), Model)
    with pytest.raises(ParameterTypeError, match="pydantic says no"):
        checked(Model, "bad")
    assert as_json({"x": Model()}) == {"x": {"mode": "json"}}


def test_parameters_are_shown_to_the_api_as_json_whatever_they_are() -> None:
    shown = as_json(
        {
            "plain": [1, "a", None, 2.5],
            "when": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            "keys": {1: "a"},
            "path": Path("/tmp"),
            "point": Point(1),
            "object": ENGINE,
            "lazy": (n for n in range(3)),
            "long": ["x" * 1000, object()],
        }
    )
    assert shown["plain"] == [1, "a", None, 2.5]
    assert shown["when"] == "2026-01-01T00:00:00Z"
    assert shown["keys"] == {"1": "a"}
    assert (shown["path"], shown["point"]) == ("/tmp", {"x": 1})
    assert "Engine object" in shown["object"]
    assert "generator object" in shown["lazy"]


def sample(a, /, b, c=3, *rest, d, e=5, **more):
    return a, b, c, rest, d, e, more


def plain(a, b=2, *, c=3):
    return a, b, c


@pytest.mark.parametrize("function", [sample, plain])
@given(
    args=some.lists(some.integers(), max_size=5), kwargs=some.dictionaries(some.sampled_from("abcdefz"), some.none())
)
def test_binding_agrees_with_the_call_itself(function, args: list[int], kwargs: dict[str, None]) -> None:
    """For any arguments: what `bind` takes apart, `unbind` puts together, and what a call refuses, `bind` refuses."""
    signature = Signature(function)
    try:
        direct = function(*args, **kwargs)
    except TypeError:
        with pytest.raises(ParameterBindError):
            signature.bind(tuple(args), kwargs)
        return
    positional, keywords = signature.unbind(signature.bind(tuple(args), kwargs))
    assert function(*positional, **keywords) == direct
