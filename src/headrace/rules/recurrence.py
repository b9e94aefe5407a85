"""When a schedule comes up (contract §9): pure arithmetic on clocks, time zones and their changes.

The clock of a schedule's time zone decides, so that "every day at nine" stays at nine when clocks change:

- a time that the clock skips is taken as much later as it skips, and so it still comes up once;
- a time that the clock shows twice comes up the first time. A cron rule that names no hours, and an interval
  that is not whole days, go on through both.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, assert_never
from zoneinfo import ZoneInfo

import msgspec

from headrace.rules import cron_times
from headrace.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule, Schedule

if TYPE_CHECKING:
    from dateutil.rrule import rrule, rruleset

_CANDIDATES = 1000
"""Dates of one schedule that are looked at for one answer, at most."""

_YEARS = 9
"""How far apart two dates of a cron rule can be: 29 February, around a year 2100 that has none."""

_YEARS_KNOWN = (1900, 9000)
"""Of which years clocks and calendars can be asked with room on both sides."""

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_EPOCH = "DTSTART:20200101T000000"
_FORMAT = "%Y%m%dT%H%M%S"
_RANDOM = re.compile(r"[RrHh](\(|/|$)")
_BEGINNING = re.compile(r"(DTSTART[^:\n]*:)(\d{8}(?:T\d{6})?)(?=Z?\s|Z?$)", re.IGNORECASE)
_UNTIL = re.compile(r"UNTIL=(\d{8}T\d{6})Z", re.IGNORECASE)
_TZID = re.compile(r";TZID=[^:;\n]*", re.IGNORECASE)
_FREQUENCY = re.compile(r"FREQ=(\w+)", re.IGNORECASE)
_DATES = re.compile(r"(BYMONTH|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYDAY|BYEASTER)=([^;\n]+)", re.IGNORECASE)
_ORDINAL = re.compile(r"[+-]?\d+")
_COUNT = re.compile(r"COUNT=(\d+)", re.IGNORECASE)
_LONGEST_COUNT = 100_000
_LATE = datetime(9980, 1, 1)
_LAST_YEARS = "DTSTART:99720101T000000"
_INTERVAL = re.compile(r"INTERVAL=(\d+)", re.IGNORECASE)
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
            if not is_known(schedule.anchor_date):
                raise ScheduleError("The anchor date lies outside the years 1900 to 9000.", "anchor_date")
            return msgspec.structs.replace(schedule, timezone=schedule.timezone or "UTC")
        case CronSchedule():
            _check_cron(schedule)
            return schedule
        case RRuleSchedule():
            anchored = msgspec.structs.replace(schedule, rrule=_anchored(schedule.rrule))
            _check_rule(_on_local_clock(anchored.rrule, _zone(schedule.timezone)))
            return anchored
        case _:
            assert_never(schedule)


def is_known(moment: datetime) -> bool:
    """Whether schedules can be followed from that moment on: no further off than any that is ever meant."""
    return _YEARS_KNOWN[0] <= moment.year < _YEARS_KNOWN[1]


def occurrences(schedule: Schedule, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments from `start` to `end`, both included, in order, on the clock of the schedule's time zone."""
    match schedule:
        case IntervalSchedule():
            moments = _by_interval(schedule, start)
        case CronSchedule():
            moments = _by_cron(schedule, start)
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
    except (ValueError, OSError, KeyError):
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
    """Whole days are counted on the clock, what is left over, and intervals under a day, in time that passes."""
    zone, interval = _zone(schedule.timezone), timedelta(seconds=schedule.interval)
    anchor = schedule.anchor_date
    shown = _local(anchor, zone)
    number = (start - anchor) // interval - 2
    while True:
        try:
            passed = interval * number
            if interval < _DAY:
                yield (anchor + passed).astimezone(zone)
            else:
                whole = _aware(shown + timedelta(days=passed.days), zone)
                yield (whole.astimezone(UTC) + passed % _DAY).astimezone(zone)
        except OverflowError:
            if number > 0:
                return
        number += 1


