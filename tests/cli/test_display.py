"""How lengths of time and states are written and read."""

import sys
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from headrace.cli.display import duration, seconds_of
from headrace.cli.output import Column, show_list
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


class _Run(msgspec.Struct):
    id: UUID
    name: str
    state: str
    reason: str = ""


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (80, ["ID Name State Reason", "00000000-0000-0000-0000-000000000007 brave-otter Completed"]),
        (50, ["00000000-0000-0000-0000-000000000007", "name brave-otter · state Completed"]),
    ],
)
def test_a_terminal_too_narrow_for_a_table_shows_each_row_whole(
    width: int, lines: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No word of it is broken, and none is left out."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    columns = [
        Column[_Run]("ID", lambda run: str(run.id)),
        Column[_Run]("Name", lambda run: run.name),
        Column[_Run]("State", lambda run: run.state),
        Column[_Run]("Reason", lambda run: run.reason),
    ]
    show_list([_Run(UUID(int=7), "brave-otter", "Completed")], columns, "table")
    shown = [" ".join(line.split()) for line in Text.from_ansi(capsys.readouterr().out).plain.splitlines()]
    assert [line for line in shown if line.strip("─ ")] == lines
