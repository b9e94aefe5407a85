"""The real client follows events and log lines as they come."""

from typing import Any

import pytest

from tests.contract.conftest import Peer

pytestmark = pytest.mark.xdist_group("contract-streams")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(peer: Peer) -> Seen:
    """What the client saw, on each database."""
    return peer.script("streams.py")


def test_a_subscriber_gets_what_was_there_and_what_comes_each_once(seen: Seen) -> None:
    assert seen["subscribed"] == ["mill.before", "mill.one", "mill.two"]


def test_event_stream_prints_events_as_they_come(seen: Seen) -> None:
    assert seen["streamed"] == ["mill.tick", "mill.2"]


def test_watching_a_run_shows_its_log_lines_until_it_ends(seen: Seen) -> None:
    assert seen["watched_lines"]
    assert seen["watched_end"]
