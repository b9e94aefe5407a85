"""How lengths of time and states are written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.cli.display import duration, seconds_of
from headrace.cli.states import state_style, types_and_names
from headrace.wire.states import StateType


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00s"),
        (0.456, "0.46s"),
        (12.34, "12.3s"),
        (59.99, "1m 00s"),
        (64, "1m 04s"),
        (3599.7, "1h 00m"),
        (7500, "2h 05m"),
        (200_000, "2d 07h"),
    ],
)
def test_a_length_of_time_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.integers(min_value=0, max_value=10_000), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]))
def test_what_is_asked_for_in_a_unit_is_that_many_of_it(amount: int, unit: tuple[str, int]) -> None:
    assert seconds_of(f"{amount}{unit[0]}") == amount * unit[1]


@given(st.text(max_size=6).filter(lambda text: not text[:-1].strip().replace(".", "").isdigit()))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a length of time"):
        seconds_of(text)


def test_a_word_for_a_state_is_a_type_if_there_is_one_and_a_name_otherwise() -> None:
    assert types_and_names(["failed", "Late", "RUNNING"]) == ([StateType.FAILED, StateType.RUNNING], ["Late"])
    assert types_and_names([]) == (None, None)


def test_every_type_of_state_has_a_colour() -> None:
    assert {state_style(type_) for type_ in StateType} == {"green", "red", "cyan", "yellow", "magenta"}
