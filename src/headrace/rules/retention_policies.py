"""Retention policies: the classes of things they can be for, and what of each class a policy is about.

A class is a kind of thing, or a part of it: `flow_runs`, `flow_runs.failed`, `logs.debug`, `events.prefect.worker`.
The more specific policy wins, whether it keeps things for longer or for shorter.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from headrace.rules.retention import Retention
from headrace.wire.errors import Unprocessable
from headrace.wire.states import StateType

OUTCOMES = {
    "completed": StateType.COMPLETED,
    "failed": StateType.FAILED,
    "crashed": StateType.CRASHED,
    "cancelled": StateType.CANCELLED,
}
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""The least level of the lines of each name; those below debug belong to it."""
_EARLY = 0.1
"""The part of the time between two runs by which one may come early, as loops are not clocks."""


class Kind(StrEnum):
    """What can be kept for a while."""

    FLOW_RUNS = "flow_runs"
    TASK_RUNS = "task_runs"
    """Those outside of flows: others go with their flow run."""
    LOGS = "logs"
    EVENTS = "events"
    ARTIFACTS = "artifacts"

    @property
    def undoable(self) -> bool:
        """Whether what a policy removes goes to the trash first."""
        return self not in (Kind.LOGS, Kind.EVENTS)

    @property
    def counted(self) -> bool:
        """Whether the last few can be kept: of each flow, or of each key."""
        return self in (Kind.FLOW_RUNS, Kind.ARTIFACTS)


class RetentionClass(msgspec.Struct, frozen=True, order=True):
    """A kind of thing, or one part of it: an outcome, a level, or the beginning of an event's name.

    >>> str(parse_class("flow-runs.failed"))
    'flow_runs.failed'
    """

    kind: Kind
    part: str | None = None

    def __str__(self) -> str:
        return self.kind if self.part is None else f"{self.kind}.{self.part}"


class Policy(msgspec.Struct, frozen=True):
    """How long things of a class are kept, in seconds, and how many of the last ones however old they are."""

    about: RetentionClass
    max_age: float | None = None
    keep_last: int | None = None


def parse_class(name: str) -> RetentionClass:
    """The class of this name; a hyphen may stand for the underscore of its kind. Raises `Unprocessable`."""
    first, _, rest = name.partition(".")
    kind = first.replace("-", "_").lower()
    if kind not in {*Kind} or (not rest and "." in name):
        raise _unknown(name)
    found = RetentionClass(Kind(kind), rest or None)
    if found.part is None or found.kind is Kind.EVENTS:
        return found
    parts: Mapping[str, object] = {Kind.FLOW_RUNS: OUTCOMES, Kind.LOGS: LEVELS}.get(found.kind, {})
    if found.part.lower() not in parts:
        raise _unknown(name)
    return RetentionClass(found.kind, found.part.lower())


def check(policy: Policy) -> Policy:
    """The policy, if it says something that holds for its class. Raises `Unprocessable`."""
    kind = policy.about.kind
    if policy.max_age is None and policy.keep_last is None:
        raise Unprocessable(f"The policy for {policy.about} says nothing: give an age, a number to keep, or both.")
    if policy.keep_last is not None and not kind.counted:
        raise Unprocessable(
            f"The last few of {kind} cannot be kept by number, only those of flow_runs (of each flow) and of artifacts "
            "(of each key): give an age."
        )
    return policy


def outcomes(about: RetentionClass, classes: Iterable[RetentionClass]) -> Sequence[StateType]:
    """The ends of the runs that the policy for this class is about, where policies for these classes are in force."""
    return [OUTCOMES[part] for part in _parts(about, classes, OUTCOMES)]


def levels(about: RetentionClass, classes: Iterable[RetentionClass]) -> Sequence[int]:
    """The least levels of the names of the lines that the policy for this class is about."""
    return [LEVELS[part] for part in _parts(about, classes, LEVELS)]


def event_retention(settings: Retention, policies: Iterable[Policy]) -> Retention:
    """What settings and policies say together: the longest name wins, and of two that are equal the policy.

    A policy is for events of its very name, and for those whose names begin with it.
    """
    default, names, prefixes = settings.default, dict(settings.names), dict(settings.prefixes)
    for policy in policies:
        if policy.about.kind is not Kind.EVENTS or policy.max_age is None:
            continue
        if policy.about.part is None:
            default = policy.max_age
        else:
            names.pop(policy.about.part, None)
            prefixes[policy.about.part] = policy.max_age
    return Retention(default, names, prefixes)


def is_due(last_run: datetime | None, started: datetime | None, now: datetime, seconds: float) -> bool:
    """Whether a policy that ran last then is to run, `seconds` being the time between two runs."""
    if last_run is None or started is not None:
        return True
    return now - last_run >= timedelta(seconds=seconds * (1 - _EARLY))


def cutoff(policy: Policy, now: datetime) -> datetime | None:
    """The moment before which things are too old, if the policy says so."""
    if policy.max_age is None:
        return None
    try:
        return now - timedelta(seconds=policy.max_age)
    except OverflowError:
        return datetime(1, 1, 1, tzinfo=now.tzinfo)


def _parts(about: RetentionClass, classes: Iterable[RetentionClass], parts: Iterable[str]) -> Sequence[str]:
    if about.part is not None:
        return [about.part]
    taken = {other.part for other in classes if other.kind is about.kind}
    return [part for part in parts if part not in taken]


def _unknown(name: str) -> Unprocessable:
    return Unprocessable(
        f"There is no class {name!r} of things to keep: it is one of flow_runs, flow_runs.OUTCOME "
        f"({', '.join(OUTCOMES)}), task_runs, logs, logs.LEVEL ({', '.join(LEVELS)}), events, events.NAME (the "
        "beginning of a name) and artifacts."
    )
