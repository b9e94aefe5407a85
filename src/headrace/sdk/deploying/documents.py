"""`headrace.yaml`: deployments as a file describes them, and the steps around them. `prefect.yaml` says the same.

A file is read as far as can be told without the API: what is wrong with it is a `Fault`, which names the file, the
deployment and the key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import msgspec

from headrace.sdk.steps.finding import is_known, read_step
from headrace.wire.deploying_errors import DeploymentError
from headrace.wire.deployments import ConcurrencyLimitStrategy, GraceSeconds
from headrace.wire.schedules import Catchup, DeploymentScheduleCreate, IfRunning, Positive

FILES = ("headrace.yaml", "prefect.yaml")
"""The files that are looked for, in this order."""
PHASES = ("build", "push", "pull")
_TOP = ("name", "deployments", "definitions", *PHASES, "headrace-version", "prefect-version")
_AT = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a file, and where in it."""

    file: str
    deployment: str | None
    key: str
    reason: str

    def __str__(self) -> str:
        where = [self.file, f"deployment {self.deployment}" if self.deployment else "", self.key]
        return f"{': '.join(filter(None, where))}: {self.reason}"


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A part of a file; a key that it does not have is a mistake."""


class PoolEntry(_Strict, kw_only=True):
    """Which workers execute the runs, and what their jobs are made with."""

    name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None


class LimitEntry(_Strict, kw_only=True):
    """How many runs may be under way at once, and what becomes of others."""

    limit: Positive
    collision_strategy: ConcurrencyLimitStrategy = ConcurrencyLimitStrategy.ENQUEUE
    grace_period_seconds: GraceSeconds | None = None


class ScheduleEntry(_Strict, kw_only=True):
    """When a deployment runs by itself: by exactly one of `cron`, `interval` (seconds) and `rrule`."""

    cron: str | None = None
    interval: float | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime | None = None
    day_or: bool | None = None
    active: bool = True
    slug: str | None = None
    replaces: str | None = None
    parameters: dict[str, Any] | None = None
    max_scheduled_runs: Positive | None = None
    catchup: Catchup | None = None
    max_queued: Positive | None = None
    if_running: IfRunning | None = None

    def create(self) -> DeploymentScheduleCreate:
        """The schedule as the API takes it. Raises `ValueError`."""
        kinds = [name for name in ("cron", "interval", "rrule") if getattr(self, name) is not None]
        if len(kinds) != 1:
            said = f"{' and '.join(kinds)} are given" if kinds else "none is given"
            raise ValueError(f"a schedule has exactly one of cron, interval and rrule: {said}")
        timing = _given(self, (kinds[0], "timezone", *_TIMING[kinds[0]]))
        rest = _given(self, ("active", "slug", "replaces", "parameters", "max_scheduled_runs", *_POLICIES))
        return msgspec.convert(rest | {"schedule": timing}, DeploymentScheduleCreate)


_TIMING: Mapping[str, tuple[str, ...]] = {"cron": ("day_or",), "interval": ("anchor_date",), "rrule": ()}
_POLICIES = ("catchup", "max_queued", "if_running")


class Entry(_Strict, kw_only=True):
    """One deployment. None for `schedules` or `paused` leaves those of a deployment that exists as they are."""

    name: str | None = None
    flow_name: str | None = None
    entrypoint: str | None = None
    version: str | int | float | None = None
    version_type: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    parameters: dict[str, Any] | None = None
    enforce_parameter_schema: bool | None = None
    schedule: ScheduleEntry | None = None
    schedules: list[ScheduleEntry] | None = None
    paused: bool | None = None
    concurrency_limit: Positive | LimitEntry | None = None
    work_pool: PoolEntry | None = None
    triggers: list[dict[str, Any]] | None = None
    build: list[Any] | None = None
    push: list[Any] | None = None
    pull: list[Any] | None = None

    def all_schedules(self) -> list[ScheduleEntry] | None:
        """The schedules, however they are given; a single one that says nothing is not meant."""
        if self.schedule in (None, ScheduleEntry()):
            return self.schedules
        return [*filter(None, [self.schedule]), *(self.schedules or ())]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A file: its deployments as they were written, and the steps of those that have none of their own."""

    file: str
    folder: Path
    entries: list[dict[str, Any]] = []
    build: list[Any] | None = None
    push: list[Any] | None = None
    pull: list[Any] | None = None

    def fault(self, label: str | None, key: str, reason: str) -> Fault:
        """Something that is wrong with it."""
        return Fault(self.file, label, key, reason)

    def steps(self, entry: Entry, phase: str) -> list[Any] | None:
        """The steps of a deployment: its own, else those of the file."""
        own: list[Any] | None = getattr(entry, phase)
        return own if own is not None else getattr(self, phase)


