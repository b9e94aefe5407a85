"""What two filters have in common when one SQL text serves both.

`flatten` takes filters apart into a shape, which decides the text, and the values that go with it. Part of
the shape are which criteria are given, how they combine, the flags (`is_null_`), and whether a list is
empty, has one entry or more.
"""

from collections.abc import Mapping
from typing import Any

from headrace.rules.text_search import Terms, parse_terms
from headrace.wire.filters import Filter, Operator
from headrace.wire.filters.logs import LogFilterTextSearch

Shape = tuple[Any, ...]
Values = dict[str, Any]


def flatten(filters: Mapping[str, Filter | None]) -> tuple[Shape, Values]:
    """The shape and the values of the filters that are given, by path such as `flow_runs.state.type.any_`."""
    shape: list[Any] = []
    values: Values = {}
    for noun, given in filters.items():
        if given is not None:
            _flatten(noun, given, shape, values)
    return tuple(shape), values


def _flatten(path: str, given: Filter, shape: list[Any], values: Values) -> None:
    shape.append(path)
    for name in given.__struct_fields__:
        value = getattr(given, name)
        if value is None or value is Operator.and_:
            continue
        at = f"{path}.{name}"
        if isinstance(value, Filter):
            _flatten(at, value, shape, values)
        elif isinstance(value, list):
            shape += (at, min(len(value), 2))  # pyright: ignore[reportUnknownArgumentType] - a list of anything
            values[at] = value
        elif isinstance(given, LogFilterTextSearch):
            _flatten_terms(path, parse_terms(value), shape, values)
        elif isinstance(value, bool | Operator):
            shape += (at, value)
        else:
            shape.append(at)
            values[at] = value


def _flatten_terms(path: str, terms: Terms, shape: list[Any], values: Values) -> None:
    for name in terms.__struct_fields__:
        if words := getattr(terms, name):
            shape.append(f"{path}.{name}")
            values[f"{path}.{name}"] = words
