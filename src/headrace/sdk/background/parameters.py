"""The arguments of a delayed task, kept in result storage under the id that its run's state names."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import msgspec

from headrace.sdk import serializers, storage
from headrace.sdk.background.futures import DistributedFuture
from headrace.sdk.inputs import replaced, upstreams
from headrace.sdk.results import ResultStore
from headrace.sdk.task import Task
from headrace.wire.errors import HeadraceError, ParameterError
from headrace.wire.states import State


class Kept(msgspec.Struct, frozen=True):
    """What a task is called with, and what must have completed before."""

    parameters: dict[str, Any]
    wait_for: list[Any]


def store_of(task: Task[..., Any]) -> ResultStore:
    """Where a task's arguments and results are, for every process that has its code."""
    return ResultStore(
        storage.resolve(task.result_storage) if task.result_storage is not None else None,
        serializers.resolve(task.result_serializer) if task.result_serializer else None,
        persist_result=True,
    )


def keep(task: Task[..., Any], parameters: dict[str, Any], wait_for: list[Any]) -> UUID | None:
    """Keep what a task is called with; None where that is nothing.

    Futures of this process are waited for, since nobody else could: their values go, or that they failed.
    """
    if not parameters and not wait_for:
        return None
    id = uuid4()
    values = {name: _portable(value) for name, value in parameters.items()}
    store_of(task).write({"parameters": values, "wait_for": [_portable(one) for one in wait_for]}, _key(id))
    return id


def read(task: Task[..., Any], id: UUID | None) -> Kept:
    """What a task is called with. Raises `ParameterError` saying why it cannot be read."""
    if id is None:
        return Kept({}, [])
    try:
        found = store_of(task).read(_key(id)).result
        return Kept(dict(found["parameters"]), list(found.get("wait_for") or ()))
    except (HeadraceError, OSError, TypeError, KeyError, AttributeError) as error:
        raise ParameterError(f"What the task {task.name!r} is called with cannot be read: {error}") from error


def forget(task: Task[..., Any], id: UUID | None) -> None:
    """Remove what a task was called with, where the storage can."""
    if id is not None:
        store_of(task).forget(_key(id))


def _key(id: UUID) -> str:
    return f"parameters/{id}"


def _portable(value: Any) -> Any:
    """The value, with what only this process knows replaced by what others can read."""
    if all(isinstance(leaf, DistributedFuture) for leaf in upstreams(value)):
        return value
    return replaced(value, lambda leaf, allowed: leaf if isinstance(leaf, DistributedFuture) else _known(leaf))


def _known(leaf: Any) -> Any:
    """The value of a run that completed; of any other its state, which fails whoever needs the value."""
    if not isinstance(leaf, State):
        leaf.wait()
        leaf = leaf.state
    if leaf.is_completed():
        from headrace.sdk.resolution import value_of

        return value_of(leaf)
    return State(
        id=leaf.id,
        type=leaf.type,
        name=leaf.name,
        timestamp=leaf.timestamp,
        message=leaf.message,
        state_details=leaf.state_details,
    )
