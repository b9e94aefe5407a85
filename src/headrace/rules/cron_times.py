"""The times that a plain cron expression names, day by day.

croniter takes expressions apart and follows those that name the last day, the nearest weekday, the second Friday or
years; it looks for each time anew. Most expressions are lists of numbers, and are followed here ten times as fast,
which is most of what making the runs of many schedules costs.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache

import msgspec

Numbers = frozenset[int] | None
"""The numbers of a field; None for any."""


class Expression(msgspec.Struct, frozen=True, kw_only=True):
    """A plain expression: times of day in order, and the days on which they are meant. Sunday is 0."""

    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]
    days: Numbers
    months: Numbers
    weekdays: Numbers


@lru_cache(maxsize=4096)
def plain(cron: str) -> Expression | None:
    """The expression, if it is plain and valid; None if it is left to croniter."""
    from croniter import croniter

    try:
        fields, nth_weekdays = croniter.expand(cron)
    except ValueError:
        return None
    if nth_weekdays or len(fields) not in (5, 6) or not all(map(_is_plain, fields)):
        return None
    minutes, hours, days, months, weekdays, *rest = fields
    return Expression(
        hours=_all_of(hours, 24),
        minutes=_all_of(minutes, 60),
        seconds=_all_of(rest[0], 60) if rest else (0,),
        days=_numbers(days),
        months=_numbers(months),
        weekdays=_numbers(weekdays),
    )


def times(expression: Expression, first: datetime, *, day_or: bool, years: int) -> Iterator[datetime]:
    """The times from `first` on, on a clock without a zone, until none comes for so many years.

    `day_or`: where days and weekdays are both named, one of them is enough.
    """
    for day in _days(expression, first.date(), day_or=day_or, years=years):
        for hour in expression.hours:
            if day == first.date() and hour < first.hour:
                continue
            for minute in expression.minutes:
                for second in expression.seconds:
                    time = datetime(day.year, day.month, day.day, hour, minute, second)
                    if time >= first:
                        yield time


def _days(expression: Expression, first: date, *, day_or: bool, years: int) -> Iterator[date]:
    year, month, start = first.year, first.month, first.day
    last_year = year + years
    while year <= min(last_year, date.max.year):
        if expression.months is None or month in expression.months:
            weekday, length = monthrange(year, month)
            for day in range(start, length + 1):
                # monthrange counts from Monday, cron from Sunday.
                if _is_meant(expression, day, (weekday + day) % 7, day_or=day_or):
                    last_year = year + years
                    yield date(year, month, day)
        start = 1
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _is_meant(expression: Expression, day: int, weekday: int, *, day_or: bool) -> bool:
    days, weekdays = expression.days, expression.weekdays
    if days is None or weekdays is None or not day_or:
        return (days is None or day in days) and (weekdays is None or weekday in weekdays)
    return day in days or weekday in weekdays


def _is_plain(field: Sequence[int | str]) -> bool:
    return list(field) == ["*"] or all(isinstance(value, int) for value in field)


def _numbers(field: Sequence[int | str]) -> Numbers:
    return None if list(field) == ["*"] else frozenset(int(value) for value in field)


def _all_of(field: Sequence[int | str], count: int) -> tuple[int, ...]:
    numbers = _numbers(field)
    return tuple(range(count)) if numbers is None else tuple(sorted(numbers))
