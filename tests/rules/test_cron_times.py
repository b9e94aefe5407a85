"""Plain cron expressions, compared with what croniter says of them."""

from datetime import datetime
from itertools import islice

import pytest
from croniter import CroniterBadDateError, croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.rules.cron_times import plain, times

YEARS = 9


def field(first: int, last: int) -> st.SearchStrategy[str]:
    """A field of numbers: any, some, a range or steps."""
    number = st.integers(first, last)
    return st.one_of(
        st.just("*"),
        st.lists(number, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found))),
        st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}"),
        st.integers(1, last).map(lambda step: f"*/{step}"),
    )


FIVE = st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
SIX = st.tuples(*(field(*ends) for ends in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7), (0, 59))))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))


@settings(deadline=None)
@given(st.one_of(FIVE, SIX).map(" ".join), MOMENTS, st.booleans())
def test_the_times_are_those_that_croniter_finds(cron: str, first: datetime, day_or: bool) -> None:
    expression = plain(cron)
    assert expression is not None
    told = croniter(cron, first, datetime, day_or=day_or, max_years_between_matches=YEARS)
    expected: list[datetime] = []
    try:
        while len(expected) < 5:
            expected.append(told.get_next(datetime))
    except CroniterBadDateError:
        pass
    found = [time for time in islice(times(expression, first, day_or=day_or, years=YEARS), 6) if time > first][:5]
    assert found[: len(expected)] == expected
    if not expected:
        assert found == []


@pytest.mark.parametrize("cron", ["0 0 L * *", "0 0 * * 5#2", "0 0 * * L5", "nonsense", "0 0 1 1 * 0 2030", ""])
def test_what_is_not_plain_is_left_to_croniter(cron: str) -> None:
    assert plain(cron) is None


@pytest.mark.parametrize("cron", ["@daily", "0 0 * jan mon-fri", "*/5 9-17 * * 1-5", "0 0 29 2 *"])
def test_what_only_names_numbers_is_plain(cron: str) -> None:
    assert plain(cron) is not None


def test_a_time_that_fits_is_the_first() -> None:
    expression = plain("30 9 * * *")
    assert expression is not None
    assert next(times(expression, datetime(2026, 5, 4, 9, 30), day_or=True, years=YEARS)) == datetime(2026, 5, 4, 9, 30)