def _by_cron(schedule: CronSchedule, start: datetime) -> Iterator[datetime]:
    zone = _zone(schedule.timezone)
    first, expression = _first_shown(start, zone), cron_times.plain(schedule.cron)
    if expression is None:
        shown = _by_croniter(schedule, first)
    else:
        shown = cron_times.times(expression, first, day_or=schedule.day_or, years=_YEARS)
    return _through_changes(shown, zone, twice=_names_no_hours(schedule.cron))


def _by_croniter(schedule: CronSchedule, first: datetime) -> Iterator[datetime]:
    from croniter import CroniterBadDateError, croniter

    times = croniter(schedule.cron, first - _TICK, datetime, day_or=schedule.day_or, max_years_between_matches=_YEARS)
    while True:
        try:
            yield times.get_next(datetime)
        except (CroniterBadDateError, OverflowError, ValueError):
            return


def _by_rule(schedule: RRuleSchedule, start: datetime, end: datetime) -> Iterator[datetime]:
    from dateutil.rrule import rrule

    zone = _zone(schedule.timezone)
    first = _first_shown(start, zone)
    text = _on_local_clock(schedule.rrule, zone)
    rule = _parse_rule(_moved_on(text, first))
    if isinstance(rule, rrule) and "COUNT=" not in text.upper() and "UNTIL=" not in text.upper():
        # A rule that never applies would be followed to the end of time.
        rule = rule.replace(until=_local(end, zone) + _DAY)
    step = _step(text)
    return _through_changes(rule.xafter(first, inc=True), zone, twice=step is not None and step <= _STEPS["HOURLY"])


def _through_changes(shown: Iterable[datetime], zone: ZoneInfo, *, twice: bool) -> Iterator[datetime]:
    """The moments at which the clock shows these times, in order.

    `twice`: what the clock shows two times counts both times, and what it skips does not count.
    """
    again: list[datetime] = []
    for each in shown:
        moment = _aware(each, zone)
        if not twice:
            yield moment
        elif moment.replace(tzinfo=None) == each:
            second = each.replace(tzinfo=zone, fold=1)
            if second.utcoffset() != moment.utcoffset():
                again.append(second)
            else:
                yield from again
                again.clear()
            yield moment
    yield from again


def _first_shown(start: datetime, zone: ZoneInfo) -> datetime:
    """From when on the clock's times matter: those that it skipped just before, or soon shows again, are earlier."""
    before, now, after = (
        moment.astimezone(zone).utcoffset() or timedelta() for moment in (start - 2 * _DAY, start, start + 2 * _DAY)
    )
    return _local(start, zone) - max(now - before, now - after, timedelta())


def _check_cron(schedule: CronSchedule) -> None:
    from croniter import croniter

    if any(_RANDOM.match(part) for field in schedule.cron.split() for part in field.split(",")):
        raise ScheduleError(
            f"Invalid cron string {schedule.cron!r}: random and hashed expressions (R, H) name no fixed times.", "cron"
        )
    if not schedule.cron.strip() or not croniter.is_valid(schedule.cron):
        raise ScheduleError(f"Invalid cron string: {schedule.cron!r}. Give five fields, such as '0 9 * * 1-5'.", "cron")


def _names_no_hours(cron: str) -> bool:
    fields = cron.split()
    return cron.strip().lower() == "@hourly" or (len(fields) > 1 and fields[1].startswith("*"))


def _anchored(rule: str) -> str:
    """The rule with a beginning; one without is taken to have begun with the year 2020."""
    return rule if "DTSTART" in rule.upper() else f"{_EPOCH}\n{rule}"


def _parse_rule(text: str) -> "rrule | rruleset":
    """What dateutil makes of a rule, on a clock without a zone."""
    from dateutil.rrule import rrulestr

    try:
        return rrulestr(text, ignoretz=True, cache=False)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ScheduleError(f"Invalid RRule string {text!r}: {error}", "rrule") from None