def find_file(folder: Path) -> Path | None:
    """The file that describes the deployments of a folder, if there is one."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def read(file: Path) -> Document:
    """A file as it is written. Raises `DeploymentError` if it cannot be read, or is not made of what such files are."""
    content = _loaded(file)
    if not isinstance(content, Mapping):
        raise DeploymentError(f"{file.name}: it is not a mapping with a list of `deployments`.")
    given = cast("Mapping[str, Any]", content)
    for key in given:
        if key not in _TOP and (meant := difflib.get_close_matches(str(key), _TOP, 1, 0.8)):
            raise DeploymentError(f"{file.name}: {key}: there is no such key; {meant[0]} is meant.")
    entries: Any = given.get("deployments") or []
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in cast("list[Any]", entries)):
        raise DeploymentError(f"{file.name}: deployments: it is not a list of mappings.")
    for phase in PHASES:
        if not isinstance(given.get(phase), list | None):
            raise DeploymentError(f"{file.name}: {phase}: it is not a list of steps.")
    phases = {phase: given.get(phase) for phase in PHASES}
    return Document(file=file.name, folder=file.absolute().parent, entries=cast("list[Any]", entries), **phases)


def label_of(entry: Mapping[str, Any], number: int) -> str:
    """How a deployment is called in messages: by its name, else by its place."""
    return str(entry.get("name") or f"number {number + 1}")


def read_entry(given: Mapping[str, Any], document: Document, label: str) -> Entry | list[Fault]:
    """A deployment with every key checked, or what is wrong with it."""
    try:
        entry = msgspec.convert(given, Entry)
    except msgspec.ValidationError as error:
        return [document.fault(label, *_explained(str(error)))]
    faults = [document.fault(label, key, "it is missing") for key in ("name", "entrypoint") if not getattr(entry, key)]
    for phase in PHASES:
        faults += _step_faults(document.steps(entry, phase), document, label, phase)
    return faults or entry


def _step_faults(steps: Sequence[Any] | None, document: Document, label: str, phase: str) -> Iterable[Fault]:
    for number, said in enumerate(steps or ()):
        try:
            step = read_step(said)
        except DeploymentError as error:
            yield document.fault(label, f"{phase}[{number}]", str(error))
            continue
        if not is_known(step.name):
            yield document.fault(label, f"{phase}[{number}]", f"there is no step {step.name}")


def _explained(said: str) -> tuple[str, str]:
    """The key that an error of conversion is about, and its reason in our words."""
    at = _AT.search(said)
    key, reason = (at[1], said[: at.start()]) if at else ("", said)
    if (unknown := _UNKNOWN.search(reason)) is not None:
        inner = key.rpartition(".")[2].partition("[")[0]
        kind = {"work_pool": PoolEntry, "schedules": ScheduleEntry, "schedule": ScheduleEntry}.get(inner, Entry)
        kind = LimitEntry if inner == "concurrency_limit" else kind
        meant = difflib.get_close_matches(unknown[1], kind.__struct_fields__, 1)
        known = f"{meant[0]} is meant" if meant else f"known are {', '.join(kind.__struct_fields__)}"
        return ".".join(filter(None, (key, unknown[1]))), f"there is no such key; {known}"
    return key, reason[:1].lower() + reason[1:]


def _given(struct: msgspec.Struct, names: Iterable[str]) -> dict[str, Any]:
    values = {name: getattr(struct, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _loaded(file: Path) -> Any:
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise DeploymentError(f"{file} cannot be read: {error}") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DeploymentError(f"{file.name} is no YAML: {' '.join(str(error).split())}") from None
