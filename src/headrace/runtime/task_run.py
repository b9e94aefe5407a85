"""Facts about the current task run."""

from typing import Any

from headrace.sdk.facts import TASK_RUN, fact, names

__all__ = [
    "api_url",
    "id",
    "name",
    "parameters",
    "run_count",
    "tags",
    "task_name",
    "ui_url",
]

id: str | None
tags: list[str]
name: str | None
task_name: str | None
parameters: dict[str, Any]
run_count: int
api_url: str | None
ui_url: str | None


def __getattr__(name: str) -> Any:
    return fact("task_run", TASK_RUN, name)


def __dir__() -> list[str]:
    return names(TASK_RUN)
