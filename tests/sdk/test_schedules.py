"""Schedules as code says them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace import flow
from headrace.schedules import Cron, Interval, RRule, Schedule
from headrace.wire.errors import DefinitionError
from headrace.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


@flow
def nightly() -> None: ...


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        (Cron("0 3 * * *", timezone="Europe/Vienna"), CronSchedule(cron="0 3 * * *", timezone="Europe/Vienna")),
        (Cron("0 3 1 * 1", day_or=False), CronSchedule(cron="0 3 1 * 1", day_or=False)),
        (Interval(90, anchor_date=MIDNIGHT), IntervalSchedule(interval=90, anchor_date=MIDNIGHT)),
        (Interval(timedelta(hours=1), MIDNIGHT), IntervalSchedule(interval=3600, anchor_date=MIDNIGHT)),
        (RRule("FREQ=DAILY"), RRuleSchedule(rrule="FREQ=DAILY", timezone="UTC")),
        (RRule("FREQ=DAILY", timezone="Asia/Tokyo"), RRuleSchedule(rrule="FREQ=DAILY", timezone="Asia/Tokyo")),
    ],
)
def test_what_code_says_is_what_the_api_takes(said: Schedule, sent: object) -> None:
    assert said.create().schedule == sent


def test_what_else_a_schedule_has_goes_with_it() -> None:
    (made,) = nightly.to_deployment(
        "nightly", schedule=Cron("@daily", active=False, parameters={"day": 1}, slug="daily")
    ).schedules
    assert (made.active, made.parameters, made.slug) == (False, {"day": 1}, "daily")
    several = nightly.to_deployment(
        "nightly", schedules=[Interval(60), RRule("FREQ=DAILY"), CronSchedule(cron="@daily")]
    )
    assert [type(each.schedule) for each in several.schedules] == [IntervalSchedule, RRuleSchedule, CronSchedule]


@pytest.mark.parametrize("given", [{}, {"cron": "@daily", "interval": timedelta(hours=1)}])
def test_a_schedule_says_exactly_one_time(given: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError, match="exactly one"):
        Schedule(**given)
