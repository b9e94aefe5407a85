"""Which run a value came from, so that the graph has an edge also where a result is passed on as a plain value."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from headrace.sdk.annotations import innermost
from headrace.sdk.futures import Future
from headrace.sdk.inputs import upstreams
from headrace.wire.states import State
from headrace.wire.task_runs import TaskInputs, TaskRunInput

_HELD = 1000
"""How many values without weak references (lists, dicts, strings) are held to know them again."""


class Lineage:
    """The results of one flow run's tasks, told by identity. Results that can be are not kept alive by it."""

    def __init__(self) -> None:
        self._weak: dict[int, tuple[weakref.ref[Any], UUID]] = {}
        self._held: OrderedDict[int, tuple[Any, UUID]] = OrderedDict()

    def note(self, value: Any, task_run_id: UUID) -> None:
        """This run returned this value. Values that Python shares between unrelated places are no evidence."""
        if _is_shared(value):
            return
        try:
            self._weak[id(value)] = weakref.ref(value), task_run_id
        except TypeError:
            self._held[id(value)] = value, task_run_id
            if len(self._held) > _HELD:
                self._held.popitem(last=False)

    def origin(self, value: Any) -> UUID | None:
        """The run that returned this very object, if one of this flow run's tasks did."""
        if (held := self._held.get(id(value))) is not None:
            return held[1]
        known = self._weak.get(id(value))
        return known[1] if known is not None and known[0]() is value else None


def _is_shared(value: Any) -> bool:
    if value is None or value is ... or type(value) is bool:
        return True
    return type(value) in (int, str, bytes, tuple, frozenset, float) and (not value or value in range(-5, 257))


def inputs_of(
    parameters: dict[str, Any], wait_for: Iterable[Any] | None, parents: list[UUID], lineage: Lineage | None
) -> TaskInputs:
    """Where each argument came from (contract §3: `task_inputs`); arguments that came from no run are left out.

    `parents` are the task runs that enclose this one.
    """
    inputs: TaskInputs = {}
    for name, value in parameters.items():
        if found := _runs_in(value, lineage):
            inputs[name] = found
    if wait_for is not None and (found := _runs_in(list(wait_for), lineage)):
        inputs["wait_for"] = found
    if parents:
        inputs["__parents__"] = [_task_run(parent) for parent in parents]
    return inputs


def _runs_in(value: Any, lineage: Lineage | None) -> list[TaskRunInput]:
    found: dict[UUID, TaskRunInput] = {}
    for leaf in upstreams(value):
        source = _source(leaf)
        if source is not None:
            found[source] = _task_run(source)
    if lineage is not None:
        for inner in _members(innermost(value)):
            if (source := lineage.origin(inner)) is not None:
                found[source] = _task_run(source)
    return list(found.values())


def _members(value: Any) -> Iterable[Any]:
    """The value, and what it holds directly."""
    yield value
    if type(value) in (list, tuple, set):
        yield from value
    elif type(value) is dict:
        yield from value.values()  # pyright: ignore[reportUnknownMemberType] # a caller's dict


def _source(leaf: Future[Any] | State) -> UUID | None:
    return leaf.task_run_id if isinstance(leaf, Future) else leaf.state_details.task_run_id


def _task_run(id_: UUID) -> TaskRunInput:
    return TaskRunInput(input_type="task_run", id=id_)
