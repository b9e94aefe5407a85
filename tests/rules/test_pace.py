"""How fast work in the background goes on beside others."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.pace import SHARE, Bounds, Pace, Seen, adapt, limit

BOUNDS = Bounds()
_SECONDS = st.floats(0, 100)
_ROWS = st.integers(0, BOUNDS.most)
_PACES = st.builds(
    Pace, rows=st.integers(BOUNDS.fewest, BOUNDS.most), rest=st.floats(0, BOUNDS.longest_rest), credit=st.floats(-8, 1)
)


@st.composite
def seens(draw: st.DrawFn) -> Seen:
    requests = draw(st.integers(0, 10_000))
    return Seen(alone=draw(st.booleans()), requests=requests, slower=draw(st.none() | st.integers(0, requests)))


@given(_PACES, _SECONDS, _ROWS, seens())
def test_it_always_gets_on_within_its_bounds(pace: Pace, took: float, rows: int, seen: Seen) -> None:
    after = adapt(pace, took, rows, seen, BOUNDS)
    assert BOUNDS.fewest <= after.rows <= BOUNDS.most
    assert 0 <= after.rest <= BOUNDS.longest_rest
    assert -8 <= after.credit <= 1


@given(_PACES, _SECONDS, _ROWS, st.integers(0, 100))
def test_nobody_there_means_no_rest_and_no_debt(pace: Pace, took: float, rows: int, requests: int) -> None:
    after = adapt(pace, took, rows, Seen(alone=True, requests=requests, slower=requests), BOUNDS)
    assert (after.rest, after.credit) == (0, 0)


@given(_PACES, _SECONDS, st.integers(20, 1_000))
def test_while_too_many_are_slow_the_rest_grows_until_it_is_as_long_as_it_may_be(
    pace: Pace, took: float, requests: int
) -> None:
    for _ in range(40):
        after = adapt(pace, took, pace.rows, Seen(alone=False, requests=requests, slower=requests), BOUNDS)
        assert after.rest > pace.rest or after.rest == BOUNDS.longest_rest
        pace = after
    assert pace.rest == BOUNDS.longest_rest


@given(_PACES, _SECONDS, st.integers(20, 1_000))
def test_when_none_is_slow_any_more_there_is_no_rest_in_the_end(pace: Pace, took: float, requests: int) -> None:
    for _ in range(100):
        pace = adapt(pace, took, pace.rows, Seen(alone=False, requests=requests, slower=0), BOUNDS)
    assert pace.rest == 0


@given(_PACES, st.floats(0.001, 0.5))
def test_without_anything_to_compare_with_it_works_half_of_the_time(pace: Pace, took: float) -> None:
    after = adapt(pace, took, pace.rows, Seen(alone=False, requests=3), BOUNDS)
    assert after.rest >= took


def settled(pace: Pace, speed: float, seen: Seen) -> Pace:
    """The pace after many batches of which a row takes `speed` seconds."""
    for _ in range(40):
        after = adapt(pace, pace.rows * speed, pace.rows, seen, BOUNDS)
        pace = Pace(rows=after.rows, rest=pace.rest, credit=pace.credit)
    return pace


def test_a_batch_takes_a_fifth_of_a_second_where_nobody_is_there_and_less_where_somebody_notices() -> None:
    one = Seen(alone=False, requests=1, slower=0)
    assert 1_900 <= settled(Pace(rows=200), 0.0001, Seen(alone=True)).rows <= 2_100
    assert 900 <= settled(Pace(rows=200), 0.0001, one).rows <= 1_100
    assert 350 <= settled(Pace(rows=5_000, rest=0.1), 0.0001, one).rows <= 450


def test_a_batch_that_found_little_teaches_nothing() -> None:
    assert adapt(Pace(rows=1_000), 0.001, 3, Seen(alone=True), BOUNDS).rows == 1_000


def test_what_nobody_notices_is_not_too_slow() -> None:
    assert limit(0.0001, BOUNDS) == 0.001 * BOUNDS.slowdown
    assert limit(0.010, BOUNDS) == 0.010 * BOUNDS.slowdown


def test_no_more_than_a_twentieth_of_requests_become_slow_in_the_long_run() -> None:
    """A model of a client that asks one thing after the other and has to wait for the end of each batch."""
    pace, between = Pace(rows=1_000), 0.007
    requests = slow = removed = 0
    passed = 0.0
    for _ in range(2_000):
        took = 0.004 + pace.rows * 0.00005
        meanwhile = max(round(pace.rest / between), 1)
        requests, slow = requests + meanwhile, slow + 1
        removed, passed = removed + pace.rows, passed + took + pace.rest
        pace = adapt(pace, took, pace.rows, Seen(alone=False, requests=meanwhile, slower=1), BOUNDS)
    assert slow / requests < SHARE
    assert removed / passed > 2_000
