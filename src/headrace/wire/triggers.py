"""Triggers: what has to happen before an automation acts (contract §8).

The kinds are told apart by their `type`: `event`, `compound` and `sequence`. The metric triggers that some
clients know belong to another product and are refused.
"""

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

import msgspec

from headrace.wire.base import Wire
from headrace.wire.filters.events import ResourceSpecification
from headrace.wire.ids import uuid7

SHORTEST_PROACTIVE = 10.0
"""Seconds that a proactive trigger waits at least."""

if TYPE_CHECKING:
    Seconds = float
else:
    # Sent as a number or as an ISO 8601 duration, kept and answered as a number.
    Seconds = float | str


def seconds_of(given: float | str) -> float:
    """Seconds of a number, or of an ISO 8601 duration such as `PT1M`. Raises `ValueError`."""
    if not isinstance(given, str):
        return float(given)
    try:
        return msgspec.convert(given, timedelta).total_seconds()
    except msgspec.ValidationError:
        raise ValueError(f"{given!r} is not a duration: give seconds, or ISO 8601 such as PT1M") from None


class Posture(StrEnum):
    """Reactive: fires when the events come. Proactive: fires when they fail to come."""

    Reactive = "Reactive"
    Proactive = "Proactive"


class BaseTrigger(Wire, kw_only=True, tag_field="type"):
    """What all triggers have. The server gives out the `id`, anew with each change."""

    id: UUID = msgspec.field(default_factory=uuid7)

    @property
    def type(self) -> str:
        """`event`, `compound` or `sequence`."""
        return cast("str", self.__struct_config__.tag)


class EventTrigger(BaseTrigger, kw_only=True, tag="event"):
    """Waits for events, or for their absence.

    An event counts if its name is one of `expect` (`*` is a wildcard; none means every event), its resource
    has the labels of `match` and, for each specification of `match_related`, some related resource has those.
    With `after`, only what follows an event of that name counts. `for_each` are labels: each combination of
    their values is counted apart. Reactive triggers fire once `threshold` events came `within` seconds
    (0: whenever), proactive ones once `within` seconds are over and fewer came.
    """

    match: ResourceSpecification = {}
    match_related: ResourceSpecification | list[ResourceSpecification] = {}
    after: list[str] = []
    expect: list[str] = []
    for_each: list[str] = []
    posture: Posture
    threshold: int = 1
    within: Seconds = 0.0

    def __post_init__(self) -> None:
        """Names count once, `within` is in seconds and long enough to look."""
        self.after, self.expect, self.for_each = map(_distinct, (self.after, self.expect, self.for_each))
        self.within = seconds_of(self.within)
        if self.within < 0:
            raise ValueError("`within` must be greater than or equal to 0 seconds")
        if self.posture is Posture.Proactive:
            self.within = self.within or SHORTEST_PROACTIVE
            if self.within < SHORTEST_PROACTIVE:
                raise ValueError("`within` for Proactive triggers must be greater than or equal to 10 seconds")

    @property
    def related(self) -> list[ResourceSpecification]:
        """The specifications of `match_related`; each of them has to be met by some related resource."""
        if isinstance(self.match_related, list):
            return self.match_related
        return [self.match_related] if self.match_related else []


class CompoundTrigger(BaseTrigger, kw_only=True, tag="compound"):
    """Fires when `require` of its triggers have fired within that many seconds, in any order; null: ever."""

    triggers: list["Trigger"]
    within: Seconds | None
    require: int | Literal["any", "all"]

    def __post_init__(self) -> None:
        """It has to be possible that as many fire as are required."""
        self.within = None if self.within is None else seconds_of(self.within)
        if isinstance(self.require, int):
            if self.require < 1:
                raise ValueError("require must be at least 1")
            if self.require > len(self.triggers):
                raise ValueError("require must be less than or equal to the number of triggers")

    @property
    def needed(self) -> int:
        """How many of the triggers have to fire."""
        match self.require:
            case "any":
                return 1
            case "all":
                return len(self.triggers)
            case number:
                return number


class SequenceTrigger(BaseTrigger, kw_only=True, tag="sequence"):
    """Fires when its triggers have fired in the order they are given in, within that many seconds; null: ever."""

    triggers: list["Trigger"]
    within: Seconds | None

    def __post_init__(self) -> None:
        """Durations become seconds."""
        self.within = None if self.within is None else seconds_of(self.within)


Trigger = EventTrigger | CompoundTrigger | SequenceTrigger


def event_triggers(trigger: Trigger) -> list[EventTrigger]:
    """The triggers at the leaves, which are those that look at events."""
    if isinstance(trigger, EventTrigger):
        return [trigger]
    return [leaf for child in trigger.triggers for leaf in event_triggers(child)]


def renewed(trigger: Trigger) -> Trigger:
    """The same trigger with new ids, its children's too."""
    if isinstance(trigger, EventTrigger):
        return msgspec.structs.replace(trigger, id=uuid7())
    children = [renewed(child) for child in trigger.triggers]
    return msgspec.structs.replace(trigger, id=uuid7(), triggers=children)


def _distinct(names: list[Any]) -> list[Any]:
    return list(dict.fromkeys(names))
