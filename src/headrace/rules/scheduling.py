"""Which runs of a schedule are to be made now, and when to look at it again (contract §9): no clock, no database.

A schedule remembers until when its times have been dealt with (`until`). Of later ones, those to come are made ahead,
and those that have passed are **missed**: no server ran, or the deployment or the schedule was paused. A time that has
passed a moment ago is not missed yet; its run is made, late as it is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from headrace.rules import recurrence
from headrace.wire.schedules import Catchup, Schedule

LATE = timedelta(seconds=60)
"""For how long a time that has passed is late, and not yet missed."""

MOST_CAUGHT_UP = 1000
"""Missed times of one schedule whose runs are made, the latest ones."""

_SOONEST = timedelta(seconds=1)
_LATEST = timedelta(days=1)
_TICK = timedelta(microseconds=1)


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """How far ahead runs are made: at least `min_runs` and those of the next `min_time`, at most `max_runs`.

    None is made for a time after `horizon`.
    """

    min_time: timedelta = timedelta(hours=1)
    min_runs: int = 3
    max_runs: int = 100
    horizon: timedelta = timedelta(days=100)


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When a schedule comes up, and what was decided for times that it missed."""

    schedule: Schedule
    until: datetime | None = None
    catchup: Catchup = "none"
    max_queued: int | None = None


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """Times that have passed without a run: how many (`more`: and others before them), and for how many one is made."""

    first: datetime
    last: datetime
    count: int
    more: bool
    caught_up: int


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of looking at a schedule: the times of new runs, and when to look again.

    Its times are dealt with until `until`.
    """

    moments: Sequence[datetime]
    until: datetime
    again: datetime
    missed: Missed | None = None


def look(times: Times, now: datetime, ahead: Ahead) -> Look:
    """What is to be done for a schedule."""
    to_come = recurrence.upcoming(
        times.schedule,
        now,
        now + ahead.horizon,
        min_time=ahead.min_time,
        min_runs=ahead.min_runs,
        max_runs=ahead.max_runs,
    )
    until = times.until
    new = [moment for moment in to_come if until is None or moment > until]
    passed, missed = ([], None) if until is None or until >= now else _passed(times, until, now)
    last = to_come[-1] if to_come else now
    return Look(
        moments=[*passed, *new],
        until=last if until is None else max(last, until),
        again=_again(to_come, now, ahead),
        missed=missed,
    )


def _passed(times: Times, until: datetime, now: datetime) -> tuple[list[datetime], Missed | None]:
    """The times up to now whose runs are made after all, and what was missed."""
    found = _latest(times.schedule, until + _TICK, now - _TICK)
    late = [moment for moment in found if moment >= now - LATE]
    missed = found[: len(found) - len(late)]
    if not missed:
        return late, None
    more, missed = len(missed) > MOST_CAUGHT_UP, missed[-MOST_CAUGHT_UP:]
    match times.catchup:
        case "none":
            caught_up = missed[:0]
        case "latest":
            caught_up = missed[-1:]
        case "all":
            # More of them than may wait would be made only to be skipped.
            caught_up = missed if times.max_queued is None else missed[-times.max_queued :]
    told = Missed(first=missed[0], last=missed[-1], count=len(missed), more=more, caught_up=len(caught_up))
    return [*caught_up, *late], told


def _latest(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """The times from `start` to `end`; of very many the latest, and one more than are caught up."""
    width = timedelta(hours=1)
    while True:
        begin = max(start, end - width)
        found = list(recurrence.occurrences(schedule, begin, end))
        if begin == start or len(found) > MOST_CAUGHT_UP:
            return found
        width *= 4


def _again(to_come: Sequence[datetime], now: datetime, ahead: Ahead) -> datetime:
    """When there may be too few runs ahead."""
    count = len(to_come)
    if count >= ahead.min_runs and to_come[-1] >= now + ahead.min_time:
        again = min(to_come[count - ahead.min_runs], to_come[-1] - ahead.min_time)
    elif count and count >= ahead.max_runs:
        again = to_come[count // 2]
    else:
        again = now + _LATEST  # whatever is beyond the horizon
    return max(again, now + _SOONEST)
