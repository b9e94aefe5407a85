"""Values are said as people say them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules import humanizing

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "said"),
    [(5, "5"), (-5, "-5"), (1000, "1.0 thousand"), (12345, "12.3 thousand"), (2.5e6, "2.5 million"), (0, "0")],
)
def test_large_numbers_are_words(number: float, said: str) -> None:
    assert humanizing.intword(number) == said


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (112, "112th"),
    ],
)
def test_places_have_their_endings(place: int, said: str) -> None:
    assert humanizing.ordinal(place) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 Bytes"), (1, "1 Byte"), (999, "999 Bytes"), (1000, "1.0 kB"), (123456, "123.5 kB"), (3e9, "3.0 GB")],
)
def test_sizes_are_in_the_largest_unit_that_fits(size: float, said: str) -> None:
    assert humanizing.naturalsize(size) == said


@pytest.mark.parametrize(
    ("span", "about", "exactly"),
    [
        (0, "a moment", "0 seconds"),
        (1, "1 second", "1 second"),
        (59, "59 seconds", "59 seconds"),
        (60, "a minute", "1 minute"),
        (125, "2 minutes", "2 minutes and 5 seconds"),
        (timedelta(hours=1), "an hour", "1 hour"),
        (3661.5, "an hour", "1 hour, 1 minute and 1.50 seconds"),
        (timedelta(days=3, hours=2), "3 days", "3 days and 2 hours"),
        (-90, "a minute", "1 minute and 30 seconds"),
    ],
)
def test_spans_are_said_roughly_or_exactly(span: float | timedelta, about: str, exactly: str) -> None:
    assert humanizing.naturaldelta(span) == about
    assert humanizing.precisedelta(span) == exactly


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOON, "now"),
        (NOON - timedelta(seconds=30), "30 seconds ago"),
        (NOON + timedelta(days=2), "2 days from now"),
        (datetime(2026, 8, 1, 11), "an hour ago"),
        (60, "a minute ago"),
    ],
)
def test_moments_are_said_from_now(moment: datetime | float, said: str) -> None:
    assert humanizing.naturaltime(moment, NOON) == said


@pytest.mark.parametrize(
    ("moment", "day", "with_year"),
    [
        (NOON, "today", "today"),
        (date(2026, 8, 2), "tomorrow", "tomorrow"),
        (date(2026, 7, 31), "yesterday", "yesterday"),
        (date(2026, 9, 1), "Sep 01", "Sep 01"),
        (date(2027, 9, 1), "Sep 01", "Sep 01 2027"),
    ],
)
def test_days_near_now_have_names(moment: date, day: str, with_year: str) -> None:
    assert humanizing.naturalday(moment, NOON) == day
    assert humanizing.naturaldate(moment, NOON) == with_year


@given(st.floats(min_value=-1e30, max_value=1e30, allow_nan=False))
def test_every_number_can_be_said(number: float) -> None:
    for say in (humanizing.intword, humanizing.naturalsize, humanizing.naturaldelta, humanizing.precisedelta):
        assert say(number)
