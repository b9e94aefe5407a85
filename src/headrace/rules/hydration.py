"""Values that stand for others: `{"__prefect_kind": …}` among parameters and run inputs (contract §8).

    {"__prefect_kind": "json", "value": "[1, 2]"}                          the value of the JSON text
    {"__prefect_kind": "jinja", "template": "{{ 1 + 1 }}"}                 the text that the template makes
    {"__prefect_kind": "workspace_variable", "variable_name": "region"}    the variable's value
    {"__prefect_kind": "none", "value": 1}                                 the value itself

They may stand at any depth. One that is not filled in (a `json` without a value, a `workspace_variable`
without a name) stands for nothing and is left out of what it is in. `variable_names` says beforehand which
variables have to be looked up.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any, cast

import msgspec

from headrace.rules import templates

KIND = "__prefect_kind"


class _Absent(Enum):
    """What a placeholder that is not filled in stands for."""

    ABSENT = auto()


class HydrationError(ValueError):
    """A placeholder that stands for nothing; the message says why."""


def variable_names(value: Any) -> set[str]:
    """The variables that `hydrate` will ask for."""
    return set(_names(value))


def hydrate(value: Any, variables: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> Any:
    """The value with every placeholder resolved; templates see the context. Raises `HydrationError`.

    >>> hydrate({"ids": {"__prefect_kind": "json", "value": "[1]"}}, {})
    {'ids': [1]}
    """
    resolved = _Hydration(variables, context or {}).resolve(value)
    return None if resolved is _Absent.ABSENT else resolved


def _names(value: Any) -> Iterator[str]:
    match value:
        case {"__prefect_kind": "workspace_variable", "variable_name": str(name)}:
            yield name
        case dict():
            for item in cast(dict[str, Any], value).values():
                yield from _names(item)
        case list():
            for item in cast(list[Any], value):
                yield from _names(item)
        case _:
            return


class _Hydration:
    def __init__(self, variables: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        self._variables, self._context = variables, context

    def resolve(self, value: Any) -> Any:
        match value:
            case {"__prefect_kind": kind, **rest}:
                return self._placeholder(kind, rest)
            case dict():
                items = ((name, self.resolve(item)) for name, item in cast(dict[str, Any], value).items())
                return {name: item for name, item in items if item is not _Absent.ABSENT}
            case list():
                resolved = (self.resolve(item) for item in cast(list[Any], value))
                return [item for item in resolved if item is not _Absent.ABSENT]
            case _:
                return value

    def _placeholder(self, kind: Any, rest: Mapping[str, Any]) -> Any:
        match kind:
            case None | "none":
                return self.resolve(rest.get("value"))
            case "json":
                return _parsed(self.resolve(rest["value"])) if "value" in rest else _Absent.ABSENT
            case "jinja":
                return self._rendered(self.resolve(rest.get("template")))
            case "workspace_variable":
                return self._variable(rest.get("variable_name"))
            case _:
                raise HydrationError(f"Invalid {KIND}: {kind!r}")

    def _rendered(self, template: Any) -> str:
        if not isinstance(template, str):
            raise HydrationError("Missing 'template' key in __prefect object")
        try:
            return templates.render(template, self._context)
        except templates.TemplateError as error:
            raise HydrationError(f"Invalid jinja: {error}") from None

    def _variable(self, name: Any) -> Any:
        if name is None:
            return _Absent.ABSENT
        if name not in self._variables:
            raise HydrationError(f"Variable '{name}' not found in workspace.")
        return self._variables[name]


def _parsed(text: Any) -> Any:
    if not isinstance(text, str):
        raise HydrationError("Invalid JSON: a text is needed")
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise HydrationError(f"Invalid JSON: {error}") from None
