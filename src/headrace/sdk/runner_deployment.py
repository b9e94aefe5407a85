"""A deployment as code describes it, before it is the API's: `flow.to_deployment("nightly", cron="0 3 * * *")`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
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
    from headrace.client.orchestration import SyncHeadraceClient
    from headrace.sdk.deploying.putting import Put
    from headrace.sdk.flow import Flow
    from headrace.sdk.sources import CodeSource

AnyTrigger = DeploymentTrigger | Mapping[str, Any]
AnySchedule = Schedule | wire.Schedule | DeploymentScheduleCreate


class CommonOptions(TypedDict, total=False):
    """What deployments take wherever they are made: when, how and with what the flow runs."""

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
    work_queue_name: str | None
    job_variables: dict[str, Any] | None
    triggers: Iterable[AnyTrigger] | None
    entrypoint_type: EntrypointType


class DeploymentOptions(CommonOptions, total=False):
    """What `flow.to_deployment` takes besides the name."""

    work_pool_name: str | None


class EntrypointType(StrEnum):
    """How a flow is found again: by the path of its file, or by the module that is installed where it runs."""

    FILE_PATH = "file_path"
    MODULE_PATH = "module_path"


class RunnerDeployment(msgspec.Struct, kw_only=True):
    """A flow with where, how and when it runs. `apply` makes it the API's, or changes it there.

    A worker gets the code by the `pull_steps`, or by those of its `source`; who serves the deployment has the code in
    `path`. With `keep_schedules`, and with None for `paused`, a deployment that exists stays as it is in these.
    """

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
    keep_schedules: bool = False
    paused: bool | None = False
    concurrency_limit: int | None = None
    concurrency_options: ConcurrencyOptions | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] = {}
    triggers: list[DeploymentTrigger] = []
    source: CodeSource | None = None
    pull_steps: list[dict[str, Any]] | None = None

    @property
    def full_name(self) -> str:
        """`flow/deployment`, by which the API finds it."""
        return f"{self.flow_name}/{self.name}"

    @classmethod
    def from_flow(cls, flow: Flow[..., Any], name: str, **options: Unpack[DeploymentOptions]) -> RunnerDeployment:
        """A deployment of a flow; the options are those of `flow.to_deployment`."""
        return of_flow(flow, name, **options)

    @classmethod
    def from_entrypoint(cls, entrypoint: str, name: str, **options: Unpack[DeploymentOptions]) -> RunnerDeployment:
        """A deployment of the flow that an entrypoint names, such as `flows/etl.py:nightly`."""
        return of_flow(_from_entrypoint(entrypoint), name, **options)

    @classmethod
    def from_storage(
        cls, *, storage: str | Path | CodeSource, entrypoint: str, name: str, **options: Unpack[DeploymentOptions]
    ) -> RunnerDeployment:
        """A deployment of a flow in a repository or a folder; `entrypoint` starts from there."""
        from headrace.sdk.deploying.origins import flow_from

        return of_flow(flow_from(storage, entrypoint), name, **options)

    def apply(self, work_pool_name: str | None = None) -> Any:
        """Make the deployment, or change it to be as it is described here; its id. In async code this is awaited."""
        return dispatch(_apply, self, work_pool_name)

    async def aapply(self, work_pool_name: str | None = None) -> UUID:
        """`apply`, always awaited."""
        return await _apply(SUSPENDING, self, work_pool_name)

    def body(self, flow_id: UUID) -> DeploymentCreate:
        """The deployment as the API takes it."""
        steps = self.pull_steps
        if steps is None and self.work_pool_name and self.source is not None:
            steps = [self.source.to_pull_step()]
        return DeploymentCreate(
            name=self.name,
            flow_id=flow_id,
            entrypoint=self.entrypoint,
            path=self.path,
            description=self.description,
            version=self.version,
            tags=self.tags,
            parameters=as_json(self.parameters),
            parameter_openapi_schema=self.parameter_openapi_schema,
            enforce_parameter_schema=self.enforce_parameter_schema,
            schedules=list(self.schedules),
            paused=msgspec.UNSET if self.paused is None else self.paused,
            concurrency_limit=self.concurrency_limit,
            concurrency_options=self.concurrency_options,
            work_pool_name=self.work_pool_name,
            work_queue_name=self.work_queue_name,
            job_variables=self.job_variables,
            pull_steps=steps,
        )


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
    entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
) -> RunnerDeployment:
    """A deployment of a flow, found again by the file or module and the name of its function.

    `interval` is a timedelta or seconds. `triggers` run the deployment when something happens; they are
    `DeploymentEventTrigger` and its like, or the same as dicts. Raises `DefinitionError` for a flow that is defined
    inside a function.
    """
    entrypoint, path, source = _place(flow, entrypoint_type)
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
        triggers=[named_trigger(given, name, place) for place, given in enumerate(triggers or (), 1)],
        source=source,
    )


def named_trigger(given: AnyTrigger, deployment: str, place: int) -> DeploymentTrigger:
    """A trigger that knows its name: that of its deployment, unless it was given one."""
    trigger = deployment_trigger(given)
    return trigger if trigger.name else msgspec.structs.replace(trigger, name=f"{deployment}__automation_{place}")


async def _apply(driver: Driver, deployment: RunnerDeployment, work_pool_name: str | None) -> UUID:
    placed = msgspec.structs.replace(deployment, work_pool_name=work_pool_name or deployment.work_pool_name)
    return (await driver.call(apply_to, api(), placed)).deployment.id


def apply_to(api: SyncHeadraceClient, deployment: RunnerDeployment) -> Put:
    """Make the deployment at an API, or change it there; what was done."""
    from headrace.sdk.deploying.putting import put

    body = deployment.body(api.create_flow_from_name(deployment.flow_name))
    return put(api, deployment.full_name, body, deployment.triggers, keep_schedules=deployment.keep_schedules)


def _from_entrypoint(entrypoint: str) -> Flow[..., Any]:
    from headrace.sdk.entrypoints import load_flow

    return load_flow(entrypoint)


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


def _place(flow: Flow[..., Any], kind: EntrypointType) -> tuple[str, str | None, CodeSource | None]:
    """Where a flow is found: its entrypoint, the folder that this starts from, and where workers get the code.

    Raises `DefinitionError` for a flow that is defined inside a function.
    """
    if (origin := flow.origin) is not None:
        return origin.entrypoint, str(origin.folder), origin.source
    function: Callable[..., Any] = inspect.unwrap(flow.fn)
    code = getattr(function, "__code__", None)
    if code is None or "<" in function.__qualname__:
        raise DefinitionError(
            f"The flow {flow.name!r} cannot be deployed: it is defined inside a function, where a worker cannot find "
            "it. Define it at the top of a module."
        )
    if kind is EntrypointType.MODULE_PATH:
        if function.__module__ == "__main__":
            raise DefinitionError(
                f"The flow {flow.name!r} cannot be found by its module, which is the script that runs now: import it "
                "from a module that is installed, or deploy it by its file."
            )
        return f"{function.__module__}:{function.__qualname__}", None, None
    folder = os.getcwd()
    file = os.path.abspath(code.co_filename)
    inside = file.startswith(folder + os.sep)
    return f"{os.path.relpath(file, folder) if inside else file}:{function.__qualname__}", folder, None
