"""From a file's entry to a deployment: placeholders are filled in, the flow is loaded, and all of it is checked."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from headrace.sdk.deploying.checks import Pools, problems
from headrace.sdk.deploying.documents import Document, Entry, Fault, LimitEntry, read_entry
from headrace.sdk.deploying.outlines import outline
from headrace.sdk.entrypoints import is_file, load_flow, split
from headrace.sdk.flow import Flow
from headrace.sdk.references import resolve
from headrace.sdk.runner_deployment import RunnerDeployment, named_trigger, of_flow
from headrace.sdk.sources import LocalFolder
from headrace.sdk.triggers import DeploymentTrigger
from headrace.wire.deploying_errors import UnknownReference
from headrace.wire.deployments import ConcurrencyOptions
from headrace.wire.errors import HeadraceError
from headrace.wire.schedules import DeploymentScheduleCreate

_LATER = ("build", "push", "pull", "triggers")
"""Keys whose placeholders are filled in when they are used, not when the deployment is made."""
_OUTPUTS = (
    *("version", "description", "entrypoint", "tags", "parameters", "job_variables"),
    *("work_pool_name", "work_queue_name", "pull_steps"),
)
"""What of a deployment may refer to the outputs of build and push steps."""


class Described(msgspec.Struct, frozen=True):
    """A deployment of a file, whole and checked, and the steps before it is made."""

    label: str
    deployment: RunnerDeployment
    build: list[Any]
    push: list[Any]


class Describer:
    """Makes deployments of the entries of one file; `faults` are what is wrong, `notes` what should be known."""

    def __init__(self, document: Document, pools: Pools) -> None:
        self._document, self._pools = document, pools
        self.faults: list[Fault] = []
        self.notes: list[str] = []

    def describe(self, given: Mapping[str, Any], label: str) -> Described | None:
        """The deployment, or None if something is wrong with it."""
        before = len(self.faults)
        entry = self._entry(given, label)
        if entry is None:
            return None
        flow = self.flow_of(entry.entrypoint or "", label)
        schedules, triggers = self._schedules(entry, label), self._triggers(entry, label)
        if flow is None or len(self.faults) > before:
            return None
        made = self._made(entry, flow, schedules, triggers)
        self.check(made, label)
        if len(self.faults) > before:
            return None
        steps = {phase: self._document.steps(entry, phase) or [] for phase in ("build", "push")}
        return Described(label, made, **steps)

    def check(self, deployment: RunnerDeployment, label: str) -> None:
        """Note what is wrong with a whole deployment."""
        for problem in problems(deployment, self._pools):
            self._note(label, problem.key, problem.reason)

    def flow_of(self, entrypoint: str, label: str) -> Flow[..., Any] | None:
        """The flow of an entrypoint, or None if it cannot be loaded; what its module prints goes to stderr."""
        try:
            with contextlib.redirect_stdout(sys.stderr):
                return load_flow(entrypoint, self._document.folder)
        except HeadraceError as error:
            self._note(label, "entrypoint", str(error))
        except (Exception, SystemExit) as error:
            if isinstance(error, ImportError) and (flow := self._outline(entrypoint, error)) is not None:
                return flow
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            self._note(label, "entrypoint", f"importing {entrypoint} raised {reason}")
        return None

    def _outline(self, entrypoint: str, error: ImportError) -> Flow[..., Any] | None:
        """The flow as its file describes it, where what the file imports is not installed."""
        place, name = split(entrypoint)
        found = outline(self._document.folder / place, name) if is_file(place) else None
        if found is not None:
            note = f"{entrypoint} cannot be imported here ({error}); it is deployed as its file describes it."
            self.notes += [note] if note not in self.notes else []
        return found

    def _entry(self, given: Mapping[str, Any], label: str) -> Entry | None:
        filled: dict[str, Any] = {}
        for key, value in given.items():
            try:
                filled[key] = value if key in _LATER else _filled(key, value)
            except UnknownReference as error:
                self._note(label, key, str(error))
                return None
        entry = read_entry(filled, self._document, label)
        if isinstance(entry, Entry):
            return entry
        self.faults += entry
        return None

    def _schedules(self, entry: Entry, label: str) -> list[DeploymentScheduleCreate]:
        made: list[DeploymentScheduleCreate] = []
        for number, each in enumerate(entry.all_schedules() or ()):
            try:
                made.append(each.create())
            except ValueError as error:
                self._note(label, f"schedules[{number}]", str(error))
        slugs = [each.slug for each in made if each.slug]
        for slug in dict.fromkeys(slugs):
            if slugs.count(slug) > 1:
                self._note(label, "schedules", f"the slug {slug} is given {slugs.count(slug)} times")
        return made

    def _triggers(self, entry: Entry, label: str) -> list[DeploymentTrigger]:
        made: list[DeploymentTrigger] = []
        for number, each in enumerate(entry.triggers or ()):
            try:
                made.append(named_trigger(each, entry.name or "", number + 1))
            except HeadraceError as error:
                self._note(label, f"triggers[{number}]", str(error))
        return made

    def _made(
        self,
        entry: Entry,
        flow: Flow[..., Any],
        schedules: list[DeploymentScheduleCreate],
        triggers: list[DeploymentTrigger],
    ) -> RunnerDeployment:
        pool = entry.work_pool
        limit = entry.concurrency_limit
        given = entry.entrypoint or ""
        place, name = split(given)
        pull = self._document.steps(entry, "pull")
        made = of_flow(
            flow,
            entry.name or "",
            parameters=entry.parameters,
            description=entry.description,
            tags=entry.tags,
            version=None if entry.version is None else str(entry.version),
            enforce_parameter_schema=entry.enforce_parameter_schema is not False,
            concurrency_limit=limit.limit if isinstance(limit, LimitEntry) else limit,
            concurrency_options=_options(limit) if isinstance(limit, LimitEntry) else None,
            work_pool_name=None if pool is None else pool.name,
            work_queue_name=None if pool is None else pool.work_queue_name,
            job_variables=None if pool is None else pool.job_variables,
        )
        return msgspec.structs.replace(
            made,
            entrypoint=given if name is not None else f"{place}:{flow.fn.__qualname__}",
            path=None,
            schedules=schedules,
            keep_schedules=entry.all_schedules() is None,
            paused=entry.paused,
            triggers=triggers,
            source=None,
            pull_steps=[LocalFolder(str(self._document.folder)).to_pull_step()] if pull is None else pull,
        )

    def _note(self, label: str, key: str, reason: str) -> None:
        self.faults.append(self._document.fault(label, key, reason))


def with_outputs(deployment: RunnerDeployment, outputs: Mapping[str, Any]) -> RunnerDeployment:
    """The deployment with what its build and push steps gave in the place of placeholders."""
    changes = {
        name: resolve(getattr(deployment, name), outputs, environment=False, variables=False, blocks=False)
        for name in _OUTPUTS
    }
    return msgspec.structs.replace(deployment, **changes)


def _filled(key: str, value: Any) -> Any:
    """A key's value with what is known now; workers look up what their job variables name, so secrets are not kept."""
    if key == "work_pool" and isinstance(value, dict):
        found: dict[str, Any] = {}
        for name, part in cast("dict[str, Any]", value).items():
            later = name == "job_variables"
            found[name] = resolve(part, blocks=not later, variables=not later)
        return found
    return resolve(value)


def _options(limit: LimitEntry) -> ConcurrencyOptions:
    return ConcurrencyOptions(
        collision_strategy=limit.collision_strategy, grace_period_seconds=limit.grace_period_seconds
    )
