"""Facts about the deployment that the current flow run was started from."""

from typing import Any

from headrace.sdk.facts import DEPLOYMENT, fact, names

__all__ = [
    "flow_run_id",
    "id",
    "name",
    "parameters",
    "version",
]

id: str | None
name: str | None
version: str | None
flow_run_id: str | None
parameters: dict[str, Any]


def __getattr__(name: str) -> Any:
    return fact("deployment", DEPLOYMENT, name)


def __dir__() -> list[str]:
    return names(DEPLOYMENT)
