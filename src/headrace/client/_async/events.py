"""Calls about events."""

from collections.abc import Iterable

from headrace.client._async.base import Part
from headrace.wire.events import Event


class EventCalls(Part):
    """Events are how task runs and users' own happenings are recorded (contract §6)."""

    async def post_events(self, events: Iterable[Event]) -> None:
        """Send a batch of events; when this returns, a headrace server has stored them."""
        await self._tell("POST", "/events", body=list(events))
