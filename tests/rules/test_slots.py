"""What slots are worth over time (contract §10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.slots import average_occupancy, decayed, wait

counts = st.integers(min_value=0, max_value=1_000)
rates = st.floats(min_value=0, max_value=1_000)


@pytest.mark.parametrize(
    ("slots", "per_second", "elapsed", "gone"),
    [(5, 0, 1e9, 0), (5, 1, 0, 0), (5, 1, -1, 0), (5, 1, 0.999, 0), (5, 1, 1, 1), (5, 0.5, 5, 2), (5, 2, 9, 5)],
)
def test_whole_slots_decay(slots, per_second, elapsed, gone):
    assert decayed(slots, per_second, elapsed) == gone


@given(slots=counts, per_second=rates, elapsed=rates, longer=rates)
def test_never_more_decays_than_there_is_and_never_less_as_time_goes_on(slots, per_second, elapsed, longer):
    gone = decayed(slots, per_second, elapsed)
    assert 0 <= gone <= decayed(slots, per_second, elapsed + longer) <= slots


def test_the_average_occupancy_follows_what_is_seen_the_slower_the_larger_the_limit():
    assert average_occupancy(2.0, 10.0, slots=2, limit=1) == pytest.approx(3.5)
    assert average_occupancy(2.0, 10.0, slots=2, limit=10) == pytest.approx(2.15)
    assert average_occupancy(2.0, 10.0, slots=1, limit=0) == 2.0


class TestWait:
    def ask(self, name="db", **known):
        asked = {"slots": 1, "limit": 1, "denied": 0, "per_second": 0.0, "occupancy": 2.0, "longest": 30.0}
        return wait(name, **(asked | {"draw": 0.6321205588285577} | known))  # the draw that gives the average

    def test_it_is_as_long_as_a_slot_is_in_use_on_average(self):
        assert self.ask() == pytest.approx(2.0)

    def test_it_grows_with_those_who_wait_already_and_shrinks_with_the_slots_there_are(self):
        assert self.ask(denied=4) == pytest.approx(10.0)
        assert self.ask(denied=4, limit=5) == pytest.approx(2.0)

    def test_nobody_waits_longer_than_the_longest_on_average(self):
        assert self.ask(occupancy=1_000.0, denied=1_000) == pytest.approx(30.0)
        assert self.ask(occupancy=1_000.0, longest=5.0) == pytest.approx(5.0)
        assert self.ask("tag:x", occupancy=1_000.0) == pytest.approx(10.0)

    def test_where_slots_decay_it_is_the_time_that_takes_and_at_most_a_day(self):
        assert self.ask(slots=3, denied=1, per_second=0.5) == pytest.approx(8.0)
        assert self.ask(per_second=1e-300) == pytest.approx(86_400.0)
