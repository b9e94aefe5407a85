"""Compound and sequence triggers. Tables read: at these seconds these events came; it fired at those."""

from typing import Any

import pytest

from tests.rules.triggers.occurrences import Watcher, leaf, occurred, trigger

A, B, C = leaf("a"), leaf("b"), leaf("c")
Come = list[tuple[float, str]]


def firings(come: Come, kind: str, **fields: Any) -> list[float]:
    watcher = Watcher(trigger(kind, **fields))
    return [seconds for seconds, name in come if watcher.see(occurred(name, seconds))]


@pytest.mark.parametrize(
    ("fields", "come", "fired"),
    [
        ({"require": "any", "triggers": [A, B]}, [(1, "a"), (2, "b")], [1, 2]),
        ({"require": "all", "triggers": [A, B]}, [(0.5, "a"), (2, "a"), (3, "b"), (4, "b"), (7, "a")], [3, 7]),
        (
            {"require": 2, "within": 5, "triggers": [A, B, C]},
            [(0.5, "a"), (2, "a"), (3, "b"), (4, "c"), (5, "a"), (6, "b"), (13, "c")],
            [3, 5],
        ),
        ({"require": "all", "within": 5, "triggers": [A, B]}, [(1, "a"), (7, "b"), (8, "a")], [8]),
    ],
)
def test_a_compound_trigger_fires_when_enough_of_its_triggers_have(
    fields: dict[str, Any], come: Come, fired: list[float]
) -> None:
    assert firings(come, "compound", **fields) == fired


@pytest.mark.parametrize(
    ("fields", "come", "fired"),
    [
        (
            {"triggers": [A, B, C]},
            [(0.5, "a"), (2, "c"), (3, "b"), (4, "c"), (5, "a"), (6, "b"), (7, "c")],
            [4, 7],
        ),
        ({"triggers": [A, B], "within": 5}, [(0.5, "b"), (2, "a"), (3, "b"), (6, "a"), (13, "b")], [3]),
        ({"triggers": [A, B]}, [(1, "b"), (2, "a")], []),
    ],
)
def test_a_sequence_fires_when_its_triggers_have_in_their_order(
    fields: dict[str, Any], come: Come, fired: list[float]
) -> None:
    assert firings(come, "sequence", **fields) == fired


def test_triggers_that_fire_at_one_moment_fire_in_the_order_of_their_events() -> None:
    """A batch of events is received at one moment."""
    assert Watcher(trigger("sequence", triggers=[A, B])).see(occurred("a")) is False
    watcher = Watcher(trigger("sequence", triggers=[A, B]))
    assert [watcher.see(occurred(name)) for name in "ab"] == [False, True]
    watcher = Watcher(trigger("sequence", triggers=[A, B]))
    assert [watcher.see(occurred(name)) for name in "ba"] == [False, False]


def test_order_is_that_of_handling_and_not_of_the_senders_clocks() -> None:
    watcher = Watcher(trigger("sequence", triggers=[A, B], within=60))
    assert not watcher.see(occurred("a", 3600, received=1))
    assert watcher.see(occurred("b", 2, received=2))


def test_triggers_within_triggers() -> None:
    inner = {"type": "sequence", "within": None, "triggers": [A, B]}
    watcher = Watcher(trigger("compound", require="all", triggers=[inner, C]))
    assert [watcher.see(occurred(name, second)) for second, name in enumerate("cabab")] == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_firing_holds_the_firings_it_is_made_of() -> None:
    watcher = Watcher(trigger("compound", require="all", triggers=[leaf("a", for_each=["prefect.resource.id"]), B]))
    watcher.see(occurred("a", 1, "thing.7"))
    watcher.see(occurred("b", 2))
    firing = watcher.fired[0].firing
    assert [event.event for event in firing.all_events()] == ["b", "a", "b"]
    assert [type(inner.trigger).__name__ for inner in firing.triggering_firings] == ["EventTrigger"] * 2
    assert firing.triggering_labels == {}
    assert firing.triggering_firings[0].triggering_labels == {"prefect.resource.id": "thing.7"}
    assert firing.triggered == firing.triggering_firings[1].triggered


def test_a_proactive_trigger_can_be_a_part() -> None:
    silence = leaf("b", posture="Proactive", within=10)
    watcher = Watcher(trigger("sequence", triggers=[A, silence]))
    assert not watcher.see(occurred("a", 1))
    assert watcher.pass_to(11)
