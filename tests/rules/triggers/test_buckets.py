"""When event triggers fire. Tables read: at these seconds these events came; it fired at those."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.triggers.occurrences import Watcher, occurred, trigger

Come = list[tuple[float, str]]


def firings(come: Come, **fields: Any) -> list[float]:
    watcher = Watcher(trigger(**{"expect": ["b"], **fields}))
    return [seconds for seconds, name in come if watcher.see(occurred(name, seconds))]


def every(*seconds: float) -> Come:
    return [(second, "b") for second in seconds]


@pytest.mark.parametrize(
    ("fields", "come", "fired"),
    [
        pytest.param({}, every(1, 2, 3), [1, 2, 3], id="at each event"),
        pytest.param({"threshold": 2}, every(0.5, 3, 500, 7000), [3, 7000], id="at each second event, whenever"),
        pytest.param({"threshold": 2, "within": 10}, every(0, 11, 22), [], id="too far apart"),
        pytest.param(
            {"threshold": 2, "within": 10},
            every(0.5, 2, 4, 5, 12, 13, 15, 24.2, 24.4, 26),
            [2, 13, 24.4],
            id="once for each window",
        ),
        pytest.param({"within": 10}, every(0.5, 2, 4, 12, 12.2, 24), [0.5, 12, 24], id="at the first of each window"),
        pytest.param({"within": 10}, every(0, 100, 101), [0, 100], id="a window after a long silence"),
        pytest.param(
            {"after": ["a"]}, [(0.5, "b"), (2, "a"), (3, "b"), (4, "b")], [3], id="only after another event, and once"
        ),
        pytest.param(
            {"after": ["a"], "within": 10}, [(0, "a"), (11, "b"), (12, "a"), (13, "b")], [13], id="soon after it"
        ),
        pytest.param(
            {"after": ["a"], "threshold": 2},
            [(1, "a"), (3, "b"), (6, "b"), (9, "b")],
            [6],
            id="so many after it, whenever",
        ),
        pytest.param(
            {"after": ["b"], "within": 10}, every(0.5, 3, 4, 14), [3, 14], id="an event that begins does not count too"
        ),
    ],
)
def test_reactive_triggers(fields: dict[str, Any], come: Come, fired: list[float]) -> None:
    assert firings(come, **fields) == fired


def test_an_event_that_was_delayed_counts_though_it_occurred_before_the_first() -> None:
    watcher = Watcher(trigger(expect=["b"], threshold=2, within=10))
    assert not watcher.see(occurred("b", 100))
    assert watcher.see(occurred("b", 50, received=101))


def test_an_event_that_occurred_before_the_window_does_not_count() -> None:
    watcher = Watcher(trigger(expect=["b"], within=10))
    assert watcher.see(occurred("b", 100))
    assert not watcher.see(occurred("b", 99, received=105))


def test_keys_are_counted_apart() -> None:
    watcher = Watcher(trigger(expect=["b"], threshold=2, within=10, for_each=["prefect.resource.id"]))
    assert [watcher.see(occurred("b", second, f"thing.{second % 2}")) for second in range(4)] == [
        False,
        False,
        True,
        True,
    ]
    assert [firing.firing.triggering_labels for firing in watcher.fired] == [
        {"prefect.resource.id": "thing.0"},
        {"prefect.resource.id": "thing.1"},
    ]


@pytest.mark.parametrize("within", [0, 1e18])
def test_no_moment_is_too_early_or_too_late(within: float) -> None:
    far = timedelta(days=365 * 2000).total_seconds()
    watcher = Watcher(trigger(expect=["b"], within=within, threshold=2))
    for second in (-far, far, far * 3.9):
        watcher.see(occurred("b", second))


@given(st.lists(st.floats(0, 100), max_size=40), st.integers(1, 4), st.integers(1, 20))
def test_a_reactive_trigger_fires_at_most_once_in_a_window(seconds: list[float], threshold: int, within: int) -> None:
    fired = firings(every(*sorted(seconds)), threshold=threshold, within=within)
    assert len(fired) <= 1 + 100 / within


@given(st.lists(st.floats(0, 9), min_size=1, max_size=8, unique=True), st.integers(1, 8), st.randoms())
def test_of_events_close_to_each_other_the_order_does_not_matter(
    seconds: list[float], threshold: int, random: Any
) -> None:
    """They fire once if there are enough of them, whichever comes first."""
    random.shuffle(seconds)
    assert len(firings(every(*seconds), threshold=threshold, within=10)) == (threshold <= len(seconds))


def proactive(**fields: Any) -> Watcher:
    return Watcher(trigger(**{"expect": ["b"], "posture": "Proactive", "within": 10, **fields}))


def test_an_event_that_fails_to_come_is_told_once_a_window() -> None:
    watcher = proactive()
    assert [second for second in range(0, 36, 5) if watcher.pass_to(second)] == [15, 25, 35]


def test_an_event_that_comes_keeps_a_proactive_trigger_silent_for_its_window() -> None:
    watcher = proactive()
    watcher.see(occurred("b", 4))
    assert [second for second in range(0, 36, 5) if watcher.pass_to(second)] == [25, 35]


def test_too_few_events_are_as_good_as_none() -> None:
    watcher = proactive(threshold=2)
    watcher.see(occurred("b", 4))
    assert watcher.pass_to(11)
    assert watcher.fired[0].firing.triggering_event is not None
    watcher.see(occurred("b", 12))
    watcher.see(occurred("b", 13))
    assert not watcher.pass_to(21)


def test_windows_that_nobody_could_look_at_fire_once_together() -> None:
    watcher = proactive()
    assert watcher.pass_to(3605)
    assert not watcher.pass_to(3606)
    assert watcher.pass_to(3616)


def test_a_key_is_waited_for_once_it_was_seen() -> None:
    watcher = proactive(for_each=["prefect.resource.id"], threshold=2)
    key = '["thing.1"]'
    assert not watcher.pass_to(50, key)
    watcher.see(occurred("b", 60))
    assert not watcher.pass_to(69, key)
    assert watcher.pass_to(71, key)
    assert watcher.fired[0].firing.triggering_labels == {"prefect.resource.id": "thing.1"}
    assert watcher.pass_to(81, key)


def test_a_key_that_got_its_events_is_left_alone() -> None:
    watcher = proactive(for_each=["prefect.resource.id"])
    watcher.see(occurred("b", 60))
    assert not any(watcher.pass_to(second, '["thing.1"]') for second in range(60, 200, 5))


def heartbeat() -> Watcher:
    return proactive(expect=["beat", "end"], after=["beat"], for_each=["prefect.resource.id"])


def test_a_heartbeat_that_stops_is_told_once() -> None:
    watcher = heartbeat()
    for second in (0, 5, 10, 15):
        assert not watcher.see(occurred("beat", second))
        assert not watcher.pass_to(second + 4, '["thing.1"]')
    assert [second for second in range(20, 100, 3) if watcher.pass_to(second, '["thing.1"]')] == [26]
    assert watcher.fired[0].firing.triggering_event is not None
    assert watcher.fired[0].firing.triggering_event.event == "beat"


def test_a_heartbeat_that_ends_in_order_is_never_told() -> None:
    watcher = heartbeat()
    watcher.see(occurred("beat", 0))
    watcher.see(occurred("end", 5))
    assert not any(watcher.pass_to(second, '["thing.1"]') for second in range(0, 100, 3))


def test_a_heartbeat_that_comes_too_late_tells_of_the_gap_and_begins_anew() -> None:
    """Nobody has to have looked in between."""
    watcher = heartbeat()
    watcher.see(occurred("beat", 0))
    assert watcher.see(occurred("beat", 11))
    assert not watcher.pass_to(20, '["thing.1"]')
    assert watcher.pass_to(22, '["thing.1"]')


def test_an_event_from_a_clock_that_is_fast_closes_nothing() -> None:
    watcher = heartbeat()
    watcher.see(occurred("beat", 0))
    assert not watcher.see(occurred("beat", 3600, received=5))


def test_after_an_event_another_is_expected() -> None:
    watcher = proactive(after=["a"])
    assert not watcher.pass_to(100)
    watcher.see(occurred("a", 100))
    watcher.see(occurred("b", 105))
    assert not watcher.pass_to(120)
    watcher.see(occurred("a", 200))
    assert watcher.pass_to(211)
    assert not watcher.pass_to(300)
