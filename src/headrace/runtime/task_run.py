"""Facts about the current task run."""

from typing import Any

from headrace.sdk.facts import TASK_RUN, fact, names

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll] # answered by __getattr__
    "api_url",
    "id",
    "name",
    "parameters",
    "run_count",
    "tags",
    "task_name",
    "ui_url",
]


def __getattr__(name: str) -> Any:
    return fact("task_run", TASK_RUN, name)


def __dir__() -> list[str]:
    return names(TASK_RUN)
