"""Which events a question is about. The tables say what Prefect answers about the same six events."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.event_matching import compile_filter, compile_pattern, matches
from headrace.wire.events import ReceivedEvent
from headrace.wire.filters import EventFilter

NOON = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
ID, ROLE = "prefect.resource.id", "prefect.resource.role"


def event(number: int, name: str, resource: dict[str, str], *related: dict[str, str], **payload: Any) -> ReceivedEvent:
    at = NOON + timedelta(minutes=number)
    return ReceivedEvent(
        id=UUID(int=number),
        occurred=at,
        received=at,
        event=name,
        resource=resource,
        related=list(related),
        payload=payload,
    )


EVENTS = [
    event(
        1,
        "a.one",
        {ID: "x.1", "color": "red", "n": "", "prefect.resource.name": "Ex One"},
        {ID: "r.1", ROLE: "flow", "color": "blue"},
        {ID: "r.2", ROLE: "tag", "color": "green"},
        k='Väl"ue',
        deep={"Zed": [1, "two"]},
    ),
    event(2, "a.two", {ID: "x.2", "color": "blue"}, {ID: "r.1", ROLE: "tag"}, {ID: "r.2", ROLE: "flow"}),
    event(3, "b.one", {ID: "x.1", "color": "re*d"}, n=5),
    event(4, "b.o_e", {ID: "y.%1"}, {ID: "x.1", ROLE: "flow"}, t=True),
    event(5, "B.One", {ID: "Y.1", "color": "Red"}, {ID: "x.2", ROLE: "a"}, {ID: "x.1", ROLE: "b"}),
    event(6, "c", {ID: "z", "color": "!red", "multi": "line1\nline2", "back": "a\\b", "s": "ab?c", "u": "A_c"}),
]


def asked(criteria: dict[str, Any], **options: bool) -> list[int]:
    """The numbers of the events that a filter, given as JSON, asks for."""
    wanted = compile_filter(msgspec.convert(criteria, EventFilter), **options)
    return [found.id.int for found in EVENTS if wanted(found)]


ALL = [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({}, ALL),
        ({"color": "red"}, [1]),
        ({"color": "re*"}, [1, 3]),
        ({"color": "r?d"}, [1]),
        ({"color": r"re\*d"}, []),
        ({"color": "re*d"}, [1, 3]),
        ({"color": "*"}, [1, 2, 3, 5, 6]),
        ({"n": "*"}, [1]),
        ({"n": ""}, [1]),
        ({"color": "!red"}, [2, 3, 5, 6]),
        ({"color": "!r*"}, [2, 5, 6]),
        ({"color": "!!red"}, [1, 2, 3, 5]),
        ({"color": "!"}, [1, 2, 3, 5, 6]),
        ({"color": "!*"}, []),
        ({"color": ["red", "blue"]}, [1, 2]),
        ({"color": ["!red", "!blue"]}, [1, 2, 3, 5, 6]),
        ({"color": ["!red", "blue"]}, [2, 3, 5, 6]),
        ({"color": ["r*", "!red"]}, [1, 2, 3, 5, 6]),
        ({"color": []}, []),
        ({"missing": "*"}, []),
        ({"missing": "!x"}, []),
        ({"missing": ""}, []),
        ({"multi": "line1*2"}, [6]),
        ({"multi": "line1?line2"}, [6]),
        ({"back": "a\\b"}, [6]),
        ({"s": "ab?c"}, [6]),
        ({"u": "A%"}, []),
        ({"u": "?_c"}, [6]),
        ({"color": "red", ID: "x.1"}, [1]),
        ({"color": "!red", ID: "x.1"}, [3]),
        ({ID: "x*"}, [1, 2, 3]),
        ({ID: "!x*"}, [4, 5, 6]),
    ],
)
def test_every_label_has_to_hold_under_one_of_its_patterns(labels: dict[str, Any], found: list[int]) -> None:
    assert asked({"resource": {"labels": labels}}) == found
    assert [each.id.int for each in EVENTS if matches(labels, each.resource)] == found


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({}, ALL),
        ({"event": {}}, ALL),
        ({"event": {"name": ["a.one", "c"]}}, [1, 6]),
        ({"event": {"name": []}}, ALL),
        ({"event": {"name": ["a.*"]}}, []),
        ({"event": {"prefix": ["a.", "c"]}}, [1, 2, 6]),
        ({"event": {"prefix": ["b"]}}, [3, 4]),
        ({"event": {"prefix": ["%"]}}, []),
        ({"event": {"prefix": []}}, ALL),
        ({"event": {"name": ["a.one"], "prefix": ["b."]}}, []),
        ({"event": {"exclude_prefix": ["a", "b.o_"]}}, [3, 5, 6]),
        ({"event": {"exclude_name": ["a.one"], "prefix": ["a"]}}, [2]),
        ({"event": {"exclude_name": [], "exclude_prefix": []}}, ALL),
        ({"resource": {"id": ["x.1"]}}, [1, 3]),
        ({"resource": {"id": []}}, ALL),
        ({"resource": {"id": ["nope"]}}, []),
        ({"resource": {"id_prefix": ["x.", "Y"]}}, [1, 2, 3, 5]),
        ({"resource": {"id_prefix": ["y.%"]}}, [4]),
        ({"resource": {"id": ["x.1"], "id_prefix": ["y"]}}, []),
        ({"resource": {"id": ["x.1"], "labels": {"color": "red"}}}, [1]),
        ({"resource": {"distinct": True}}, ALL),
        ({"any_resource": {"id": ["x.1"]}}, [1, 3, 4, 5]),
        ({"any_resource": {"id_prefix": ["x."]}}, [1, 2, 3, 4, 5]),
        ({"any_resource": {"labels": {"color": "blue"}}}, [1, 2]),
        ({"any_resource": {"labels": {"color": "!blue"}}}, [1, 3, 5, 6]),
        ({"any_resource": {"labels": {ROLE: "flow"}}}, [1, 2, 4]),
        ({"any_resource": [{"id": ["x.1"]}, {"id": ["x.2"]}]}, [5]),
        ({"any_resource": {"id": ["r.2"], "labels": {"color": "red"}}}, []),
        ({"any_resource": {"id": ["x.1"], "id_prefix": ["r"]}}, []),
        ({"any_resource": {}}, ALL),
        ({"any_resource": []}, ALL),
        ({"any_resource": {"id": []}}, ALL),
        ({"id": {"id": [str(UUID(int=1))]}}, [1]),
        ({"id": {"id": []}}, ALL),
        ({"id": {}}, ALL),
        ({"occurred": {"since": "2026-08-01T12:02:00Z", "until": "2026-08-01T12:04:00Z"}}, [2, 3, 4]),
        ({"occurred": {"since": "2026-08-01T12:05:00.000001Z"}}, [6]),
        ({"event": {"prefix": ["a"]}, "resource": {"id": ["x.2"]}}, [2]),
    ],
)
def test_every_criterion_has_to_hold(criteria: dict[str, Any], found: list[int]) -> None:
    assert asked(criteria) == found
    assert asked(criteria, related=False) == found


@pytest.mark.parametrize(
    ("related", "found"),
    [
        ({}, ALL),
        ([], ALL),
        ([{}], ALL),
        ({"id": []}, ALL),
        ({"role": []}, ALL),
        ({"resources_in_roles": []}, ALL),
        ({"labels": {}}, ALL),
        ({"id": ["r.1"]}, [1, 2]),
        ({"id": ["r.1"], "role": ["tag"]}, [2]),
        ({"role": ["flow"]}, [1, 2, 4]),
        ({"id": ["x.1"]}, [4, 5]),
        ({"role": [""]}, ALL),
        ({"id": ["x.1"], "role": [""]}, [1, 3]),
        ({"id": ["x.1"], "role": ["", "flow"]}, [1, 3, 4]),
        ({"resources_in_roles": [["r.1", "flow"]]}, [1]),
        ({"resources_in_roles": [["r.1", "flow"], ["r.2", "flow"]]}, [1, 2]),
        ({"resources_in_roles": [["x.1", ""]]}, []),
        ({"labels": {"color": "blue"}}, [1]),
        ({"labels": {"color": "!blue"}}, [1]),
        ({"labels": {"color": "!blue"}, "role": ["flow"]}, []),
        ({"labels": {"color": "blue"}, "id": ["r.2"]}, []),
        ({"labels": {"color": "red"}}, []),
        ({"labels": {ROLE: "flow"}}, [1, 2, 4]),
        ({"labels": {"missing": "!x"}}, []),
        ([{"id": ["r.1"], "role": ["tag"]}, {"id": ["r.2"]}], [2]),
        ([{"id": ["x.1"]}, {"id": ["x.2"]}], [5]),
    ],
)
def test_one_related_resource_meets_all_of_a_filter_unless_the_stream_is_live(related: Any, found: list[int]) -> None:
    assert asked({"related": related}) == found
    assert asked({"related": related}, related=False) == ALL


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ALL),
        ("- + !", ALL),
        ("red", [1, 5, 6]),
        ("RED", [1, 5, 6]),
        ("väl", [1]),
        ("VÄL", [1]),
        (r'"Väl\"ue"', [1]),
        ("zed", [1]),
        ("two", [1, 2]),
        ("prefect.resource.id", []),
        ("x.1", [1, 3, 4, 5]),
        ("one -red", [3]),
        ("+red +one", [1, 5]),
        ("+red +zzz", []),
        ("zzz red", [1, 5, 6]),
        ("flow", [1, 2, 4]),
        ("Ex One", [1, 3, 5]),
        ('"Ex One"', [1]),
        ('"a.one x"', [1]),
        ("A_c", [6]),
        ("a%c", []),
        ("%", [4]),
        ("*", [3]),
        (r"a\b", [6]),
        ("true", [4]),
        ("received", []),
    ],
)
def test_a_text_is_looked_for_in_name_and_values_and_payload(query: str, found: list[int]) -> None:
    assert asked({"text": {"query": query}}) == found
    assert asked({"text": {"query": query}}, related=False) == found


def test_a_payload_is_searched_alike_decoded_or_as_it_came() -> None:
    came = msgspec.json.encode(EVENTS[0].payload)
    raw = msgspec.structs.replace(EVENTS[0], payload=msgspec.Raw(came))
    for query in ("väl", r'"Väl\"ue"', "zed", "missing"):
        wanted = compile_filter(msgspec.convert({"text": {"query": query}}, EventFilter))
        assert wanted(raw) == wanted(EVENTS[0])


LETTERS = st.text(alphabet="ab*?!\n.[\\", max_size=7)


@given(pattern=LETTERS, text=LETTERS)
def test_wildcards_stand_for_what_they_can_stand_for(pattern: str, text: str) -> None:
    if pattern.startswith("!"):
        assert compile_pattern(pattern)(text) is not stands_for(pattern[1:], text)
    else:
        assert compile_pattern(pattern)(text) is stands_for(pattern, text)


def test_a_pattern_of_many_stretches_takes_no_longer_than_its_text_is_long() -> None:
    """Parting so long a text in every way would take longer than the test may."""
    pattern = compile_pattern("*a" * 200 + "?*b")
    assert not pattern("a" * 20_000)
    assert pattern("a" * 20_000 + "b")


def stands_for(pattern: str, text: str) -> bool:
    """The meaning of a pattern letter by letter."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(stands_for(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and stands_for(pattern[1:], text[1:])
