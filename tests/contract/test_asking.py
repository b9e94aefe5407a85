"""The real client asks for the events that it and the server told."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-asking")
Found = dict[str, Any]


@pytest.fixture(scope="module")
def found(peer: Peer) -> Found:
    """What the client was told, on each database."""
    return peer.script("asking.py")


def test_pages_follow_one_another_until_the_last(found: Found) -> None:
    assert found["oldest_first"] == [f"sack.{number}" for number in range(1, 7)]


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("by_name", [6]),
        ("by_label", [5, 3, 1]),
        ("by_id", [4]),
        ("any_resource", [6, 5, 4, 3, 2, 1]),
        ("related", [6, 5, 4, 3, 2, 1]),
    ],
)
def test_a_filter_of_the_client_finds_what_it_asks_for(found: Found, question: str, numbers: list[int]) -> None:
    assert found[question] == [f"sack.{number}" for number in numbers]


def test_an_event_comes_back_with_its_payload_and_how_many_there_are(found: Found) -> None:
    assert (found["total"], found["payload"]) == (1, {"number": 4, "weight": {"kg": 12.5}})


def test_what_the_server_tells_of_a_run_is_asked_by_the_runs_id(found: Found) -> None:
    assert found["run"] == ["prefect.flow-run.Pending", "prefect.flow-run.Running", "prefect.flow-run.Completed"]
