"""The order of a pool's work queues: 1 comes first, and no two queues share a number (contract §3)."""

from collections.abc import Hashable, Iterable, Mapping
from itertools import count
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def first_free(taken: Iterable[int]) -> int:
    """The lowest number that is not taken."""
    numbers = set(taken)
    return next(number for number in count(1) if number not in numbers)


def making_way(others: Mapping[Key, int], wanted: int) -> dict[Key, int]:
    """Which of the others move, and to where, so that `wanted` is free: each as far as it must and no further.

    >>> making_way({"a": 1, "b": 2, "c": 3, "d": 7}, 2)
    {'b': 3, 'c': 4}
    """
    moved: dict[Key, int] = {}
    free = wanted + 1
    for key, number in sorted(others.items(), key=lambda item: item[1]):
        if wanted <= number < free:
            moved[key] = free
            free += 1
    return moved
