"""When schedules come up, compared with what dateutil, croniter and the clocks themselves say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from dateutil.rrule import DAILY, HOURLY, MINUTELY, SECONDLY, WEEKLY, rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.rules.recurrence import ScheduleError, normalized, occurrences, upcoming
from headrace.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule, Schedule, schedule_of

NEW_YORK = "America/New_York"
FAR = datetime(2040, 1, 1, tzinfo=UTC)


def moments(schedule: Schedule | dict[str, Any], start: str, count: int, end: datetime = FAR) -> list[str]:
    """The first moments from `start` on, in UTC, to the minute."""
    kept = normalized(schedule_of(schedule))
    found = islice(occurrences(kept, datetime.fromisoformat(start), end), count)
    return [f"{moment.astimezone(UTC):%m-%d %H:%M}" for moment in found]


CASES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "nine o'clock stays nine o'clock when clocks go back": (
        {"cron": "0 9 * * *", "timezone": NEW_YORK},
        "2026-10-31T00:00Z",
        ["10-31 13:00", "11-01 14:00", "11-02 14:00"],
    ),
    "an hour that is shown twice has two full hours": (
        {"cron": "0 * * * *", "timezone": NEW_YORK},
        "2026-11-01T04:30Z",
        ["11-01 05:00", "11-01 06:00", "11-01 07:00"],
    ),
    "a time of day that is shown twice comes up the first time": (
        {"cron": "30 1 * * *", "timezone": NEW_YORK},
        "2026-11-01T00:00Z",
        ["11-01 05:30", "11-02 06:30"],
    ),
    "a start in the second of two equal hours sees only what is left of it": (
        {"cron": "*/30 * * * *", "timezone": NEW_YORK},
        "2026-11-01T06:15Z",
        ["11-01 06:30", "11-01 07:00"],
    ),
    "a time of day that is skipped comes up as much later": (
        {"cron": "30 2 * * *", "timezone": NEW_YORK},
        "2027-03-13T12:00Z",
        ["03-14 07:30", "03-15 06:30"],
    ),
    "one that is skipped is not lost on a start just after the change": (
        {"cron": "30 2 * * *", "timezone": NEW_YORK},
        "2027-03-14T07:15Z",
        ["03-14 07:30", "03-15 06:30"],
    ),
    "every half hour goes on across a skipped hour": (
        {"cron": "*/30 * * * *", "timezone": NEW_YORK},
        "2027-03-14T06:15Z",
        ["03-14 06:30", "03-14 07:00", "03-14 07:30"],
    ),
    "a start that fits is the first": ({"cron": "@hourly"}, "2026-11-01T05:00Z", ["11-01 05:00", "11-01 06:00"]),
    "one of the day fields is enough": ({"cron": "0 0 13 * 5"}, "2026-11-07T00:00Z", ["11-13 00:00", "11-20 00:00"]),
    "both day fields if it says so": (
        {"cron": "0 0 13 * 5", "day_or": False},
        "2026-11-01T00:00Z",
        ["11-13 00:00", "08-13 00:00"],
    ),
    "the leap day around a century": ({"cron": "0 0 29 2 *"}, "2026-11-01T00:00Z", ["02-29 00:00", "02-29 00:00"]),
    "whole days keep the time of day": (
        {"interval": 86400, "anchor_date": "2026-10-30T09:00:00-04:00", "timezone": NEW_YORK},
        "2026-10-31T00:00Z",
        ["10-31 13:00", "11-01 14:00", "11-02 14:00"],
    ),
    "hours pass whatever the clock shows": (
        {"interval": 3600, "anchor_date": "2026-01-01T00:15:00-05:00", "timezone": NEW_YORK},
        "2026-11-01T05:00Z",
        ["11-01 05:15", "11-01 06:15", "11-01 07:15"],
    ),
    "a day and a half meets midnight again": (
        {"interval": 129600, "anchor_date": "2026-10-30T00:00:00-04:00", "timezone": NEW_YORK},
        "2026-10-31T00:00Z",
        ["10-31 16:00", "11-02 05:00", "11-03 17:00"],
    ),
    "an anchor to come counts backwards": (
        {"interval": "PT6H", "anchor_date": "2036-01-01T01:00:00Z"},
        "2026-11-01T00:00Z",
        ["11-01 01:00", "11-01 07:00"],
    ),
    "a rule without a beginning begins with the year 2020": (
        {"rrule": "FREQ=WEEKLY;INTERVAL=3", "timezone": NEW_YORK},
        "2026-10-31T00:00Z",
        ["11-04 05:00", "11-25 05:00"],
    ),
    "a rule's own zone is passed over": (
        {"rrule": "DTSTART;TZID=Asia/Tokyo:20201130T093000\nRRULE:FREQ=DAILY", "timezone": NEW_YORK},
        "2026-10-31T00:00Z",
        ["10-31 13:30", "11-01 14:30"],
    ),
    "an end in UTC": (
        {"rrule": "FREQ=DAILY;UNTIL=20261102T043000Z", "timezone": NEW_YORK},
        "2026-10-31T00:00Z",
        ["10-31 04:00", "11-01 04:00"],
    ),
    "exceptions": (
        {"rrule": "RRULE:FREQ=DAILY\nEXDATE:20261101T000000"},
        "2026-10-31T00:00Z",
        ["10-31 00:00", "11-02 00:00"],
    ),
    "a set of rules": (
        {"rrule": "DTSTART:20261101T000000\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=DAILY;INTERVAL=3"},
        "2026-10-31T00:00Z",
        ["11-01 00:00", "11-02 00:00", "11-04 00:00"],
    ),
    "minutes by rule in an hour that is shown twice": (
        {"rrule": "FREQ=MINUTELY;INTERVAL=30", "timezone": NEW_YORK},
        "2026-11-01T05:15Z",
        ["11-01 05:30", "11-01 06:00", "11-01 06:30", "11-01 07:00"],
    ),
}


@pytest.mark.parametrize(("schedule", "start", "expected"), CASES.values(), ids=CASES)
def test_a_schedule_comes_up_on_its_own_clock(schedule: dict[str, Any], start: str, expected: list[str]) -> None:
    assert moments(schedule, start, len(expected), datetime(2100, 1, 1, tzinfo=UTC)) == expected


@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        ({"cron": ""}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "60 * * * *"}, "cron"),
        ({"cron": "H * * * *"}, "cron"),
        ({"cron": "0 R(1-4) * * *"}, "cron"),
        ({"cron": "@reboot"}, "cron"),
        ({"cron": "* * * * *", "timezone": "Mars/Base"}, "timezone"),
        ({"cron": "* * * * *", "timezone": "../../etc/passwd"}, "timezone"),
        ({"interval": 60, "timezone": "+05:00"}, "timezone"),
        ({"rrule": ""}, "rrule"),
        ({"rrule": "x"}, "rrule"),
        ({"rrule": "FREQ=NEVER"}, "rrule"),
        ({"rrule": "FREQ=DAILY;BYDAY=XX"}, "rrule"),
        ({"rrule": "FREQ=DAILY;INTERVAL=0"}, "rrule"),
        ({"rrule": "FREQ=SECONDLY;BYSECOND=99"}, "rrule"),
        ({"rrule": "FREQ=DAILY;UNTIL=20269902T000000Z"}, "rrule"),
        ({"rrule": "DTSTART:soon\nRRULE:FREQ=DAILY"}, "rrule"),
        ({"rrule": "DTSTART:20261399T000000\nRRULE:FREQ=DAILY"}, "rrule"),
        ({"rrule": "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"}, "rrule"),
        ({"rrule": "FREQ=SECONDLY;COUNT=1000000"}, "rrule"),
        ({"rrule": "RRULE:FREQ=SECONDLY\nRRULE:FREQ=MINUTELY"}, "rrule"),
    ],
)
def test_a_schedule_that_can_never_be_followed_is_refused_by_its_field(schedule: dict[str, Any], field: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        normalized(schedule_of(schedule))
    assert refused.value.field == field


def test_days_whose_names_hold_the_letters_of_random_expressions_are_no_such_expressions() -> None:
    assert moments({"cron": "0 0 * MAR THU"}, "2027-01-01T00:00Z", 1) == ["03-04 00:00"]


def test_a_rule_is_kept_with_its_beginning_and_an_interval_with_its_zone() -> None:
    assert normalized(RRuleSchedule(rrule="FREQ=DAILY")) == RRuleSchedule(rrule="DTSTART:20200101T000000\nFREQ=DAILY")
    kept = normalized(IntervalSchedule(interval=60))
    assert isinstance(kept, IntervalSchedule)
    assert kept.timezone == "UTC"


def test_upcoming_moments_cover_the_time_and_the_number_asked_for_and_no_more() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    every_ten_minutes = IntervalSchedule(interval=600, anchor_date=start)

    def count(**wanted: Any) -> int:
        usual: dict[str, Any] = {"min_time": timedelta(hours=1), "min_runs": 3, "max_runs": 100}
        return len(upcoming(every_ten_minutes, start, wanted.pop("end", FAR), **usual | wanted))

    assert count() == 7
    assert count(min_runs=20) == 20
    assert count(max_runs=5) == 5
    assert count(max_runs=0) == count(max_runs=-1) == 0
    assert count(end=start + timedelta(minutes=25)) == 3
    assert count(min_time=timedelta(), min_runs=0) == 1


def test_an_interval_of_a_microsecond_and_one_of_an_age_come_to_an_end() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    tiny = IntervalSchedule(interval=0.000_001, anchor_date=start)
    found = upcoming(tiny, start, FAR, min_time=timedelta(hours=1), min_runs=3, max_runs=10**9)
    assert len(found) == 1000
    assert list(occurrences(IntervalSchedule(interval=8e13, anchor_date=start), start, FAR)) == [start]


STARTS = st.datetimes(datetime(2021, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["UTC", NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"])
FREQUENCIES: dict[str, tuple[Any, timedelta]] = {
    "SECONDLY": (SECONDLY, timedelta(seconds=1)),
    "MINUTELY": (MINUTELY, timedelta(minutes=1)),
    "HOURLY": (HOURLY, timedelta(hours=1)),
    "DAILY": (DAILY, timedelta(days=1)),
    "WEEKLY": (WEEKLY, timedelta(weeks=1)),
}


@settings(deadline=None, max_examples=50)
@given(frequency=st.sampled_from(sorted(FREQUENCIES)), interval=st.integers(1, 500), start=STARTS)
def test_a_rule_that_began_long_ago_keeps_its_rhythm(frequency: str, interval: int, start: datetime) -> None:
    kind, step = FREQUENCIES[frequency]
    schedule = normalized(RRuleSchedule(rrule=f"FREQ={frequency};INTERVAL={interval}"))
    beginning = datetime(2020, 1, 1)
    near = beginning + step * interval * max(0, (start.replace(tzinfo=None) - beginning) // (step * interval))
    expected = rrule(kind, dtstart=near, interval=interval).xafter(start.replace(tzinfo=None), count=5, inc=True)
    found = islice(occurrences(schedule, start, start + step * interval * 10), 5)
    assert [moment.replace(tzinfo=None) for moment in found] == list(expected)


FIELDS: list[Callable[[int], str]] = [str, lambda number: f"*/{max(1, number)}", lambda _: "*"]


@settings(deadline=None, max_examples=50)
@given(
    minute=st.tuples(st.sampled_from(FIELDS), st.integers(0, 59)),
    hour=st.tuples(st.sampled_from(FIELDS), st.integers(0, 23)),
    day=st.tuples(st.sampled_from(FIELDS), st.integers(1, 28)),
    start=STARTS,
)
def test_without_changes_of_clocks_a_cron_rule_is_what_croniter_says(
    minute: Any, hour: Any, day: Any, start: datetime
) -> None:
    cron = " ".join(form(number) for form, number in (minute, hour, day)) + " * *"
    times = croniter(cron, start - timedelta(microseconds=1))
    expected = [times.get_next(datetime) for _ in range(5)]
    assert list(islice(occurrences(CronSchedule(cron=cron), start, FAR), 5)) == expected


@settings(deadline=None, max_examples=50)
@given(hour=st.integers(0, 23), minute=st.integers(0, 59), zone=ZONES, start=STARTS)
def test_a_time_of_day_comes_up_once_on_each_day_that_the_clock_shows_it(
    hour: int, minute: int, zone: str, start: datetime
) -> None:
    """By cron and by interval alike, in every zone; on days that skip the time, later on the same day."""
    clock = ZoneInfo(zone)
    anchor = datetime(2020, 1, 1, hour, minute, tzinfo=clock)
    by_interval = IntervalSchedule(interval=86400, anchor_date=anchor.astimezone(UTC), timezone=zone)
    by_cron = CronSchedule(cron=f"{minute} {hour} * * *", timezone=zone)
    for schedule in (by_interval, by_cron):
        found = list(islice(occurrences(schedule, start, FAR), 250))
        # Moments of an hour that the clock shows twice never equal those of another zone: both are told in UTC.
        told = [moment.astimezone(UTC) for moment in found]
        assert told == sorted(told)
        assert len({moment.date() for moment in found}) == len(found)
        for moment in found:
            shown = datetime(moment.year, moment.month, moment.day, hour, minute, tzinfo=clock)
            exists = shown.astimezone(UTC).astimezone(clock).replace(tzinfo=None) == shown.replace(tzinfo=None)
            assert not exists or moment.astimezone(UTC) == shown.astimezone(UTC)


@settings(deadline=None, max_examples=50)
@given(seconds=st.integers(1, 86_399), zone=ZONES, start=STARTS)
def test_an_interval_under_a_day_passes_between_any_two_moments(seconds: int, zone: str, start: datetime) -> None:
    schedule = IntervalSchedule(interval=seconds, anchor_date=start + timedelta(days=33), timezone=zone)
    found = [moment.astimezone(UTC) for moment in islice(occurrences(schedule, start, FAR), 50)]
    assert timedelta() <= found[0] - start < timedelta(seconds=seconds)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(seconds=seconds)}
