"""When a schedule comes up (contract §9): pure arithmetic on clocks, time zones and their changes.

The clock of a schedule's time zone decides, so that "every day at nine" stays at nine when clocks change:

- a time that the clock skips is taken as much later as it skips, and so it still comes up once;
- a time that the clock shows twice comes up the first time. A cron rule that names no hours, and an interval
  that is not whole days, go on through both.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import assert_never
from zoneinfo import ZoneInfo

import msgspec

from headrace.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule, Schedule

_CANDIDATES = 1000
"""Dates of one schedule that are looked at for one answer, at most."""

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_EPOCH = "DTSTART:20200101T000000"
_STEPS = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": _DAY,
    "WEEKLY": timedelta(weeks=1),
}
"""How long one step of a recurrence rule is on the clock, where it is always the same."""


class ScheduleError(ValueError):
    """A schedule that can never be followed; `field` is the part that is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def normalized(schedule: Schedule) -> Schedule:
    """The schedule in the form in which it is kept: a rule without a beginning is given one.

    Raises `ScheduleError` if it cannot be followed.
    """
    _zone(schedule.timezone)
    match schedule:
        case IntervalSchedule():
            return schedule
        case CronSchedule():
            _check_cron(schedule)
            return schedule
        case RRuleSchedule():
            anchored = msgspec.structs.replace(schedule, rrule=_anchored(schedule.rrule))
            _parse_rule(anchored.rrule)
            return anchored
        case _:
            assert_never(schedule)


def occurrences(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments from `start` to `end`, both included, in order, on the clock of the schedule's time zone."""
    match schedule:
        case IntervalSchedule():
            moments = _by_interval(schedule, start)
        case CronSchedule():
            moments = _by_cron(schedule, start, end)
        case RRuleSchedule():
            moments = _by_rule(schedule, start, end)
        case _:
            assert_never(schedule)
    last: datetime | None = None
    for moment in moments:
        instant = moment.astimezone(UTC)
        if instant > end:
            return
        if instant >= start and (last is None or instant > last):
            last = instant
            yield moment


def upcoming(
    schedule: Schedule, start: datetime, end: datetime, *, min_time: timedelta, min_runs: int, max_runs: int
) -> list[datetime]:
    """The next moments: until there are `min_runs` of them and `min_time` is covered, at most `max_runs`."""
    found: list[datetime] = []
    for moment in islice(occurrences(schedule, start, end), min(max_runs, _CANDIDATES) if max_runs > 0 else 0):
        found.append(moment)
        if len(found) >= min_runs and moment >= start + min_time:
            break
    return found


@lru_cache(maxsize=256)
def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError):
        raise ScheduleError(
            f"Invalid timezone: {name!r}. Give a name of the IANA database, such as 'America/New_York'.", "timezone"
        ) from None


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock shows at that moment, without its zone."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _aware(shown: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which the clock shows this; what it skips is taken as much later as it skips."""
    return shown.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)


def _by_interval(schedule: IntervalSchedule, start: datetime) -> Iterator[datetime]:
    """Whole days are counted on the clock, the rest of the interval in time that passes."""
    zone, interval = _zone(schedule.timezone), timedelta(seconds=schedule.interval)
    days, rest = timedelta(days=interval.days), interval % _DAY
    anchor = _local(schedule.anchor_date, zone)
    number = (start - schedule.anchor_date) // interval - 2
    while True:
        try:
            whole = schedule.anchor_date if not days else _aware(anchor + days * number, zone)
            moment = (whole.astimezone(UTC) + rest * number).astimezone(zone)
        except OverflowError:
            if number > 0:
                return
        else:
            yield moment
        number += 1
