"""Filters that ask for states and nothing else, which a history of all runs can serve."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headrace.wire.filters import Filter, Operator

Wanted = Callable[[str, str], bool]
"""Whether runs in a state of this type and name are asked for."""


def wanted_states(noun: str, filters: Mapping[str, Filter]) -> Wanted | None:
    """Which states the filters ask for; None if they ask for anything else."""
    if filters.keys() - {noun}:
        return None
    given = filters.get(noun)
    state: Any = getattr(given, "state", None)
    if given is None or given == type(given)():
        return _any_state
    if state is None or msgspec.structs.replace(given, state=None, operator=Operator.and_) != type(given)():
        return None
    return _by_type_and_name(state)


def _any_state(_type: str, _name: str) -> bool:
    return True


def _by_type_and_name(state: Any) -> Wanted:
    """Of the criteria on type and name that constrain anything, all match, or one if the filter says so."""
    on_type, on_name = _criterion(state.type), _criterion(state.name)
    match on_type, on_name:
        case None, None:
            return _any_state
        case matches, None:
            return lambda state_type, _: matches(state_type)
        case None, matches:
            return lambda _, name: matches(name)
        case _:
            is_either = state.operator is Operator.or_
            combine = any if is_either else all
            return lambda state_type, name: combine((on_type(state_type), on_name(name)))


def _criterion(given: Any) -> Callable[[str], bool] | None:
    """What a criterion with `any_` and, for flow runs, `not_any_` matches; None if it constrains nothing."""
    only, never = getattr(given, "any_", None), getattr(given, "not_any_", None)
    if only is not None and never:
        return None
    if only is not None:
        return frozenset(only).__contains__
    return None if not never else lambda value: value not in never
