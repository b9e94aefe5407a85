"""Variables, artifacts, inputs of runs and flows, through the real client."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-kept")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(peer: Peer) -> Seen:
    """What the client was answered, on each database."""
    return peer.script("kept.py")


def test_a_variable_holds_any_json(seen: Seen) -> None:
    value = {"list": [1, 2.5, None], "word": "grain"}
    assert seen["variable"] == ["millstone", value, ["stone"]]
    assert seen["variable_read"] == value
    assert seen["variable_absent"] == "fallback"


def test_a_variable_changes_only_when_told_to(seen: Seen) -> None:
    assert seen["variable_kept"]
    assert seen["variable_changed"] == "other"
    assert seen["variables"] == ["millstone"]
    assert seen["variable_unset"] == [True, False]


def test_artifacts_of_a_run_are_found(seen: Seen) -> None:
    assert seen["artifacts"] == [
        ["", "markdown"],
        ["milling", "progress"],
        ["report", "markdown"],
        ["report", "markdown"],
        ["sacks", "table"],
    ]
    assert seen["reports"] == ["# first", "# second"]


def test_the_latest_of_a_key_is_kept_current(seen: Seen) -> None:
    assert seen["latest"]["report"] == ["# second", "the newer one", False]
    assert seen["latest"]["milling"] == [80.0, None, False]
    assert seen["latest"]["sacks"][1:] == ["by the task", True]
    assert seen["latest_after_delete"] == ["# first"]


def test_inputs_of_a_run_are_sent_received_and_deleted(seen: Seen) -> None:
    assert seen["inputs"] == [["grain-1", "1", "the miller"], ["grain-2", "2", "the miller"]]
    assert seen["input"] == "1"
    assert seen["inputs_left"] == 2


def test_a_flow_is_made_once_found_and_deleted(seen: Seen) -> None:
    assert seen["same_flow"]
    assert seen["flow"] == "contract-kept"
    assert seen["flow_by_name"]
    assert seen["flows_found"] == ["contract-kept"]
    assert seen["flow_deleted"]
