"""A deployment as code describes it, before it is the API's: `flow.to_deployment("nightly", cron="0 3 * * *")`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, assert_never
from uuid import UUID

import msgspec

from headrace.sdk.dispatch import SUSPENDING, api, dispatch
from headrace.sdk.drivers import Driver
from headrace.sdk.parameter_schemas import parameter_schema
from headrace.sdk.parameters import as_json
from headrace.sdk.schedules import Schedule
from headrace.sdk.triggers import DeploymentTrigger, deployment_trigger
from headrace.wire import schedules as wire
from headrace.wire.deployments import ConcurrencyOptions, DeploymentCreate
from headrace.wire.errors import DefinitionError
from headrace.wire.schedules import CronSchedule, DeploymentScheduleCreate, IntervalSchedule, RRuleSchedule

if TYPE_CHECKING:
    from headrace.sdk.flow import Flow

AnyTrigger = DeploymentTrigger | Mapping[str, Any]
AnySchedule = Schedule | wire.Schedule | DeploymentScheduleCreate


class DeploymentOptions(TypedDict, total=False):
    """What `flow.to_deployment` takes besides the name."""

    interval: timedelta | float | Iterable[timedelta | float] | None
    cron: str | Iterable[str] | None
    rrule: str | Iterable[str] | None
    schedule: AnySchedule | None
    schedules: Iterable[AnySchedule] | None
    paused: bool
    parameters: dict[str, Any] | None
    description: str | None
    tags: Iterable[str] | None
    version: str | None
    enforce_parameter_schema: bool
    concurrency_limit: int | None
    concurrency_options: ConcurrencyOptions | None
    work_pool_name: str | None
    work_queue_name: str | None
    job_variables: dict[str, Any] | None
    triggers: Iterable[AnyTrigger] | None


class RunnerDeployment(msgspec.Struct, kw_only=True):
    """A flow with where, how and when it runs. `apply` makes it the API's, or changes it there."""

    name: str
    flow_name: str
    entrypoint: str | None = None
    path: str | None = None
    description: str | None = None
    version: str | None = None
    tags: list[str] = []
    parameters: dict[str, Any] = {}
    parameter_openapi_schema: dict[str, Any] = {}
    enforce_parameter_schema: bool = True
    schedules: list[DeploymentScheduleCreate] = []
    paused: bool = False
    concurrency_limit: int | None = None
    concurrency_options: ConcurrencyOptions | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = {}
    triggers: list[DeploymentTrigger] = []

    @property
    def full_name(self) -> str:
        """`flow/deployment`, by which the API finds it."""
        return f"{self.flow_name}/{self.name}"

    @classmethod
    def from_flow(cls, flow: Flow[..., Any], name: str, **options: Unpack[DeploymentOptions]) -> RunnerDeployment:
        """A deployment of a flow; the options are those of `flow.to_deployment`."""
        return of_flow(flow, name, **options)

    def apply(self, work_pool_name: str | None = None) -> Any:
        """Make the deployment, or change it to be as it is described here; its id. In async code this is awaited."""
        return dispatch(_apply, self, work_pool_name)

    async def aapply(self, work_pool_name: str | None = None) -> UUID:
        """`apply`, always awaited."""
        return await _apply(SUSPENDING, self, work_pool_name)


def of_flow(
    flow: Flow[..., Any],
    name: str,
    *,
    interval: timedelta | float | Iterable[timedelta | float] | None = None,
    cron: str | Iterable[str] | None = None,
    rrule: str | Iterable[str] | None = None,
    schedule: AnySchedule | None = None,
    schedules: Iterable[AnySchedule] | None = None,
    paused: bool = False,
    parameters: dict[str, Any] | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    version: str | None = None,
    enforce_parameter_schema: bool = True,
    concurrency_limit: int | None = None,
    concurrency_options: ConcurrencyOptions | None = None,
    work_pool_name: str | None = None,
    work_queue_name: str | None = None,
    job_variables: dict[str, Any] | None = None,
    triggers: Iterable[AnyTrigger] | None = None,
) -> RunnerDeployment:
    """A deployment of a flow, found again by the file and the name of its function.

    `interval` is a timedelta or seconds. `triggers` run the deployment when something happens; they are
    `DeploymentEventTrigger` and its like, or the same as dicts. Raises `DefinitionError` for a flow that is defined
    inside a function.
    """
    entrypoint, path = _place(flow)
    others = [*([schedule] if schedule is not None else []), *(schedules or ())]
    return RunnerDeployment(
        name=name,
        flow_name=flow.name,
        entrypoint=entrypoint,
        path=path,
        description=description if description is not None else flow.description,
        version=version or flow.version,
        tags=list(tags or ()),
        parameters=dict(parameters or {}),
        parameter_openapi_schema=parameter_schema(flow.signature),
        enforce_parameter_schema=enforce_parameter_schema,
        schedules=_schedules(interval, cron, rrule, others),
        paused=paused,
        concurrency_limit=concurrency_limit,
        concurrency_options=concurrency_options,
        work_pool_name=work_pool_name,
        work_queue_name=work_queue_name,
        job_variables=dict(job_variables or {}),
        triggers=[_trigger(given, name, place) for place, given in enumerate(triggers or (), 1)],
    )


