"""Values that stand for others are resolved at any depth, or refused with the reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.hydration import HydrationError, hydrate, variable_names


def of(kind: Any, **rest: Any) -> dict[str, Any]:
    return {"__prefect_kind": kind, **rest}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (of("json", value="[1, 2]"), [1, 2]),
        (of("jinja", template="{{ name }}!"), "me!"),
        (of("jinja", template="{{ nobody.name }}|"), "|"),
        (of("jinja", template="{{ ''.__class__.__mro__ }}"), ""),
        (of("workspace_variable", variable_name="region"), {"code": "eu"}),
        (of("none", value=3), 3),
        (of(None, value=3), 3),
        ({"a": [of("json", value="1"), {"b": of("json", value="2")}]}, {"a": [1, {"b": 2}]}),
        (of("none", value=of("json", value="1")), 1),
        (of("json", value=of("jinja", template='{"n": {{ 1 + 1 }}}')), {"n": 2}),
        ({"a": of("json"), "b": 1}, {"b": 1}),
        ([of("workspace_variable"), 1], [1]),
        (of("json"), None),
    ],
)
def test_a_placeholder_becomes_what_it_stands_for(value: Any, expected: Any) -> None:
    assert hydrate(value, {"region": {"code": "eu"}}, {"name": "me"}) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (of("json", value="{"), "Invalid JSON"),
        (of("json", value=3), "Invalid JSON"),
        (of("jinja"), "Missing 'template'"),
        (of("jinja", template="{{ 1 + }}"), "Invalid jinja"),
        (of("jinja", template="{{ 1 / 0 }}"), "ZeroDivisionError"),
        (of("jinja", template="{{ range(1000) | list }}"), "range"),
        (of("workspace_variable", variable_name="nowhere"), "Variable 'nowhere' not found in workspace."),
        (of("other"), "Invalid __prefect_kind: 'other'"),
    ],
)
def test_a_placeholder_that_stands_for_nothing_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(HydrationError, match=reason.replace("(", r"\(")):
        hydrate({"deep": [value]}, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(JSON)
def test_a_value_without_placeholders_stays_as_it_is(value: Any) -> None:
    assert hydrate(value, {}) == value
    assert variable_names(value) == set()


@given(JSON, st.sampled_from(["region", "zone"]))
def test_the_variables_to_look_up_are_named_at_any_depth(value: Any, name: str) -> None:
    nested = {"a": [value, {"b": of("workspace_variable", variable_name=name)}]}
    assert variable_names(nested) == {name}
    assert hydrate(nested, {name: value}) == {"a": [value, {"b": value}]}
