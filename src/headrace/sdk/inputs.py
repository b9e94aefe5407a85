"""Futures and states among arguments, however deep in lists, tuples, sets, dicts and dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast
from uuid import UUID

from headrace.sdk.annotations import Annotation, allow_failure, quote
from headrace.sdk.futures import Future
from headrace.sdk.resolution import value_of
from headrace.wire.errors import UpstreamTaskError
from headrace.wire.states import State

_PLAIN = frozenset({str, int, float, bool, type(None), bytes, complex, UUID})
_CONTAINERS: tuple[type[Any], ...] = (list, tuple, set, frozenset, dict)

Leaf = Future[Any] | State
_LEAVES: tuple[type[Any], ...] = (Future, State)
Replace = Callable[[Leaf, bool], Any]
"""Gives the value that takes a leaf's place; the flag says whether its failure is allowed."""


def upstreams(value: Any) -> list[Leaf]:
    """Every future and state in a value, in order."""
    if type(value) in _PLAIN:
        return []
    found: list[Leaf] = []

    def note(leaf: Leaf, _: bool) -> Leaf:
        found.append(leaf)
        return leaf

    replaced(value, note)
    return found


def resolved(value: Any) -> Any:
    """The value with each future and state replaced by its result.

    Raises `UpstreamTaskError` for one that did not complete, unless it is under `allow_failure`, when its exception
    takes its place.
    """
    return replaced(value, _result)


def resolved_to_states(value: Any) -> Any:
    """The value with each future replaced by its final state, waiting for it."""

    def state(leaf: Leaf, _: bool) -> State:
        if isinstance(leaf, Future):
            leaf.wait()
            return leaf.state
        return leaf

    return replaced(value, state)


def resolved_to_results(value: Any) -> Any:
    """The value with each future replaced by its result, waiting for it; its exception is raised."""

    def result(leaf: Leaf, allowed: bool) -> Any:
        return leaf.result(raise_on_failure=not allowed) if isinstance(leaf, Future) else leaf

    return replaced(value, result)


def check_completed(values: Iterable[Any]) -> None:
    """Raise `UpstreamTaskError` if a future or state among the values did not complete and had to."""

    def check(leaf: Leaf, allowed: bool) -> Leaf:
        if not allowed:
            _completed(leaf)
        return leaf

    for value in values:
        replaced(value, check)


def _result(leaf: Leaf, allowed: bool) -> Any:
    return value_of(_final(leaf), raise_on_failure=False) if allowed else value_of(_completed(leaf))


def _final(leaf: Leaf) -> State:
    return leaf.state if isinstance(leaf, Future) else leaf


def _completed(leaf: Leaf) -> State:
    state = _final(leaf)
    if not state.is_completed():
        run = leaf.task_run_id if isinstance(leaf, Future) else state.state_details.task_run_id
        name = f" {leaf.run.name!r}" if isinstance(leaf, Future) else ""
        raise UpstreamTaskError(
            f"Upstream task run{name} ({run}) did not complete: it is {state.name}"
            f"{': ' + state.message if state.message else ''}. Use allow_failure() to run all the same."
        )
    return state


def replaced(value: Any, replace: Replace, allowed: bool = False, _within: frozenset[int] = frozenset()) -> Any:
    """The value with other leaves; the very same object if it holds none. Annotations are taken off."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, _LEAVES):
        return replace(value, allowed)
    if isinstance(value, Annotation):
        marked = cast("Annotation[Any]", value)
        if isinstance(marked, quote):
            return marked.value
        return replaced(marked.value, replace, allowed or isinstance(marked, allow_failure), _within)
    if not _holds_values(value) or id(value) in _within:
        return value
    around = _within | {id(value)}
    return _rebuilt(value, lambda inner: replaced(inner, replace, allowed, around))


def _holds_values(value: Any) -> bool:
    return isinstance(value, _CONTAINERS) or (hasattr(value, "__dataclass_fields__") and not isinstance(value, type))


def _rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """A container with changed elements, or the same one when none changed."""
    if isinstance(value, dict):
        return _rebuilt_dict(cast("dict[Any, Any]", value), change)
    if not isinstance(value, _CONTAINERS):
        return _rebuilt_dataclass(value, change)
    old: list[Any] = list(value)
    if all(type(inner) in _PLAIN for inner in old):
        return value
    new = [change(inner) for inner in old]
    if all(after is before for after, before in zip(new, old, strict=True)):
        return value
    return type(value)(*new) if hasattr(value, "_fields") else type(value)(new)


def _rebuilt_dict(value: dict[Any, Any], change: Callable[[Any], Any]) -> dict[Any, Any]:
    if all(type(inner) in _PLAIN for inner in value.values()) and all(type(key) in _PLAIN for key in value):
        return value
    pairs = [(change(key), change(inner)) for key, inner in value.items()]
    same = all(k is key and v is inner for (k, v), (key, inner) in zip(pairs, value.items(), strict=True))
    return value if same else type(value)(pairs)


def _rebuilt_dataclass(value: Any, change: Callable[[Any], Any]) -> Any:
    import dataclasses

    changed = {
        field.name: after
        for field in dataclasses.fields(value)
        if (after := change(before := getattr(value, field.name))) is not before
    }
    return dataclasses.replace(value, **changed) if changed else value
