"""Concurrency limits, through the real client."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-kept")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(peer: Peer) -> Seen:
    """What the client was answered, on each database."""
    return peer.script("limits.py")


def test_the_limit_of_a_tag_is_made_and_read(seen: Seen) -> None:
    assert seen["tag"] == ["sluice", 4, []]
    assert seen["tags"] == ["sluice"]


def test_a_global_limit_is_made_changed_and_listed(seen: Seen) -> None:
    assert seen["gate"] == ["gate", 2, True, 0]
    assert {"gate", "stream"} <= set(seen["limits"])


def test_a_task_holds_a_slot_of_its_tag_while_it_runs(seen: Seen) -> None:
    assert seen["in_task"] == 1


def test_slots_are_held_inside_the_block_and_given_back(seen: Seen) -> None:
    assert seen["inside"] == 2
    assert seen["after"] == 0


def test_a_rate_limit_s_slots_stay_taken_until_they_decay(seen: Seen) -> None:
    assert seen["rate"] == 1


def test_deleted_limits_are_gone(seen: Seen) -> None:
    assert seen["gone"] == [True, True]
