"""From entrypoints to the tasks that they name: `tasks.py:resize`, `company.tasks:resize`, or all of `tasks.py`."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from headrace.sdk.entrypoints import load_module, split
from headrace.sdk.task import Task
from headrace.wire.deploying_errors import EntrypointError


def load_tasks(entrypoint: str) -> list[Task[..., Any]]:
    """The task that an entrypoint names, or all that its file defines if it names none.

    What the module itself raises when it is imported passes through. Raises `EntrypointError`.
    """
    place, name = split(entrypoint)
    module = load_module(place, entrypoint)
    if name is None:
        return _some(tasks_of(module), entrypoint)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, Task):
        return [found]  # pyright: ignore[reportUnknownVariableType] # of unknown parameters
    problem = "is not there" if found is None else "is not a task: decorate it with @task"
    raise EntrypointError(f"The entrypoint {entrypoint!r} names {name}, which {problem}; {_known(module)}.")


def load_module_tasks(name: str) -> list[Task[..., Any]]:
    """All tasks that a module defines; as `load_tasks`."""
    return _some(tasks_of(load_module(name, name)), name)


def tasks_of(module: ModuleType) -> list[Task[..., Any]]:
    """The tasks that a module defines itself, in the order in which it does."""
    found: list[Task[..., Any]] = [value for value in vars(module).values() if isinstance(value, Task)]
    return [task for task in dict.fromkeys(found) if task.fn.__module__ == module.__name__]


def _some(tasks: list[Task[..., Any]], entrypoint: str) -> list[Task[..., Any]]:
    if not tasks:
        raise EntrypointError(f"{entrypoint!r} defines no task: decorate a function with @task.")
    return tasks


def _known(module: ModuleType) -> str:
    return f"tasks there: {', '.join(task.fn.__qualname__ for task in tasks_of(module)) or 'none'}"
