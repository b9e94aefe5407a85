# Generated from _async/events.py by scripts/unasync.py; change that file, not this one.
"""Calls about events."""

from collections.abc import Iterable

from headrace.client._sync.base import Part
from headrace.wire.events import Event


class EventCalls(Part):
    """Events are how task runs and users' own happenings are recorded (contract §6)."""

    def post_events(self, events: Iterable[Event]) -> None:
        """Send a batch of events; when this returns, a headrace server has stored them."""
        self._tell("POST", "/events", body=list(events))