def _check_rule(text: str) -> None:
    """Refuse what cannot be followed, or only by counting for minutes."""
    if text.upper().count("DTSTART") != len(_BEGINNING.findall(text)):
        raise ScheduleError(f"Invalid RRule string {text!r}: DTSTART has to look like 20200101T093000.", "rrule")
    if any(int(count) > _LONGEST_COUNT for count in _COUNT.findall(text)):
        raise ScheduleError(f"Invalid RRule string {text!r}: COUNT may be {_LONGEST_COUNT} at most.", "rrule")
    if any(int(interval) == 0 for interval in _INTERVAL.findall(text)):
        raise ScheduleError(f"Invalid RRule string {text!r}: INTERVAL has to be above zero.", "rrule")
    frequencies = [found.upper() for found in _FREQUENCY.findall(text)]
    if len(frequencies) > 1 and not {"SECONDLY", "MINUTELY"}.isdisjoint(frequencies):
        raise ScheduleError(f"Invalid RRule string {text!r}: a set of rules can be hourly at most.", "rrule")
    for line in text.splitlines():
        if "FREQ=" in line.upper():
            _check_dates(line)
    rule = _parse_rule(_moved_on(text, _LATE))
    try:
        next(iter(rule), None)
    except (ValueError, TypeError, OverflowError) as error:
        raise ScheduleError(f"Invalid RRule string {text!r}: {error}", "rrule") from None


def _check_dates(line: str) -> None:
    """Refuse a rule for dates that there never are, such as 30 February, which dateutil would look for long.

    Which weekday a date is repeats every 28 years, so the last such years that a clock can show say it all.
    """
    dates = ";".join(
        f"{name}={_ORDINAL.sub('', days) if name == 'BYDAY' else days}" for name, days in _date_parts(line)
    )
    if dates and next(iter(_parse_rule(f"{_LAST_YEARS}\nRRULE:FREQ=DAILY;{dates}")), None) is None:
        raise ScheduleError(f"Invalid RRule string {line!r}: there is no such date.", "rrule")


def _date_parts(line: str) -> list[tuple[str, str]]:
    return [(name.upper(), values.upper()) for name, values in _DATES.findall(line)]


def _on_local_clock(text: str, zone: ZoneInfo) -> str:
    """The rule on the schedule's clock: its own zones are passed over, and an end in UTC is told by that clock."""

    def shown(found: re.Match[str]) -> str:
        return f"UNTIL={_local(_time_of(found[1]).replace(tzinfo=UTC), zone).strftime(_FORMAT)}"

    return _UNTIL.sub(shown, _TZID.sub("", text))


def _time_of(text: str) -> datetime:
    try:
        return datetime.strptime(text if "T" in text else f"{text}T000000", _FORMAT)
    except ValueError:
        raise ScheduleError(f"Invalid RRule string: {text!r} is not a time.", "rrule") from None


def _moved_on(text: str, first: datetime) -> str:
    """The same rule, begun shortly before `first` in the same rhythm, so that it need not be followed from afar."""
    begun, step = _BEGINNING.search(text), _step(text)
    if begun is None or step is None or "COUNT=" in text.upper():
        return text
    beginning = _time_of(begun[2])
    steps = (first - beginning) // step - 1
    if steps <= 0:
        return text
    return f"{text[: begun.start(2)]}{(beginning + step * steps).strftime(_FORMAT)}{text[begun.end(2) :]}"


def _step(text: str) -> timedelta | None:
    """How long one step is, where there is a single rule and its steps are all the same."""
    rules = _FREQUENCY.findall(text)
    if len(rules) != 1 or rules[0].upper() not in _STEPS or "RDATE" in text.upper():
        return None
    interval = _INTERVAL.search(text)
    return _STEPS[rules[0].upper()] * max(1, int(interval[1]) if interval else 1)
