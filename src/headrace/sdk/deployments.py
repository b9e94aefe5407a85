"""`run_deployment`: start a deployment's run from code, and wait for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.sdk.context import FlowRunContext, TaskRunContext, current_tags
from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.sdk.lineage import inputs_of
from headrace.sdk.parameters import as_json
from headrace.sdk.pauses import finished
from headrace.sdk.results import proposal
from headrace.sdk.states import Pending, Scheduled
from headrace.wire.deployments import Deployment
from headrace.wire.flow_runs import FlowRun
from headrace.wire.task_runs import TaskRunCreate
from headrace.wire.waiting_errors import WaitTimeout

_TASK_KEY = "headrace.deployments.run_deployment"


def run_deployment(
    name: str | UUID,
    *,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool = True,
    job_variables: Mapping[str, Any] | None = None,
) -> Any:
    """Make a run of a deployment, named `flow/deployment` or by its id, and give it when it has finished.

    After `timeout` seconds the run is given as it is then; with 0 it is not waited for. It is due at once unless
    `scheduled_time` says when. Inside a flow the run is a subflow of the current run, unless `as_subflow` is False.
    In async code this is awaited; `arun_deployment` always is. Raises `ObjectNotFound`.
    """
    return dispatch(
        _run,
        name,
        timeout,
        poll_interval,
        as_subflow,
        parameters=dict(parameters or {}),
        scheduled_time=scheduled_time,
        name_of_run=flow_run_name,
        tags=tags,
        idempotency_key=idempotency_key,
        work_queue_name=work_queue_name,
        job_variables=job_variables,
    )


async def arun_deployment(
    name: str | UUID,
    *,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool = True,
    job_variables: Mapping[str, Any] | None = None,
) -> FlowRun:
    """`run_deployment`, always awaited."""
    return await _run(
        SUSPENDING,
        name,
        timeout,
        poll_interval,
        as_subflow,
        parameters=dict(parameters or {}),
        scheduled_time=scheduled_time,
        name_of_run=flow_run_name,
        tags=tags,
        idempotency_key=idempotency_key,
        work_queue_name=work_queue_name,
        job_variables=job_variables,
    )


async def _run(
    driver: Driver,
    name: str | UUID,
    timeout: float | None,
    poll_interval: float,
    as_subflow: bool,
    *,
    parameters: dict[str, Any],
    scheduled_time: datetime | None,
    name_of_run: str | None,
    tags: Iterable[str] | None,
    idempotency_key: str | None,
    work_queue_name: str | None,
    job_variables: Mapping[str, Any] | None,
) -> FlowRun:
    deployment = await driver.call(_find, name)
    parent = FlowRunContext.get() if as_subflow else None
    tracker = await driver.call(_track, parent, deployment, parameters) if parent is not None else None

    def make() -> FlowRun:
        return api().create_flow_run_from_deployment(
            deployment.id,
            parameters=as_json(parameters),
            state=Scheduled(scheduled_time),
            name=name_of_run,
            tags=sorted({*(tags or ()), *current_tags()}),
            idempotency_key=idempotency_key,
            parent_task_run_id=tracker,
            work_queue_name=work_queue_name,
            job_variables=job_variables,
        )

    run = await driver.call(make)
    if timeout == 0:
        return run
    try:
        return await finished(driver, run.id, timeout, poll_interval)
    except WaitTimeout:
        return await driver.call(api().read_flow_run, run.id)


def _find(name: str | UUID) -> Deployment:
    """The deployment of a name or an id; an id may also be written as text."""
    if isinstance(name, str) and "/" in name:
        return api().read_deployment_by_name(name)
    return api().read_deployment(name if isinstance(name, UUID) else UUID(name))


def _track(parent: FlowRunContext, deployment: Deployment, parameters: dict[str, Any]) -> UUID:
    """The task run that stands for the run in its parent's graph."""
    enclosing = TaskRunContext.get()
    parents = [enclosing.task_run.id] if enclosing is not None else []
    task_key = f"{_TASK_KEY}.{deployment.name}"
    dynamic_key = parent.dynamic_key(task_key)
    tracker = parent.session.recording.post_task_run(
        TaskRunCreate(
            name=f"{deployment.name}-{dynamic_key}",
            flow_run_id=parent.flow_run.id,
            task_key=task_key,
            dynamic_key=dynamic_key,
            state=proposal(Pending()),
            task_inputs=inputs_of(parameters, None, parents, parent.lineage),
        )
    )
    return tracker.id
