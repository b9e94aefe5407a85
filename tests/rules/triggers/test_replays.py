"""Past events shown to a trigger: when it would have fired, and why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.triggers.replays import Replay, name_prefixes, reason
from tests.rules.triggers.occurrences import Watcher, at, leaf, occurred, trigger

A, B = leaf("a"), leaf("b")


def replayed(
    come: list[tuple[float, str]], until: float, kind: str = "event", **fields: Any
) -> list[tuple[float, str]]:
    """The seconds and reasons of the firings of a trigger that sees these events from midnight on."""
    replay = Replay(trigger(kind, **fields), at(0))
    steps = [*replay.see(occurred(name, seconds) for seconds, name in come), *replay.pass_to(at(until))]
    fired = [step.firing for step in steps if step is not None]
    return [(round((firing.triggered - at(0)).total_seconds(), 3), reason(firing)) for firing in fired]


@pytest.mark.parametrize(
    ("fields", "come", "fired"),
    [
        ({"expect": ["a"]}, [(1, "a"), (2, "b"), (3, "a")], [(1, "a came"), (3, "a came")]),
        (
            {"expect": ["a"], "threshold": 2, "within": 60},
            [(1, "a"), (5, "a")],
            [(5, "a was the last of 2 events within 60 s")],
        ),
        (
            {"expect": ["a"], "posture": "Proactive", "within": 10},
            [(4, "a"), (25, "a")],
            [(20, "a did not come once within 10 s"), (40, "a did not come once within 10 s")],
        ),
        (
            {"expect": ["b"], "after": ["a"], "posture": "Proactive", "within": 10, "threshold": 2},
            [(1, "a"), (2, "b"), (3, "b"), (20, "a"), (22, "b")],
            [(30, "b did not come 2 times within 10 s")],
        ),
        (
            {"kind": "compound", "require": "all", "triggers": [A, B]},
            [(1, "b"), (2, "a")],
            [(2, "2 of its 2 triggers fired")],
        ),
        (
            {"kind": "sequence", "triggers": [A, B]},
            [(1, "a"), (2, "b")],
            [(2, "its 2 triggers fired in their order")],
        ),
    ],
)
def test_when_and_why_a_trigger_would_have_fired(
    fields: dict[str, Any], come: list[tuple[float, str]], fired: list[tuple[float, str]]
) -> None:
    assert replayed(come, 45, **fields) == fired


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from("abc"))), st.integers(1, 3), st.integers(0, 20))
def test_a_replay_fires_as_the_trigger_would_have(come: list[tuple[float, str]], threshold: int, within: int) -> None:
    come.sort()
    fields = {"expect": ["a"], "after": ["b"], "threshold": threshold, "within": within}
    watcher = Watcher(trigger(**fields))
    live = [seconds for seconds, name in come if watcher.see(occurred(name, seconds))]
    assert [seconds for seconds, _ in replayed(come, 200, **fields)] == pytest.approx(live, abs=0.001)


def test_every_window_that_nothing_happened_in_is_told() -> None:
    fired = replayed([], 86_400, expect=["a"], posture="Proactive", within=60)
    assert len(fired) == 1_439


def test_each_step_lets_others_have_their_turn() -> None:
    replay = Replay(trigger(expect=["a"]), at(0))
    steps = list(replay.see(occurred("b", second) for second in range(100)))
    assert steps == [None] * 100
    assert (replay.events, replay.matched) == (100, 0)


@pytest.mark.parametrize(
    ("fields", "prefixes"),
    [
        ({"expect": ["b", "a.*.x"], "after": ["c"]}, ["a.", "b", "c"]),
        ({"after": ["c"]}, None),
        ({"expect": ["*.x"]}, None),
        ({"kind": "sequence", "triggers": [A, B]}, ["a", "b"]),
    ],
)
def test_only_events_that_can_concern_a_trigger_are_read(fields: dict[str, Any], prefixes: list[str] | None) -> None:
    assert name_prefixes(trigger(**fields)) == prefixes
