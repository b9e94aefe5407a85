"""Which operations are refused before they begin: those whose target is unclear, empty, or does not suit the kind."""

from collections.abc import Iterator
from typing import Any, assert_never

import msgspec

from headrace.wire.filters import Filter, Operator
from headrace.wire.filters.deployments import DeploymentFilterConcurrencyLimit
from headrace.wire.filters.flow_runs import FlowRunFilterStateName, FlowRunFilterStateType
from headrace.wire.operations import OperationKind, OperationNoun, OperationOptions, Target

_ONLY_FLOW_RUNS = frozenset({OperationKind.CANCEL, OperationKind.RETRY, OperationKind.SET_STATE})
_OVER_TRASH = frozenset({OperationKind.RESTORE, OperationKind.PURGE})
_PASSED_OVER = (DeploymentFilterConcurrencyLimit,)
"""Accepted, as the contract has it, and without an effect."""
_CANCELLING_OUT = (FlowRunFilterStateName, FlowRunFilterStateType)
_CHOICES = "ids, filters, everything or operation_id"


class Refusal(msgspec.Struct, frozen=True):
    """Why an operation cannot begin, and which part of the request says so."""

    message: str
    location: tuple[str, ...]


def refusal(kind: OperationKind, noun: OperationNoun, target: Target, options: OperationOptions) -> Refusal | None:
    """Why there is to be no such operation; None for one that may begin.

    A target that matches everything without saying so is refused: an empty filter is more often a slip than a wish.
    """
    return _of_kind(kind, noun, options) or _of_target(kind, target)


def constrains(given: Filter) -> bool:
    """Whether some object may be left out by a filter, whatever objects there are.

    >>> constrains(FlowRunFilter(name=FlowRunFilterName(like_="")))
    False
    """
    if isinstance(given, _PASSED_OVER) or _cancels_out(given):
        return False
    told = [(name, getattr(given, name)) for name in given.__struct_fields__ if name != "operator"]
    nested = [constrains(value) for _, value in told if isinstance(value, Filter)]
    if getattr(given, "operator", Operator.and_) is Operator.or_ and not all(nested):
        return False  # one alternative lets everything pass
    return any(nested) or any(_says_something(name, value) for name, value in told if not isinstance(value, Filter))


def _of_kind(kind: OperationKind, noun: OperationNoun, options: OperationOptions) -> Refusal | None:
    if kind in _ONLY_FLOW_RUNS and noun is not OperationNoun.FLOW_RUNS:
        return Refusal(f"{_word(kind)} is for flow_runs, not for {noun}: nothing else has such states.", ("noun",))
    if kind is OperationKind.SET_STATE and options.state is None:
        return Refusal("set_state needs the state: give it as options.state.", ("options", "state"))
    if kind is not OperationKind.SET_STATE and options.state is not None:
        return Refusal(f"options.state is for set_state, not for {kind}: leave it out.", ("options", "state"))
    if kind is not OperationKind.DELETE and options.purge_after is not None:
        return Refusal(f"options.purge_after is for delete, not for {kind}: leave it out.", ("options", "purge_after"))
    return None


def _of_target(kind: OperationKind, target: Target) -> Refusal | None:
    named = [
        name
        for name, is_given in (
            ("ids", target.ids is not None),
            ("filters", target.filters is not None),
            ("everything", target.everything),
            ("operation_id", target.operation_id is not None),
        )
        if is_given
    ]
    match named:
        case []:
            return Refusal(f"The target is empty: give one of {_CHOICES}.", ("target",))
        case ["ids"]:
            return None if target.ids else Refusal("target.ids is empty: nothing would be done.", ("target", "ids"))
        case ["filters"]:
            return _of_filters(target)
        case ["everything"]:
            return None
        case ["operation_id"]:
            return _of_operation(kind)
        case _:
            return Refusal(f"The target says {' and '.join(named)}: give exactly one of {_CHOICES}.", ("target",))


def _of_filters(target: Target) -> Refusal | None:
    given = [] if target.filters is None else target.filters.all()
    for name, one in given:
        if any("\0" in text for text in _texts(one)):  # SQLite would read a pattern up to there
            told = f"target.filters.{name} holds a NUL character, which is in no text: leave it out."
            return Refusal(told, ("target", "filters", name))
    if any(constrains(one) for _, one in given):
        return None
    names = ", ".join(f"target.filters.{name}" for name, _ in given)
    what = f"{names} constrains nothing" if names else "target.filters is empty"
    return Refusal(f"{what}, so that all would match: say everything if all are meant.", ("target", "filters"))


def _of_operation(kind: OperationKind) -> Refusal | None:
    if kind in _OVER_TRASH:
        return None
    return Refusal(f"operation_id names what was deleted: it is for restore and purge, not for {kind}.", ("target",))


def _says_something(name: str, value: Any) -> bool:
    match name, value:
        case _, None:
            return False
        case (("not_any_" | "all_"), []):
            return False
        case "startswith_", list():
            patterns = list(_texts(value))
            return patterns != [] and all(map(_has_letters, patterns))
        case "like_", str():
            return _has_letters(value)
        case _:
            return True


def _has_letters(pattern: str) -> bool:
    """Whether a pattern asks for more than text of any kind, as `%` and `_` do."""
    return pattern.strip("%_") != ""


def _texts(value: Any) -> Iterator[str]:
    """All texts in a filter."""
    match value:
        case str():
            yield value
        case Filter():
            for name in value.__struct_fields__:
                yield from _texts(getattr(value, name))
        case list():
            for one in value:  # pyright: ignore[reportUnknownVariableType] - whatever it is
                yield from _texts(one)
        case _:
            return


def _cancels_out(given: Filter) -> bool:
    """Whether it is one of the criteria in which `any_` and `not_any_` together constrain nothing (contract §5)."""
    return isinstance(given, _CANCELLING_OUT) and given.any_ is not None and bool(given.not_any_)


def _word(kind: OperationKind) -> str:
    match kind:
        case OperationKind.CANCEL:
            return "Cancelling"
        case OperationKind.RETRY:
            return "Retrying"
        case OperationKind.SET_STATE:
            return "Setting a state"
        case OperationKind.DELETE | OperationKind.RESTORE | OperationKind.PURGE:
            return kind.capitalize()
        case _:
            assert_never(kind)
