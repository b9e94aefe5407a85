"""No two queues of a pool share a priority, and none moves further than it must."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.priorities import first_free, making_way

numbers = st.sets(st.integers(1, 12))


@given(numbers)
def test_the_first_free_number_is_free_and_all_below_it_are_taken(taken: set[int]) -> None:
    free = first_free(taken)
    assert free not in taken
    assert set(range(1, free)) <= taken


@given(numbers, st.integers(1, 12))
def test_the_wanted_number_is_free_afterwards_and_the_order_of_the_others_stays(taken: set[int], wanted: int) -> None:
    others = {f"queue {number}": number for number in taken}
    after = others | making_way(others, wanted)
    assert wanted not in after.values()
    assert len(set(after.values())) == len(others)
    assert sorted(others, key=others.__getitem__) == sorted(after, key=after.__getitem__)


@given(numbers, st.integers(1, 12))
def test_only_those_in_the_way_move_and_by_one(taken: set[int], wanted: int) -> None:
    others = {number: number for number in taken}
    in_the_way = set(range(wanted, first_free(taken | set(range(1, wanted)))))
    assert making_way(others, wanted) == {number: number + 1 for number in in_the_way}
