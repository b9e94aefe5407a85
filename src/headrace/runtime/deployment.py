"""Facts about the deployment that the current flow run was started from."""

from typing import Any

from headrace.sdk.facts import DEPLOYMENT, fact, names

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll] # answered by __getattr__
    "flow_run_id",
    "id",
    "name",
    "parameters",
    "version",
]


def __getattr__(name: str) -> Any:
    return fact("deployment", DEPLOYMENT, name)


def __dir__() -> list[str]:
    return names(DEPLOYMENT)
