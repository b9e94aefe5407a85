"""Triggers made by the real client fire at its runs and events."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-triggers")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(peer: Peer) -> Seen:
    """What fired, on each database."""
    return peer.script("triggers.py")


def test_an_automation_fires_at_the_runs_it_looks_for(seen: Seen) -> None:
    assert seen["completed"] == [["prefect.flow-run.Completed", {}]]


def test_events_are_counted_for_each_resource(seen: Seen) -> None:
    labels = [{"prefect.resource.id": "mill.1"}, {"prefect.resource.id": "mill.2"}]
    assert seen["counted"] == [["grain", each] for each in labels]


def test_a_sequence_fires_in_its_order_alone(seen: Seen) -> None:
    assert seen["sequence"] == [["three", {}]]


def test_a_compound_trigger_fires_when_all_of_it_has(seen: Seen) -> None:
    assert seen["compound"] == [["left", {}]]


def test_an_event_that_never_comes_is_told(seen: Seen) -> None:
    assert seen["silent"] == [[None, {}]]


def test_what_is_switched_off_does_not_fire(seen: Seen) -> None:
    assert seen["disabled"] == []
