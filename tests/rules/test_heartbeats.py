"""How far apart heartbeats are is learnt from the heartbeats."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.heartbeats import LONGEST, SHORTEST, felt
from tests.rules.samples import at


def after(*seconds):
    return reduce(felt, map(at, seconds), None)


def test_one_heartbeat_tells_nothing_of_the_next():
    assert after(0).expected is None


def test_the_longer_of_the_last_two_intervals_is_expected():
    assert after(0, 30).expected == 30
    assert after(0, 30, 60).expected == 30
    assert after(0, 30, 90).expected == 60
    assert after(0, 30, 90, 120, 150).expected == 30


def test_a_first_sign_soon_after_the_beginning_is_no_pace():
    assert after(0, 1).expected is None
    assert after(0, 1, 181).expected == 180


@given(st.integers(10, 10_000), st.integers(2, 20), st.randoms())
def test_heartbeats_that_come_again_or_late_change_nothing(pace, count, random):
    beats = [pace * number for number in range(count)]
    assert after(*beats, *random.choices(beats, k=3)) == after(*beats)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_what_is_expected_is_always_sensible(seconds):
    expected = after(*seconds).expected
    assert expected is None or SHORTEST <= expected <= LONGEST