def _trigger(given: AnyTrigger, deployment: str, place: int) -> DeploymentTrigger:
    """A trigger that knows its name: that of its deployment, unless it was given one."""
    trigger = deployment_trigger(given)
    return trigger if trigger.name else msgspec.structs.replace(trigger, name=f"{deployment}__automation_{place}")


async def _apply(driver: Driver, deployment: RunnerDeployment, work_pool_name: str | None) -> UUID:
    flow_id = await driver.call(api().create_flow_from_name, deployment.flow_name)
    body = DeploymentCreate(
        name=deployment.name,
        flow_id=flow_id,
        entrypoint=deployment.entrypoint,
        path=deployment.path,
        description=deployment.description,
        version=deployment.version,
        tags=deployment.tags,
        parameters=as_json(deployment.parameters),
        parameter_openapi_schema=deployment.parameter_openapi_schema,
        enforce_parameter_schema=deployment.enforce_parameter_schema,
        schedules=deployment.schedules,
        paused=deployment.paused,
        concurrency_limit=deployment.concurrency_limit,
        concurrency_options=deployment.concurrency_options,
        work_pool_name=work_pool_name or deployment.work_pool_name,
        work_queue_name=deployment.work_queue_name,
        job_variables=deployment.job_variables,
        pull_steps=None,
    )
    deployment_id = (await driver.call(api().post_deployment, body)).id
    await driver.call(_replace_automations, deployment_id, deployment.triggers)
    return deployment_id


def _replace_automations(deployment_id: UUID, triggers: list[DeploymentTrigger]) -> None:
    """The automations of a deployment are those of its triggers, and no others (contract §12.3)."""
    for trigger in triggers:
        trigger.set_deployment_id(deployment_id)
    automations = [trigger.as_automation() for trigger in triggers]
    api().delete_resource_owned_automations(f"prefect.deployment.{deployment_id}")
    for automation in automations:
        api().create_automation(automation)


def _schedules(
    interval: timedelta | float | Iterable[timedelta | float] | None,
    cron: str | Iterable[str] | None,
    rrule: str | Iterable[str] | None,
    others: list[AnySchedule],
) -> list[DeploymentScheduleCreate]:
    found: list[AnySchedule] = [
        *(IntervalSchedule(interval=_seconds(each)) for each in _many(interval, (timedelta, int, float))),
        *(CronSchedule(cron=each) for each in _many(cron, (str,))),
        *(RRuleSchedule(rrule=each) for each in _many(rrule, (str,))),
        *others,
    ]
    return list(map(_as_sent, found))


def _as_sent(schedule: AnySchedule) -> DeploymentScheduleCreate:
    match schedule:
        case DeploymentScheduleCreate():
            return schedule
        case Schedule():
            return schedule.create()
        case IntervalSchedule() | CronSchedule() | RRuleSchedule():
            return DeploymentScheduleCreate(schedule=schedule)
        case _:
            assert_never(schedule)


def _many(given: Any, single: tuple[type, ...]) -> list[Any]:
    if given is None:
        return []
    return [given] if isinstance(given, single) else list(given)


def _seconds(interval: timedelta | float) -> float:
    return interval.total_seconds() if isinstance(interval, timedelta) else float(interval)


def _place(flow: Flow[..., Any]) -> tuple[str, str]:
    """`file.py:function` and the folder that the file's name starts from. Raises `DefinitionError` for a lambda."""
    function: Callable[..., Any] = inspect.unwrap(flow.fn)
    code = getattr(function, "__code__", None)
    if code is None or "<" in function.__qualname__:
        raise DefinitionError(
            f"The flow {flow.name!r} cannot be deployed: it is defined inside a function, where a worker cannot find "
            "it. Define it at the top of a module."
        )
    folder = os.getcwd()
    file = os.path.abspath(code.co_filename)
    inside = file.startswith(folder + os.sep)
    return f"{os.path.relpath(file, folder) if inside else file}:{function.__qualname__}", folder
