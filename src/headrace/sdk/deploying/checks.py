"""What would keep a deployment from being made, or its runs from being executed, found before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.rules import job_variables, recurrence
from headrace.rules.json_schema import misfits
from headrace.rules.placeholders import names
from headrace.sdk.parameters import as_json
from headrace.wire.errors import ObjectNotFound
from headrace.wire.flows import Name
from headrace.wire.ids import uuid7
from headrace.wire.work_pools import WorkPool

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient
    from headrace.sdk.runner_deployment import RunnerDeployment


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, and with which key of a deployment."""

    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


class Pools:
    """The work pools of an API, each asked for once."""

    def __init__(self, api: SyncHeadraceClient) -> None:
        self._api = api
        self._known: dict[str, WorkPool | None] = {}

    def find(self, name: str) -> WorkPool | None:
        """The pool of that name, or None."""
        if name not in self._known:
            try:
                self._known[name] = self._api.read_work_pool(name)
            except ObjectNotFound:
                self._known[name] = None
        return self._known[name]


def problems(deployment: RunnerDeployment, pools: Pools) -> Iterator[Problem]:
    """What is wrong with a deployment that is to be executed by the workers of a pool."""
    yield from _unfit_names(deployment)
    yield from _unfit_triggers(deployment)
    yield from _unfit_schedules(deployment)
    yield from _unfit_parameters("parameters", deployment, deployment.parameters)
    name = deployment.work_pool_name
    if not name:
        yield Problem("work_pool", "no work pool is named; headrace work-pool ls shows those there are")
    elif (pool := pools.find(name)) is None:
        make = f"headrace work-pool create {name} --type process"
        yield Problem("work_pool.name", f"there is no work pool {name}; {make} makes one")
    elif (reason := _unfit_variables(deployment.job_variables, pool)) is not None:
        yield Problem("work_pool.job_variables", f"the work pool {name} does not take them: {reason}")


def _unfit_names(deployment: RunnerDeployment) -> Iterator[Problem]:
    names = {"name": deployment.name, "work_pool.work_queue_name": deployment.work_queue_name}
    for key, name in names.items():
        try:
            msgspec.convert(name, Name | None)
        except msgspec.ValidationError:
            yield Problem(key, f"{name!r} is no name: it may not be empty, nor have any of / % & > <")


def _unfit_triggers(deployment: RunnerDeployment) -> Iterator[Problem]:
    """Triggers that would run the deployment because of its own runs, for ever."""
    for number, trigger in enumerate(deployment.triggers):
        trigger.set_deployment_id(uuid7())
        try:
            trigger.as_automation()
        except ValueError as error:
            yield Problem(f"triggers[{number}]", str(error))


def _unfit_schedules(deployment: RunnerDeployment) -> Iterator[Problem]:
    for number, each in enumerate(deployment.schedules):
        try:
            recurrence.normalized(each.schedule)
        except recurrence.ScheduleError as error:
            yield Problem(f"schedules[{number}].{error.field}", str(error))
        yield from _unfit_parameters(f"schedules[{number}].parameters", deployment, each.parameters)


def _unfit_parameters(key: str, deployment: RunnerDeployment, given: Mapping[str, Any]) -> Iterator[Problem]:
    """Parameters that the flow does not take; those that are missing may come with a run."""
    if not deployment.enforce_parameter_schema:
        return
    schema = deployment.parameter_openapi_schema
    known: Mapping[str, Any] = schema.get("properties", {})
    for name in given if not _takes_any(schema) else ():
        if name not in known:
            yield Problem(f"{key}.{name}", f"the flow has no parameter {name}; it has {', '.join(known) or 'none'}")
    sent: dict[str, Any] = {name: value for name, value in as_json(dict(given)).items() if not _is_template(value)}
    for found in misfits(sent, schema):
        if found.missing is None or found.place:
            yield Problem(".".join([key, *map(str, found.place)]), found.reason)


def _takes_any(schema: Mapping[str, Any]) -> bool:
    """Whether a flow has `**others`: the one parameter that is neither required nor has a default."""
    required = schema.get("required", ())
    return any(name not in required and "default" not in each for name, each in schema.get("properties", {}).items())


def _unfit_variables(given: Mapping[str, Any], pool: WorkPool) -> str | None:
    """Why a pool does not take job variables; those that are filled in later are not looked at."""
    known = {name: value for name, value in given.items() if not _is_template(value)}
    return job_variables.unfit(known, pool.base_job_template, ignore_required=True)


def _is_template(value: Any) -> bool:
    return next(names(value), None) is not None or (isinstance(value, dict) and "__prefect_kind" in value)
