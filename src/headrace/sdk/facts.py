"""What `headrace.runtime` answers: one function for each fact, from the context of the run.

Tests of users' own code can set a fact without a run: `HEADRACE__RUNTIME__FLOW_RUN__NAME=test` gives
`runtime.flow_run.name` the value "test".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from headrace.sdk.context import FlowRunContext, TaskRunContext
from headrace.sdk.session import session

Fact = Callable[[], Any]


def fact(kind: str, facts: Mapping[str, Fact], name: str) -> Any:
    """The fact with a name; raises `AttributeError` if there is none of that name."""
    if name not in facts:
        raise AttributeError(f"headrace.runtime.{kind} has no {name!r}; it has {', '.join(facts)}.")
    value = facts[name]()
    forced = os.environ.get(f"HEADRACE__RUNTIME__{kind.upper()}__{name.upper()}")
    return value if forced is None else _like(value, forced)


def names(facts: Mapping[str, Fact]) -> list[str]:
    return sorted(facts)


def _like(value: Any, forced: str) -> Any:
    """A forced fact as the kind of value that the fact has, where that can be told."""
    match value:
        case bool():
            return forced.lower() in ("1", "true", "yes")
        case int():
            return int(forced)
        case datetime():
            return datetime.fromisoformat(forced)
        case list():
            return [part.strip() for part in forced.split(",")]
        case _:
            return forced


def _flow(read: Callable[[FlowRunContext], Any], otherwise: Callable[[], Any] = lambda: None) -> Fact:
    def find() -> Any:
        run = FlowRunContext.get()
        return read(run) if run is not None else otherwise()

    return find


def _task(read: Callable[[TaskRunContext], Any], otherwise: Callable[[], Any] = lambda: None) -> Fact:
    def find() -> Any:
        run = TaskRunContext.get()
        return read(run) if run is not None else otherwise()

    return find


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _parent_flow_run(run: FlowRunContext) -> str | None:
    return _text(run.parent.flow_run.id) if run.parent is not None else None


def _root_flow_run(run: FlowRunContext) -> str:
    while run.parent is not None:
        run = run.parent
    return str(run.flow_run.id)


def _api_url(kind: str, id_: Any) -> str | None:
    base = session().settings.api.url
    return f"{base}/{kind}/{id_}" if base is not None else None


def _ui_url(kind: str, id_: Any) -> str | None:
    base = session().settings.api.url
    return f"{base.removesuffix('/').removesuffix('/api')}/runs/{kind}/{id_}" if base is not None else None


FLOW_RUN: Mapping[str, Fact] = {
    "id": _flow(lambda run: str(run.flow_run.id)),
    "tags": _flow(lambda run: list(run.flow_run.tags), list),
    "scheduled_start_time": _flow(lambda run: run.flow_run.expected_start_time),
    "name": _flow(lambda run: run.flow_run.name),
    "flow_name": _flow(lambda run: run.flow.name),
    "flow_version": _flow(lambda run: run.flow.version),
    "parameters": _flow(lambda run: run.parameters, dict),
    "parent_flow_run_id": _flow(_parent_flow_run),
    "parent_deployment_id": _flow(lambda run: _text(run.parent.flow_run.deployment_id) if run.parent else None),
    "root_flow_run_id": _flow(_root_flow_run),
    "run_count": _flow(lambda run: run.flow_run.run_count, lambda: 0),
    "api_url": _flow(lambda run: _api_url("flow_runs", run.flow_run.id)),
    "ui_url": _flow(lambda run: _ui_url("flow-run", run.flow_run.id)),
    "job_variables": _flow(lambda run: run.flow_run.job_variables or {}, dict),
}

TASK_RUN: Mapping[str, Fact] = {
    "id": _task(lambda run: str(run.task_run.id)),
    "tags": _task(lambda run: list(run.task_run.tags), list),
    "name": _task(lambda run: run.task_run.name),
    "task_name": _task(lambda run: run.task.name),
    "parameters": _task(lambda run: run.parameters, dict),
    "run_count": _task(lambda run: run.task_run.run_count, lambda: 0),
    "api_url": _task(lambda run: _api_url("task_runs", run.task_run.id)),
    "ui_url": _task(lambda run: _ui_url("task-run", run.task_run.id)),
}

DEPLOYMENT: Mapping[str, Fact] = {
    "id": _flow(lambda run: _text(run.flow_run.deployment_id)),
    # Runs that are called have no deployment, and so far nothing else starts runs.
    "name": lambda: None,
    "version": _flow(lambda run: run.flow_run.deployment_version),
    "flow_run_id": _flow(lambda run: str(run.flow_run.id)),
    "parameters": _flow(lambda run: run.parameters, dict),
}
