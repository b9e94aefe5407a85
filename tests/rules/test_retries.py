"""How long a failed run rests."""

from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.rules.retries import clamped_poisson_interval, poisson_interval, retry_delay

DRAWS = [number / 1000 for number in range(1000)]
searched = settings(deadline=None)
draws = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("delay", "attempt", "seconds"),
    [
        (None, 1, 0),
        (0, 1, 0),
        (5, 1, 5),
        (2.5, 9, 2.5),
        ([1, 10, 60], 1, 1),
        ([1, 10, 60], 3, 60),
        ([1, 10, 60], 4, 60),
        ([1, 10, 60], 0, 1),
        ((3,), 2, 3),
        ([], 1, 0),
    ],
)
def test_the_delay_of_an_attempt(delay, attempt, seconds):
    assert retry_delay(delay, attempt) == seconds


@pytest.mark.parametrize(("delay", "factor"), [(10, None), (10, 0), (0, 0.5), (-1, 0.5)])
def test_without_a_delay_or_a_factor_nothing_is_spread(delay, factor):
    assert {retry_delay(delay, 1, factor, draw) for draw in DRAWS} == {delay}


@searched
@given(draws, st.floats(0.001, 1e6), st.floats(0, 10))
def test_jitter_stays_within_its_factor(draw, average, factor):
    seconds = clamped_poisson_interval(average, factor, draw)
    slack = 1e-6 * average
    assert max(0, average * (1 - factor)) - slack <= seconds <= average * (1 + factor) + slack


@searched
@given(st.lists(draws, min_size=2, max_size=2, unique=True).map(sorted))
def test_a_greater_draw_is_a_longer_rest(pair):
    first, second = (clamped_poisson_interval(10, 0.5, draw) for draw in pair)
    assert first <= second


def test_jitter_keeps_the_delay_on_average_and_spreads_it_over_its_whole_range():
    seconds = [clamped_poisson_interval(100, 0.5, draw) for draw in DRAWS]
    assert 90 < mean(seconds) < 100
    assert min(seconds) < 51
    assert max(seconds) > 149


@searched
@given(draws, st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 10**6))
def test_no_factor_a_client_sends_breaks_it(draw, factor, attempt):
    assert retry_delay([1.0, 2.0], attempt, factor, draw) >= 0


def test_poisson_intervals_have_their_average():
    assert mean(poisson_interval(4, draw) for draw in DRAWS) == pytest.approx(4, rel=0.01)
