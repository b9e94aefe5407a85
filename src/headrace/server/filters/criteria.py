"""From one criterion of a filter to conditions on a column.

An operator that is absent, or a `not_any_`, `all_`, `startswith_` or `like_` that holds nothing, constrains nothing; an
empty `any_` matches nothing (contract §5).
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import and_, bindparam, false, or_, true

from headrace.server.filters.forms import Condition, Forms
from headrace.server.filters.query import Adapter
from headrace.wire.base import encode_text
from headrace.wire.filters import Filter, Operator


class Parameters:
    """The parameters of one text, in the order of their making."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[str, Adapter | None]] = {}

    def make(self, path: str, adapt: Adapter | None) -> Expression[Any]:
        """A parameter whose value is `adapt` of what the filters hold at the path."""
        name = f"p{len(self._made)}"
        self._made[name] = (path, adapt)
        return bindparam(name)

    def in_order(self, names: list[str]) -> tuple[tuple[str, Adapter | None], ...]:
        """Path and adapter of the parameters of these names."""
        return tuple(self._made[name] for name in names)


class Part:
    """A filter or criterion on its way to SQL: what is given, where, and how this database says things."""

    def __init__(self, given: Filter, path: str, forms: Forms, parameters: Parameters) -> None:
        self.given, self.path, self.forms, self._parameters = given, path, forms, parameters

    def operators(self) -> Iterator[tuple[str, Any]]:
        """The operators and nested parts that are given, with what they hold."""
        for name in self.given.__struct_fields__:
            value = getattr(self.given, name)
            if value is not None and name != "operator":
                yield name, value

    def has(self, name: str) -> bool:
        return getattr(self.given, name, None) is not None

    def nested(self, name: str) -> "Part":
        return Part(getattr(self.given, name), f"{self.path}.{name}", self.forms, self._parameters)

    def parameter(self, name: str, adapt: Adapter | None = None) -> Expression[Any]:
        return self._parameters.make(f"{self.path}.{name}", adapt)

    def now(self) -> Expression[Any]:
        """The moment of the request, which whoever binds such a filter gives as `now`."""
        return self._parameters.make("now", None)

    @property
    def alternative(self) -> bool:
        """Whether one of the direct parts is enough."""
        return getattr(self.given, "operator", Operator.and_) is Operator.or_

    def combine(self, conditions: list[Condition]) -> Condition:
        """The conditions joined as the part's operator says; none at all is no constraint."""
        if not conditions:
            return true()
        return or_(*conditions) if self.alternative else and_(*conditions)


Criterion = Callable[[Part], Condition]


def on_column(column: Expression[Any]) -> Criterion:
    """The criterion whose operators all speak of one column."""
    return lambda part: part.combine(list(column_conditions(part, column)))


def column_conditions(part: Part, column: Expression[Any], null: Expression[Any] | None = None) -> Iterator[Condition]:
    """A condition for each operator that constrains the column; `is_null_` asks `null` where that is given."""
    nullable = column if null is None else null
    for name, value in part.operators():
        match name, value:
            case "any_", _:
                yield any_of(part, name, column)
            case (("not_any_" | "startswith_"), []) | ("like_", ""):
                pass
            case "not_any_", _:
                yield part.forms.none_of(column, part.parameter(name))
            case "like_", _:
                yield part.forms.like(column, part.parameter(name, _substring))
            case (("before_" | "le_"), _):
                yield column <= part.parameter(name)
            case (("after_" | "ge_"), _):
                yield column >= part.parameter(name)
            case "is_null_", _:
                yield nullable.is_(None) if value else nullable.is_not(None)
            case "exists_", _:
                yield nullable.is_not(None) if value else nullable.is_(None)
            case "eq_", _:
                yield column == (true() if value else false())
            case "startswith_", _:
                yield part.forms.like_any(column, part.parameter(name, _beginnings))
            case _:
                raise NotImplementedError(f"{part.path} has an operator without a meaning: {name}")


def any_of(part: Part, name: str, column: Expression[Any], adapt: Adapter | None = None) -> Condition:
    """The column holds one of a list's values; equality where the list has just one, for an index's sake.

    `adapt` turns each value into what the column holds.
    """

    def only(values: list[Any]) -> Any:
        return values[0] if adapt is None else adapt(values[0])

    def every(values: list[Any]) -> Any:
        return values if adapt is None else [adapt(value) for value in values]

    match getattr(part.given, name):
        case []:
            return false()
        case [_]:
            return column == part.parameter(name, only)
        case _:
            return part.forms.one_of(column, part.parameter(name, every))


def on_tags(column: Expression[Any]) -> Criterion:
    """The criterion on a JSON array of texts, where null means empty."""

    def conditions(part: Part) -> Iterator[Condition]:
        for name, value in part.operators():
            match name, value:
                case "any_", []:
                    yield false()
                case "any_", _:
                    yield part.forms.has_any(column, part.parameter(name))
                case "all_", []:
                    pass
                case "all_", _:
                    yield part.forms.has_all(column, part.parameter(name, encode_text))
                case _:
                    yield part.forms.is_empty(column) if value else ~part.forms.is_empty(column)

    return lambda part: part.combine(list(conditions(part)))


def passed_over(_: Part) -> Condition:
    """The criterion of a part that is accepted and constrains nothing, not even as an alternative."""
    return true()


def all_parts(part: Part, criteria: dict[str, Criterion]) -> Condition:
    """A whole filter: every part that is given by its criterion, joined as the filter says."""
    given = [(name, criteria[name]) for name, _ in part.operators()]
    return part.combine([meaning(part.nested(name)) for name, meaning in given if meaning is not passed_over])


def _substring(text: str) -> str:
    return f"%{text}%"


def _beginnings(texts: list[str]) -> list[str]:
    return [f"{text}%" for text in texts]
