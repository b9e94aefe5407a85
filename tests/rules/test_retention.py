"""How long events are kept, by their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.retention import read_retention
from headrace.wire.errors import SettingsError

_NAMES = st.text("ab.", max_size=4)


def test_the_exact_name_wins_then_the_longest_prefix_then_the_default() -> None:
    rules = read_retention(7, ["a=1", "a*=2", "a.b*=3", "*=4"])
    assert [rules.seconds(name) for name in ("a", "ab", "a.b", "a.b.c", "c")] == [1, 2, 3, 3, 4]
    assert not rules.uniform


def test_without_rules_all_are_kept_equally_long() -> None:
    rules = read_retention(7, [])
    assert (rules.uniform, rules.seconds("a")) == (True, 7)


def test_a_name_may_hold_what_separates_it_from_its_seconds() -> None:
    assert read_retention(7, ["a=b=1.5"]).seconds("a=b") == 1.5


@pytest.mark.parametrize("text", ["a", "=1", "a=", "a=0", "a=-1", "a=x", "a=inf", "a=nan", "a*b=1", ""])
def test_a_part_that_says_nothing_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="NAME=SECONDS or PREFIX"):
        read_retention(7, ["good=1", text])


@given(prefixes=st.dictionaries(_NAMES, st.integers(1, 9)), name=_NAMES)
def test_a_longer_prefix_that_fits_is_never_beaten_by_a_shorter_one(prefixes: dict[str, int], name: str) -> None:
    rules = read_retention(10, [f"{prefix}*={seconds}" for prefix, seconds in prefixes.items()])
    fitting = [prefix for prefix in prefixes if name.startswith(prefix)]
    assert rules.seconds(name) == (prefixes[max(fitting, key=len)] if fitting else 10)
