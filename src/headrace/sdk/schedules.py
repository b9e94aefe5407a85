"""Schedules as code says them; `create()` makes of one what the API takes (contract §9)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

import msgspec

from headrace.wire import schedules as wire
from headrace.wire.errors import DefinitionError
from headrace.wire.schedules import Catchup, DeploymentScheduleCreate, IfRunning
from headrace.wire.times import now


class Policies(TypedDict, total=False):
    """What a schedule does about times that it missed, runs that wait, and runs that go on."""

    catchup: Catchup
    max_queued: int | None
    if_running: IfRunning


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When a deployment runs by itself: by exactly one of `interval`, `cron` and `rrule`.

    Runs that it makes have its `parameters` over those of the deployment. A schedule with a `slug` is found again by
    it when the deployment changes. `catchup` says what becomes of times that it missed, `max_queued` how many of its
    runs may wait late, `if_running` what happens while an earlier run of the deployment goes on. Raises
    `DefinitionError` unless exactly one of the three is given.
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
    catchup: Catchup = "none"
    max_queued: int | None = None
    if_running: IfRunning = "start"

    def __post_init__(self) -> None:
        """A schedule that says nothing, or two things, is a mistake that is best told where it is made."""
        given = [name for name in ("interval", "cron", "rrule") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"{' and '.join(given)} are given" if given else "none is given"
            raise DefinitionError(f"A schedule has exactly one of interval, cron and rrule: {said}.")

    def create(self) -> DeploymentScheduleCreate:
        """The schedule as the API takes it."""
        return DeploymentScheduleCreate(
            schedule=self._timing(),
            active=self.active,
            parameters=self.parameters,
            slug=self.slug,
            catchup=self.catchup,
            max_queued=self.max_queued,
            if_running=self.if_running,
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
    **policies: Unpack[Policies],
) -> Schedule:
    """Five fields, or six with seconds at the end. `day_or`: one of the two day fields is enough.

    >>> Cron("0 3 * * 1-5", timezone="Europe/Vienna")
    """
    return Schedule(
        cron=cron,
        timezone=timezone,
        day_or=day_or,
        active=active,
        parameters=parameters or {},
        slug=slug,
        **policies,
    )


def Interval(
    interval: timedelta | float,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **policies: Unpack[Policies],
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
        **policies,
    )


def RRule(
    rrule: str,
    /,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    **policies: Unpack[Policies],
) -> Schedule:
    """A recurrence rule of RFC 5545, or a set of them.

    >>> RRule("FREQ=MONTHLY;BYDAY=-1FR")
    """
    return Schedule(rrule=rrule, timezone=timezone, active=active, parameters=parameters or {}, slug=slug, **policies)
