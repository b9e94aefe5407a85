"""One call over many arguments: how `map` makes the parameters of each task run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.sdk.annotations import allow_failure, quote, unmapped
from headrace.sdk.futures import Future
from headrace.sdk.signature import Parameters
from headrace.wire.errors import MappingLengthMismatch, MappingMissingIterable

if TYPE_CHECKING:
    from headrace.sdk.task import Task


def spread(task: Task[..., Any], parameters: Parameters) -> list[Parameters]:
    """The parameters of each task run: one element of every iterable, and all else unchanged.

    Strings, bytes, dicts' keys and whatever is `unmapped` are given whole. A future among the arguments is waited
    for, and its result mapped over. Raises `MappingMissingIterable` and `MappingLengthMismatch`.
    """
    columns = {name: column for name, value in parameters.items() if (column := _column(task, name, value)) is not None}
    if not columns:
        raise MappingMissingIterable(
            f"{task.name}.map() was given nothing to iterate over: none of {', '.join(parameters) or 'no parameters'} "
            "is a list, tuple, set, range, generator or another iterable."
        )
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise MappingLengthMismatch(
            f"{task.name}.map() was given iterables of different lengths: {shown}. Mark what each run should get whole "
            "with unmapped()."
        )
    whole = {name: _whole(value) for name, value in parameters.items()}
    return [
        whole | {name: column[index] for name, column in columns.items()}
        for index in range(next(iter(lengths.values())))
    ]


def _column(task: Task[..., Any], name: str, value: Any) -> list[Any] | None:
    """The elements to map over; None for an argument that each run gets whole."""
    if isinstance(value, unmapped | quote) or value is task.signature.defaults.get(name, _NOTHING):
        return None
    if isinstance(value, allow_failure):
        inner: list[Any] | None = _column(task, name, value.value)  # pyright: ignore[reportUnknownMemberType]
        return None if inner is None else [allow_failure(each) for each in inner]
    if isinstance(value, Future):
        value = value.result()  # pyright: ignore[reportUnknownVariableType] # a future of anything
    if isinstance(value, str | bytes | bytearray) or not hasattr(value, "__iter__"):  # pyright: ignore[reportUnknownArgumentType]
        return None
    return list(value)  # pyright: ignore[reportUnknownArgumentType]


def _whole(value: Any) -> Any:
    return value.value if isinstance(value, unmapped) else value  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


_NOTHING = object()
