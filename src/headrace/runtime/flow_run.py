"""Facts about the current flow run."""

from datetime import datetime
from typing import Any

from headrace.sdk.facts import FLOW_RUN, fact, names

__all__ = [
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

id: str | None
tags: list[str]
scheduled_start_time: datetime | None
name: str | None
flow_name: str | None
flow_version: str | None
parameters: dict[str, Any]
parent_flow_run_id: str | None
parent_deployment_id: str | None
root_flow_run_id: str | None
run_count: int
api_url: str | None
ui_url: str | None
job_variables: dict[str, Any]


def __getattr__(name: str) -> Any:
    return fact("flow_run", FLOW_RUN, name)


def __dir__() -> list[str]:
    return names(FLOW_RUN)
