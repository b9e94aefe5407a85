"""When a deployment runs by itself: by interval, by cron or by recurrence rule (contract §9).

Which of the three a schedule is shows by its key: `interval`, `cron` or `rrule`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.times import now

_LONGEST_RRULE = 6500
Positive = Annotated[int, msgspec.Meta(gt=0, le=2**31 - 1)]
Moment = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]

Catchup = Literal["none", "latest", "all"]
"""What becomes of times that a schedule has missed: nothing, one run for the latest of them, or a run for each."""

IfRunning = Literal["start", "skip", "cancel_running"]
"""What becomes of a run whose time has come while an earlier run of its deployment goes on."""


class IntervalSchedule(Body, kw_only=True):
    """Every `interval` seconds, counted from `anchor_date` both ways; whole days follow the time zone's clock."""

    interval: float
    anchor_date: Moment = msgspec.field(default_factory=now)
    timezone: str | None = None

    def __post_init__(self) -> None:
        """The interval has to be longer than the clock's microsecond, or nothing would ever come of it."""
        super().__post_init__()
        if not 0.000_001 <= self.interval <= timedelta.max.total_seconds():
            raise ValueError(f"an interval of {self.interval:g} seconds cannot be kept: give a time above zero")


class CronSchedule(Body, kw_only=True):
    """Five fields, or six with seconds at the end. `day_or`: one of the two day fields is enough."""

    cron: str
    timezone: str | None = None
    day_or: bool = True


class RRuleSchedule(Body, kw_only=True):
    """A recurrence rule of RFC 5545, or a set of them, on the clock of the time zone."""

    rrule: Annotated[str, msgspec.Meta(max_length=_LONGEST_RRULE)]
    timezone: str | None = "UTC"


Schedule = IntervalSchedule | CronSchedule | RRuleSchedule

if TYPE_CHECKING:
    AnySchedule = Schedule
else:
    # msgspec tells structs apart by a tag that these do not have: they come as they are and are told apart here.
    _, _KINDS = msgspec.json.schema_components([IntervalSchedule, CronSchedule, RRuleSchedule])
    AnySchedule = Annotated[Any, msgspec.Meta(extra_json_schema={"anyOf": list(_KINDS.values())})]


def schedule_of(given: Any) -> Schedule:
    """The schedule that a JSON object is. Raises `ValueError` if it is none of the three, or not a whole one."""
    if isinstance(given, Schedule):
        return given
    kind = _kind_of(cast("Mapping[str, Any]", given)) if isinstance(given, Mapping) else None
    if kind is None:
        raise ValueError("a schedule is an object with one of the keys interval, cron and rrule")
    fields = dict(cast("Mapping[str, Any]", given))
    if kind is IntervalSchedule:
        fields["interval"] = _seconds(fields["interval"])
    return msgspec.convert(fields, kind, strict=False)


def _kind_of(given: Mapping[str, Any]) -> type[Schedule] | None:
    for key, kind in (("interval", IntervalSchedule), ("cron", CronSchedule), ("rrule", RRuleSchedule)):
        if key in given:
            return kind
    return None


def _seconds(interval: Any) -> Any:
    """Seconds of an ISO 8601 duration such as `PT1H`; anything else as it is."""
    if isinstance(interval, str) and interval.upper().startswith("P"):
        return msgspec.convert(interval, timedelta).total_seconds()
    return interval


class DeploymentSchedule(Wire, kw_only=True):
    """A schedule of a deployment; `parameters` go over the deployment's own.

    `max_queued`: how many of its runs may wait late at once; the oldest give way. `error`: why its runs could not be
    made the last time.
    """

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    deployment_id: UUID | None = None
    schedule: AnySchedule
    active: bool = True
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] = {}
    slug: str | None = None
    catchup: Catchup = "none"
    max_queued: Positive | None = None
    if_running: IfRunning = "start"
    error: str | None = None

    def __post_init__(self) -> None:
        """What was read as JSON becomes the schedule it is."""
        self.schedule = schedule_of(self.schedule)


class DeploymentScheduleCreate(Body, kw_only=True):
    """`replaces`: the slug of the schedule that this one takes the place of."""

    schedule: AnySchedule
    active: bool = True
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] = {}
    slug: str | None = None
    replaces: str | None = None
    catchup: Catchup = "none"
    max_queued: Positive | None = None
    if_running: IfRunning = "start"

    def __post_init__(self) -> None:
        """What was sent as JSON becomes the schedule it is."""
        super().__post_init__()
        self.schedule = schedule_of(self.schedule)


class DeploymentScheduleUpdate(Body, kw_only=True):
    """Only the keys that are present change anything."""

    schedule: AnySchedule | None | msgspec.UnsetType = msgspec.UNSET
    active: bool | None | msgspec.UnsetType = msgspec.UNSET
    max_scheduled_runs: Positive | None | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    slug: str | None | msgspec.UnsetType = msgspec.UNSET
    replaces: str | None | msgspec.UnsetType = msgspec.UNSET
    catchup: Catchup | msgspec.UnsetType = msgspec.UNSET
    max_queued: Positive | None | msgspec.UnsetType = msgspec.UNSET
    if_running: IfRunning | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """What was sent as JSON becomes the schedule it is; null says nothing."""
        super().__post_init__()
        if self.schedule is None:
            self.schedule = msgspec.UNSET
        elif self.schedule is not msgspec.UNSET:
            self.schedule = schedule_of(self.schedule)
