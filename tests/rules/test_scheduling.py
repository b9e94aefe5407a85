"""Which runs of a schedule are made, when it is looked at again, and what becomes of times that were missed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headrace.rules.recurrence import normalized, occurrences
from headrace.rules.scheduling import LATE, MOST_CAUGHT_UP, Ahead, Times, look
from headrace.wire.schedules import Catchup, CronSchedule, IntervalSchedule, RRuleSchedule, Schedule

NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = Ahead()
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def every(seconds: float) -> Schedule:
    return normalized(IntervalSchedule(interval=seconds, anchor_date=START))


def at(*texts: str) -> list[datetime]:
    return [datetime.fromisoformat(f"2026-05-{text}:00+00:00") for text in texts]


def test_a_schedule_that_is_new_has_its_next_runs_made_and_none_for_times_before() -> None:
    found = look(Times(schedule=every(3600)), NOW, AHEAD)
    assert found.moments == at("04T13:00", "04T14:00", "04T15:00")
    assert found.until == found.moments[-1]
    assert found.missed is None


@pytest.mark.parametrize(
    ("seconds", "again"),
    [
        (86_400, "05T00:00"),  # when one of three has passed
        (3600, "04T13:00"),
        (1800, "04T12:30"),
    ],
)
def test_it_is_looked_at_again_when_there_may_be_too_few(seconds: float, again: str) -> None:
    assert look(Times(schedule=every(seconds)), NOW, AHEAD).again == at(again)[0]


def test_one_that_has_more_runs_than_are_made_is_looked_at_again_halfway() -> None:
    found = look(Times(schedule=every(1)), NOW, AHEAD)
    assert len(found.moments) == AHEAD.max_runs
    assert found.again == NOW + timedelta(seconds=50)


def test_one_that_comes_up_beyond_the_horizon_is_looked_at_again_a_day_later() -> None:
    found = look(Times(schedule=normalized(CronSchedule(cron="0 0 1 1 *"))), NOW, AHEAD)
    assert (found.moments, found.until, found.again) == ([], NOW, NOW + timedelta(days=1))


def test_what_has_been_made_is_not_made_again() -> None:
    found = look(Times(schedule=every(3600), until=at("04T14:00")[0]), NOW, AHEAD)
    assert found.moments == at("04T15:00")


MISSED = at("04T09:00", "04T10:00", "04T11:00", "04T12:00")


@pytest.mark.parametrize(
    ("catchup", "max_queued", "made"),
    [("none", None, 0), ("latest", None, 1), ("all", None, 3), ("all", 2, 2), ("all", 9, 3), ("latest", 2, 1)],
)
def test_missed_times_are_passed_by_or_caught_up(catchup: Catchup, max_queued: int | None, made: int) -> None:
    times = Times(schedule=every(3600), until=at("04T08:00")[0], catchup=catchup, max_queued=max_queued)
    found = look(times, NOW, AHEAD)
    late = MISSED[3:]  # thirty seconds ago: late, and not missed
    assert found.moments[:-3] == [*MISSED[3 - made : 3], *late]
    assert found.missed is not None
    assert (found.missed.first, found.missed.last, found.missed.count) == (MISSED[0], MISSED[2], 3)
    assert (found.missed.more, found.missed.caught_up) == (False, made)


def test_of_very_many_missed_times_the_latest_are_caught_up() -> None:
    found = look(Times(schedule=every(60), until=START, catchup="all"), NOW, AHEAD)
    assert found.missed is not None
    assert (found.missed.count, found.missed.more, found.missed.caught_up) == (MOST_CAUGHT_UP, True, MOST_CAUGHT_UP)
    assert found.missed.last == at("04T11:59")[0]


SCHEDULES = st.one_of(
    st.integers(90, 10**6).map(every),  # no more in a step than are caught up
    st.tuples(st.integers(0, 59), st.integers(0, 23), st.sampled_from(["UTC", "America/New_York"])).map(
        lambda given: CronSchedule(cron=f"{given[0]} {given[1]} * * *", timezone=given[2])
    ),
    st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,FR", "FREQ=HOURLY;COUNT=5"]).map(
        lambda rule: normalized(RRuleSchedule(rrule=rule))
    ),
)
MOMENTS = st.datetimes(datetime(2026, 2, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@settings(deadline=None)
@given(schedule=SCHEDULES, now=MOMENTS, steps=st.lists(st.integers(1, 90_000), min_size=1, max_size=6))
def test_whenever_it_is_looked_at_no_time_is_made_twice_and_none_is_left_out(
    schedule: Schedule, now: datetime, steps: list[int]
) -> None:
    """With everything caught up, the looks together make each time from the first look on, once."""
    times, made, first = Times(schedule=schedule, until=now, catchup="all"), list[datetime](), now
    for step in (0, *steps):
        now += timedelta(seconds=step)
        found = look(times, now, AHEAD)
        assert found.again > now
        assert found.missed is None or not found.missed.more
        made += found.moments
        times = Times(schedule=schedule, until=found.until, catchup="all")
    told = [moment.astimezone(UTC) for moment in made]
    assert told == sorted(set(told))
    assert times.until is not None
    expected = [moment.astimezone(UTC) for moment in occurrences(schedule, first, times.until)]
    assert [moment for moment in told if moment > first] == [moment for moment in expected if moment > first]


@settings(deadline=None)
@given(schedule=SCHEDULES, now=MOMENTS)
def test_looked_at_when_it_says_there_are_always_enough_runs_ahead(schedule: Schedule, now: datetime) -> None:
    found = look(Times(schedule=schedule), now, AHEAD)
    assume(AHEAD.min_runs <= len(found.moments) < AHEAD.max_runs)
    just_before = found.again - timedelta(microseconds=1)
    ahead = [moment for moment in found.moments if moment >= just_before]
    assert len(ahead) >= AHEAD.min_runs - 1
    assert found.moments[-1] >= just_before + AHEAD.min_time - LATE
