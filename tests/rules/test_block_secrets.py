"""Secrets are hidden wherever their paths lead, and come back unharmed."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.rules.block_secrets import HIDDEN, hidden, restored

DATA: dict[str, Any] = {
    "user": "ada",
    "password": "p",
    "nothing": None,
    "auth": {"token": "t", "realm": "r"},
    "headers": {"a": "1", "b": {"c": 2}},
    "keys": [{"id": 1, "secret": "x"}],
    "by_name": {"first": {"id": 1, "pin": "x"}, "second": {"id": 2, "pin": "y"}},
}


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("password", {"password": HIDDEN}),
        ("nothing", {}),
        ("auth.token", {"auth": {"token": HIDDEN, "realm": "r"}}),
        ("auth", {"auth": {"token": HIDDEN, "realm": HIDDEN}}),
        ("headers.*", {"headers": {"a": HIDDEN, "b": {"c": HIDDEN}}}),
        ("keys", {"keys": HIDDEN}),
        ("keys.secret", {"keys": HIDDEN}),
        ("by_name.pin", {"by_name": {"first": {"id": 1, "pin": HIDDEN}, "second": {"id": 2, "pin": HIDDEN}}}),
        ("user.name", {}),
    ],
)
def test_a_path_hides_what_it_leads_to_and_nothing_else(path: str, changed: dict[str, Any]) -> None:
    assert hidden(DATA, [path]) == DATA | changed


def test_hiding_leaves_the_original_as_it_is() -> None:
    hidden(DATA, ["auth.token", "by_name.pin"])
    assert DATA["auth"]["token"] == "t"
    assert DATA["by_name"]["first"]["pin"] == "x"


def test_a_new_secret_is_not_replaced_by_the_old_one() -> None:
    assert restored({"password": "new"}, DATA, ["password"]) == {"password": "new"}


def test_a_hidden_secret_that_nobody_knows_stays_hidden() -> None:
    assert restored({"password": HIDDEN}, {}, ["password"]) == {"password": HIDDEN}
    assert restored({"auth": {"token": HIDDEN}}, {"auth": "none"}, ["auth"]) == {"auth": {"token": HIDDEN}}


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
paths = st.lists(st.lists(st.sampled_from("abc*"), min_size=1, max_size=3).map(".".join), max_size=3)


@settings(suppress_health_check=[HealthCheck.too_slow])  # how long it takes says how busy the machine is
@given(documents, paths)
def test_what_was_hidden_is_restored_by_what_is_known(document: dict[str, Any], secret: list[str]) -> None:
    assert restored(hidden(document, secret), document, secret) == document
