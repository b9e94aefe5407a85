"""Flows and tasks that are recorded, retried, cached and observed.

>>> from headrace import flow, task

The names below are imported when they are first used, so that importing this package costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__: str

if TYPE_CHECKING:
    from headrace.client.orchestration import get_client as get_client
    from headrace.sdk.annotations import allow_failure as allow_failure
    from headrace.sdk.annotations import quote as quote
    from headrace.sdk.annotations import unmapped as unmapped
    from headrace.sdk.context import tags as tags
    from headrace.sdk.flow import Flow as Flow
    from headrace.sdk.flow import flow as flow
    from headrace.sdk.logs import get_run_logger as get_run_logger
    from headrace.sdk.pauses import apause_flow_run as apause_flow_run
    from headrace.sdk.pauses import aresume_flow_run as aresume_flow_run
    from headrace.sdk.pauses import asuspend_flow_run as asuspend_flow_run
    from headrace.sdk.pauses import pause_flow_run as pause_flow_run
    from headrace.sdk.pauses import resume_flow_run as resume_flow_run
    from headrace.sdk.pauses import suspend_flow_run as suspend_flow_run
    from headrace.sdk.serving.serve import aserve as aserve
    from headrace.sdk.serving.serve import serve as serve
    from headrace.sdk.task import Task as Task
    from headrace.sdk.task import task as task
    from headrace.wire.states import State as State

_HOMES = {
    "Flow": "headrace.sdk.flow",
    "State": "headrace.wire.states",
    "Task": "headrace.sdk.task",
    "allow_failure": "headrace.sdk.annotations",
    "apause_flow_run": "headrace.sdk.pauses",
    "aresume_flow_run": "headrace.sdk.pauses",
    "aserve": "headrace.sdk.serving.serve",
    "asuspend_flow_run": "headrace.sdk.pauses",
    "flow": "headrace.sdk.flow",
    "get_client": "headrace.client.orchestration",
    "get_run_logger": "headrace.sdk.logs",
    "pause_flow_run": "headrace.sdk.pauses",
    "quote": "headrace.sdk.annotations",
    "resume_flow_run": "headrace.sdk.pauses",
    "serve": "headrace.sdk.serving.serve",
    "suspend_flow_run": "headrace.sdk.pauses",
    "tags": "headrace.sdk.context",
    "task": "headrace.sdk.task",
    "unmapped": "headrace.sdk.annotations",
}

__all__ = [
    "Flow",
    "State",
    "Task",
    "__version__",
    "allow_failure",
    "apause_flow_run",
    "aresume_flow_run",
    "aserve",
    "asuspend_flow_run",
    "flow",
    "get_client",
    "get_run_logger",
    "pause_flow_run",
    "quote",
    "resume_flow_run",
    "serve",
    "suspend_flow_run",
    "tags",
    "task",
    "unmapped",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
        return value
    if name == "__version__":
        from importlib.metadata import version

        return version("headrace")
    raise AttributeError(f"module 'headrace' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
