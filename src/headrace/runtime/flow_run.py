"""Facts about the current flow run."""

from typing import Any

from headrace.sdk.facts import FLOW_RUN, fact, names

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll] # answered by __getattr__
    "api_url",
    "flow_name",
    "flow_version",
    "id",
    "job_variables",
    "name",
    "parameters",
    "parent_deployment_id",
    "parent_flow_run_id",
    "root_flow_run_id",
    "run_count",
    "scheduled_start_time",
    "tags",
    "ui_url",
]


def __getattr__(name: str) -> Any:
    return fact("flow_run", FLOW_RUN, name)


def __dir__() -> list[str]:
    return names(FLOW_RUN)
