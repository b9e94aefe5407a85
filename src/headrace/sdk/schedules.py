"""Schedules as code says them; `create()` makes of one what the API takes (contract §9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from headrace.wire import schedules as wire
from headrace.wire.errors import DefinitionError
from headrace.wire.schedules import DeploymentScheduleCreate
from headrace.wire.times import now


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a deployment runs by itself: by exactly one of `interval`, `cron` and `rrule`.

    Runs that it makes have its `parameters` over those of the deployment. A schedule with a `slug` is found again by
    it when the deployment changes. Raises `DefinitionError` unless exactly one of the three is given.
    """

    interval: timedelta | None = None
    cron: str | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime = msgspec.field(default_factory=now)
    day_or: bool = True
    active: bool = True
    parameters: dict[str, Any] = {}
    slug: str | None = None

    def __post_init__(self) -> None:
        """A schedule that says nothing, or two things, is a mistake that is best told where it is made."""
        given = [name for name in ("interval", "cron", "rrule") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} are given" if given else "none is given"
            raise DefinitionError(f"A schedule has exactly one of interval, cron and rrule: {said}.")

    def create(self) -> DeploymentScheduleCreate:
        """The schedule as the API takes it."""
        return DeploymentScheduleCreate(
            schedule=self._timing(), active=self.active, parameters=self.parameters, slug=self.slug
        )

    def _timing(self) -> wire.Schedule:
        if self.interval is not None:
            return wire.IntervalSchedule(
                interval=self.interval.total_seconds(), anchor_date=self.anchor_date, timezone=self.timezone
            )
        if self.cron is not None:
            return wire.CronSchedule(cron=self.cron, timezone=self.timezone, day_or=self.day_or)
        return wire.RRuleSchedule(rrule=self.rrule or "", timezone=self.timezone or "UTC")


def Cron(
    cron: str,
    /,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> Schedule:
    """Five fields, or six with seconds at the end. `day_or`: one of the two day fields is enough.

    >>> Cron("0 3 * * 1-5", timezone="Europe/Vienna")
    """
    return Schedule(cron=cron, timezone=timezone, day_or=day_or, active=active, parameters=parameters or {}, slug=slug)


def Interval(
    interval: timedelta | float,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> Schedule:
    """Every so often, counted from `anchor_date` both ways; a number means seconds.

    >>> Interval(timedelta(hours=1))
    """
    every = interval if isinstance(interval, timedelta) else timedelta(seconds=interval)
    return Schedule(
        interval=every,
        anchor_date=anchor_date or now(),
        timezone=timezone,
        active=active,
        parameters=parameters or {},
        slug=slug,
    )


def RRule(
    rrule: str,
    /,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> Schedule:
    """A recurrence rule of RFC 5545, or a set of them.

    >>> RRule("FREQ=MONTHLY;BYDAY=-1FR")
    """
    return Schedule(rrule=rrule, timezone=timezone, active=active, parameters=parameters or {}, slug=slug)
