"""What a run's times amount to while it goes on (contract §3)."""

import pytest

from headrace.rules.estimates import estimated_run_time, estimated_start_time_delta
from headrace.wire.states import StateType
from tests.rules.samples import NOW, at


@pytest.mark.parametrize(
    ("total", "type", "since", "seconds"),
    [
        (0.0, StateType.RUNNING, at(-5), 5),
        (7.0, StateType.RUNNING, at(-5), 12),
        (7.0, StateType.COMPLETED, at(-5), 7),
        (7.0, StateType.SCHEDULED, at(-5), 7),
        (0.0, None, None, 0),
    ],
)
def test_a_running_run_has_run_until_now(total, type, since, seconds):
    assert estimated_run_time(total, type, since, NOW) == seconds


@pytest.mark.parametrize(
    ("expected", "started", "type", "seconds"),
    [
        (at(-10), at(-7), StateType.RUNNING, 3),
        (at(-10), at(-7), StateType.COMPLETED, 3),
        (at(-10), at(-10), StateType.RUNNING, 0),
        (at(-7), at(-10), StateType.RUNNING, 0),
        (at(-10), None, StateType.SCHEDULED, 10),
        (at(-10), None, StateType.PENDING, 10),
        (at(10), None, StateType.SCHEDULED, 0),
        (at(-10), None, StateType.CANCELLED, 0),
        (at(-10), None, None, 10),
        (None, None, None, 0),
    ],
)
def test_a_run_is_late_by_what_it_started_or_has_not_started_after_its_time(expected, started, type, seconds):
    assert estimated_start_time_delta(expected, started, type, NOW) == seconds
