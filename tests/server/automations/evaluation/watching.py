"""A server's triggers for tests: automations made through the API, events sent through it, and what fired."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from headrace.server.automations.evaluation.proactive import ProactiveTriggers
from headrace.server.automations.evaluation.triggers import Triggers
from headrace.server.events import log
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.wire.events import Event
from headrace.wire.ids import uuid7
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.automations.made import make

_FIRED = Statement(
    "SELECT f.key, e.event FROM automation_firings f LEFT JOIN events e ON e.id = f.event_id"
    " WHERE f.automation_id = $1 ORDER BY f.created, f.id"
)

_AHEAD = Statement(
    "SELECT EXISTS (SELECT 1 FROM events WHERE seq > (SELECT seq FROM event_consumers WHERE name = 'triggers'))"
)


class Server:
    """One server's services over a store, ticked by the test."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self.api, self.store = api, api.store
        self.triggers = Triggers(api.store, settings)
        self.proactive = ProactiveTriggers(api.store, settings)

    async def automation(self, kind: str = "event", **fields: Json) -> Json:
        """A new automation that does nothing, of an event trigger that is reactive unless it says."""
        defaults: dict[str, Any] = {"posture": "Reactive"} if kind == "event" else {"within": None}
        return await make(self.api, trigger={"type": kind} | defaults | fields)

    async def send(self, *names: str, resource: str = "thing.1", ago: float = 0.0, **labels: str) -> None:
        """Send events, in one batch."""
        sent = [event(name, resource, ago=ago, **labels) for name in names]
        answer = await self.api.post("/events", [_as_json(one) for one in sent])
        assert answer.status == 204, answer.json

    async def settle(self) -> None:
        """Handle all events that are in the log."""
        while await self.triggers.tick() or await self._ahead():
            pass

    async def _ahead(self) -> bool:
        row = await self.store.fetch_one(_AHEAD)
        assert row is not None
        return bool(row[0])

    async def fired(self, automation: Json) -> list[tuple[str, str | None]]:
        """The key and the name of the last event of each firing, in order."""
        rows = await self.store.fetch(_FIRED, UUID(automation["id"]))
        return [(row[0], row[1]) for row in rows]

    async def names(self, automation: Json) -> list[str | None]:
        """The names of the last events of each firing, in order."""
        return [name for _, name in await self.fired(automation)]


def event(
    name: str, resource: str = "thing.1", *, ago: float = 0.0, follows: UUID | None = None, **labels: str
) -> Event:
    """An event that occurred so many seconds ago."""
    return Event(
        id=uuid7(),
        occurred=now() - timedelta(seconds=ago),
        event=name,
        resource={"prefect.resource.id": resource, **labels},
        follows=follows,
    )


async def log_at(store: Store, seconds_ago: float, *events: Event) -> None:
    """Put events into the log as if they had been received so long ago."""
    async with store.transaction() as transaction:
        await log.append(transaction, events, now() - timedelta(seconds=seconds_ago))


def _as_json(event: Event) -> Json:
    return {
        "id": str(event.id),
        "occurred": event.occurred.isoformat(),
        "event": event.event,
        "resource": event.resource,
        "follows": None if event.follows is None else str(event.follows),
    }
