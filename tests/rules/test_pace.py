"""How fast work in the background goes on beside others."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.pace import FEW, Bounds, Pace, Seen, adapt, overdrawn

_SECONDS = st.floats(0, 100)
_PACES = st.builds(Pace, rows=st.integers(50, 5_000), rest=st.floats(0, 1))
_SEEN = st.builds(Seen, alone=st.booleans(), requests=st.integers(0, 10_000), slow=_SECONDS, calm=st.none() | _SECONDS)
BOUNDS = Bounds()


def seen(slow: float, calm: float | None = 0.010, requests: int = 100) -> Seen:
    return Seen(alone=False, requests=requests, slow=slow, calm=calm)


@given(_PACES, _SECONDS, st.integers(0, 5_000), _SEEN)
def test_it_always_gets_on_within_its_bounds(pace: Pace, took: float, rows: int, what: Seen) -> None:
    after = adapt(pace, took, rows, what, BOUNDS)
    assert BOUNDS.fewest <= after.rows <= BOUNDS.most
    assert 0 <= after.rest <= BOUNDS.longest_rest


@given(_PACES, _SECONDS, st.integers(0, 5_000), _SEEN)
def test_nobody_there_means_no_rest(pace: Pace, took: float, rows: int, what: Seen) -> None:
    alone = Seen(alone=True, requests=what.requests, slow=what.slow, calm=what.calm)
    assert adapt(pace, took, rows, alone, BOUNDS).rest == 0


@given(_PACES, st.floats(0.001, 1), st.floats(2, 100), st.floats(0.001, 1))
def test_the_rest_grows_while_others_are_too_slow_and_shrinks_when_they_are_not(
    pace: Pace, calm: float, factor: float, took: float
) -> None:
    slower = adapt(pace, took, pace.rows, seen(calm * factor, calm), BOUNDS)
    assert slower.rest > pace.rest or slower.rest == BOUNDS.longest_rest
    faster = adapt(pace, took, pace.rows, seen(calm, calm), BOUNDS)
    assert faster.rest < pace.rest or faster.rest == 0


def test_long_batches_shrink_until_they_take_about_as_long_as_a_request() -> None:
    pace = Pace(rows=5_000)
    for _ in range(20):
        pace = adapt(pace, pace.rows * 0.0001, pace.rows, seen(0.010, 0.010), BOUNDS)
    assert 80 <= pace.rows <= 120


def test_alone_batches_grow_to_a_fifth_of_a_second() -> None:
    pace = Pace(rows=50)
    for _ in range(20):
        pace = adapt(pace, pace.rows * 0.0001, pace.rows, Seen(alone=True), BOUNDS)
    assert 1_800 <= pace.rows <= 2_200


def test_a_batch_that_found_little_teaches_nothing() -> None:
    assert adapt(Pace(rows=1_000), 0.001, 3, seen(0.010), BOUNDS).rows == 1_000


def test_too_few_requests_say_nothing() -> None:
    assert overdrawn(seen(1.0, 0.001, FEW - 1), BOUNDS) is None
    assert overdrawn(seen(1.0, None), BOUNDS) is None
    assert adapt(Pace(rows=100, rest=0.1), 0.01, 100, seen(1.0, None), BOUNDS).rest == 0.1


def test_what_nobody_notices_is_not_too_slow() -> None:
    drawn = overdrawn(seen(0.0009, 0.0001), BOUNDS)
    assert drawn is not None
    assert drawn < 1


def test_it_settles_where_others_take_as_long_as_is_allowed() -> None:
    """A model of a server: what others take grows with the share of the time in which a batch is under way."""
    pace, calm, speed = Pace(rows=1_000), 0.010, 0.00005
    taken: list[float] = []
    for _ in range(200):
        took = pace.rows * speed
        share = took / (took + pace.rest)
        slow = calm * (1 + 4 * share)
        taken.append(slow / calm)
        pace = adapt(pace, took, pace.rows, seen(slow, calm), BOUNDS)
    assert max(taken[50:]) < 2
    assert 0 < pace.rest < 0.2
