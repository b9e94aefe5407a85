"""Placeholders: values are filled in, of whatever type they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.placeholders import LEFT, fill, names, path_of, reach

KNOWN: dict[str, Any] = {"n": 3, "text": "a", "none": None, "list": [1, {"x": 2}], "$HOME": "/root", "a-b.c": True}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)

FILLED: list[tuple[Any, Any]] = [
    ("{{ n }}", 3),
    ("{{n}}", 3),
    (" {{ n }}\n", 3),
    ("{{ n }} times", "3 times"),
    ("{{ text }}{{ n }}", "a3"),
    ("{{ none }}", None),
    ("({{ none }})", "()"),
    ("{{ list }}", [1, {"x": 2}]),
    ("it is {{ list }}", 'it is [1,{"x":2}]'),
    ("{{ $HOME }}/x", "/root/x"),
    ("{{ a-b.c }}", True),
    ("{{ unknown }}", "{{ unknown }}"),
    ("{{ unknown }} {{ n }}", "{{ unknown }} 3"),
    ("{{ n | upper }}", "{{ n | upper }}"),
    ({"k": ["{{ n }}"], "{{ text }}": 1}, {"k": [3], "a": 1}),
    (5, 5),
]


@pytest.mark.parametrize(("given_", "filled"), FILLED)
def test_placeholders_are_filled_in(given_: Any, filled: Any) -> None:
    assert fill(given_, lambda name: KNOWN.get(name, LEFT)) == filled


@given(JSON)
def test_what_holds_no_placeholder_stays_as_it_is(value: Any) -> None:
    if not list(names(value)):
        assert fill(value, lambda name: 1 / 0) == value


@given(JSON)
def test_what_a_placeholder_stands_for_is_not_filled_in_again(value: Any) -> None:
    assert fill({"k": "{{ x }}"}, lambda name: value) == {"k": value}


def test_names_are_found_everywhere() -> None:
    assert list(names({"{{ k }}": ["{{ a.b }} {{ $C }}", {"d": "{{ e[0] }}"}, 1]})) == ["k", "a.b", "$C", "e[0]"]


def test_a_path_leads_into_a_value() -> None:
    value = {"build": {"images": [{"tag": "v1"}]}}
    assert reach(value, path_of("build.images[0].tag")) == "v1"
    assert reach(value, []) is value


@pytest.mark.parametrize("path", ["x", "build.x", "build.images.x", "build.images[4]", "build.images[0].tag.x"])
def test_a_path_that_leads_nowhere_is_an_error(path: str) -> None:
    with pytest.raises(LookupError):
        reach({"build": {"images": [{"tag": "v1"}]}}, path_of(path))
