"""Which policy is about what, and which are allowed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.retention import read_retention
from headrace.rules.retention_policies import (
    LEVELS,
    OUTCOMES,
    Kind,
    Policy,
    RetentionClass,
    check,
    cutoff,
    event_retention,
    is_due,
    levels,
    outcomes,
    parse_class,
)
from headrace.wire.errors import Unprocessable
from headrace.wire.states import TERMINAL_STATES, StateType

NOW = datetime(2026, 6, 1, tzinfo=UTC)
_KINDS = st.sampled_from((Kind.FLOW_RUNS, Kind.LOGS))


def classes_of(kind: Kind) -> list[RetentionClass]:
    parts = OUTCOMES if kind is Kind.FLOW_RUNS else LEVELS
    return [RetentionClass(kind), *(RetentionClass(kind, part) for part in parts)]


def parts_of(about: RetentionClass, others: list[RetentionClass]) -> list[object]:
    return list(outcomes(about, others) if about.kind is Kind.FLOW_RUNS else levels(about, others))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("flow_runs", "flow_runs"),
        ("flow-runs.Completed", "flow_runs.completed"),
        ("FLOW_RUNS.crashed", "flow_runs.crashed"),
        ("task-runs", "task_runs"),
        ("logs.debug", "logs.debug"),
        ("events", "events"),
        ("events.my-app.Thing_Done", "events.my-app.Thing_Done"),
        ("artifacts", "artifacts"),
    ],
)
def test_a_class_is_named_as_in_the_api_or_as_on_the_command_line(text: str, name: str) -> None:
    assert str(parse_class(text)) == name
    assert parse_class(name) == parse_class(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "runs",
        "flow_runs.",
        "flow_runs.running",
        "flow_runs.failed.x",
        "task_runs.failed",
        "logs.loud",
        "artifacts.x",
    ],
)
def test_what_is_no_class_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(Unprocessable, match=r"completed, failed, crashed, cancelled.*debug, info"):
        parse_class(text)


def test_an_outcome_with_a_policy_of_its_own_is_none_of_the_general_ones() -> None:
    general, failed = RetentionClass(Kind.FLOW_RUNS), RetentionClass(Kind.FLOW_RUNS, "failed")
    assert list(outcomes(general, [general, failed])) == [StateType.COMPLETED, StateType.CRASHED, StateType.CANCELLED]
    assert list(outcomes(failed, [general, failed])) == [StateType.FAILED]
    assert list(levels(RetentionClass(Kind.LOGS), [failed])) == [10, 20, 30, 40, 50]


@given(kind=_KINDS, data=st.data())
def test_every_part_belongs_to_the_most_specific_policy_and_to_no_other(kind: Kind, data: st.DataObject) -> None:
    in_force = data.draw(st.lists(st.sampled_from(classes_of(kind)), unique=True))
    taken = [part for about in in_force for part in parts_of(about, in_force)]
    assert len(taken) == len(set(taken)), "no part belongs to two policies"
    if RetentionClass(kind) in in_force:
        assert len(taken) == (4 if kind is Kind.FLOW_RUNS else 5), "what no other policy is for, the general one is for"


def test_a_policy_is_about_what_has_ended_and_nothing_else() -> None:
    assert set(OUTCOMES.values()) == TERMINAL_STATES


def test_of_events_the_longest_name_wins_and_a_policy_beats_a_setting_of_the_same_name() -> None:
    settings = read_retention(7, ["a=1", "a.b=2", "a*=3", "c*=4"])
    policies = [
        Policy(parse_class("events"), 100),
        Policy(parse_class("events.a"), 10),
        Policy(parse_class("events.c.d"), 20),
        Policy(parse_class("logs"), 5),
    ]
    both = event_retention(settings, policies)
    named = {name: both.seconds(name) for name in ("a", "ax", "a.b", "c", "c.d", "c.de", "z")}
    assert named == {"a": 10, "ax": 10, "a.b": 2, "c": 4, "c.d": 20, "c.de": 20, "z": 100}
    assert [both.source(name) for name in ("a.b", "c.de", "z")] == ["a.b", "c.d", None]


@given(settings=st.dictionaries(st.text("ab.*", min_size=1, max_size=3), st.integers(1, 9)), name=st.text("ab."))
def test_without_policies_the_settings_say_all(settings: dict[str, int], name: str) -> None:
    texts = [f"{text}={seconds}" for text, seconds in settings.items() if "*" not in text[:-1]]
    alone = read_retention(10, texts)
    assert event_retention(alone, []) == alone
    assert event_retention(alone, [Policy(RetentionClass(Kind.EVENTS), 99)]).seconds(name) in (99, alone.seconds(name))


@pytest.mark.parametrize("name", ["task_runs", "logs", "logs.debug", "events", "events.x"])
def test_what_is_not_counted_for_each_of_something_has_no_last_few(name: str) -> None:
    with pytest.raises(Unprocessable, match="give an age"):
        check(Policy(parse_class(name), 60, 5))


@pytest.mark.parametrize("name", ["flow_runs", "artifacts"])
def test_a_policy_says_an_age_or_a_number_or_both(name: str) -> None:
    for policy in (Policy(parse_class(name), 60), Policy(parse_class(name), None, 5), Policy(parse_class(name), 60, 5)):
        assert check(policy) is policy
    with pytest.raises(Unprocessable, match="says nothing"):
        check(Policy(parse_class(name)))


def test_a_policy_is_due_at_first_then_once_in_a_while_and_while_it_goes_on() -> None:
    def due(ago: float | None, *, goes_on: bool = False) -> bool:
        last = None if ago is None else NOW - timedelta(seconds=ago)
        return is_due(last, NOW if goes_on else None, NOW, 100)

    assert [due(None), due(0), due(89), due(90), due(1000)] == [True, False, False, True, True]
    assert due(0, goes_on=True)


@given(age=st.none() | st.floats(1, 1e15))
def test_there_is_a_moment_before_which_things_are_too_old_however_old_that_is(age: float | None) -> None:
    found = cutoff(Policy(RetentionClass(Kind.LOGS), age), NOW)
    assert (found is None) == (age is None)
    assert found is None or found < NOW
