"""An unmodified Prefect 3.8.8 does its work, and our log tells of it in the order in which it happened."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(peer: Peer) -> Seen:
    """What the client read of the log after its work."""
    return peer.script("events.py")


def test_a_run_leaves_its_states_each_following_the_one_before(seen: Seen) -> None:
    assert seen["states"] == ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]
    assert seen["chained"]
    assert seen["in order"]
    assert seen["flow"] == ["contract-mill"]


def test_a_subflow_leaves_its_own_states_and_is_related_to_its_tracking_task_run(seen: Seen) -> None:
    assert seen["child"] == ["Pending", "Running", "Completed"]
    assert seen["child chained"]
    assert [name.rpartition("-")[0] for name in seen["child of"]] == ["contract-mill-wheel"]


def test_the_client_s_events_are_kept_beside_the_server_s_own(seen: Seen) -> None:
    assert seen["tasks"] == [f"prefect.task-run.{name}" for name in ("Completed", "Pending", "Running")]
    assert seen["ground"] == {"sacks": [1, 2.5, None, "ö"]}
    assert seen["ground by"]


def test_what_the_client_keeps_is_told_of(seen: Seen) -> None:
    assert seen["variable"] == [["created", "rye"], ["updated", "oats"], ["deleted", "oats"]]
