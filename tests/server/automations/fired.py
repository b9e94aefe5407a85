"""Firings that tests bring about without triggers being evaluated."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from headrace.rules.triggers.ledgers import RootFiring
from headrace.server.automations import firing, service
from headrace.server.store.base import Store
from headrace.wire.events import ReceivedEvent
from headrace.wire.firings import Firing
from headrace.wire.ids import uuid7
from headrace.wire.times import now
from tests.server.api import Json

NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


def event(resource: str = "my.thing", *related: tuple[str, str], **fields: Any) -> ReceivedEvent:
    """An event about a resource; `related` are ids and roles."""
    labels = {"prefect.resource.id": resource} | fields.pop("labels", {})
    others = [{"prefect.resource.id": id, "prefect.resource.role": role} for id, role in related]
    given = {"event": "something.happened", "payload": {"x": 1}} | fields
    return ReceivedEvent(id=uuid7(), occurred=NOON, received=NOON, resource=labels, related=others, **given)


async def fire(store: Store, automation: Json, by: ReceivedEvent | None, **labels: str) -> Firing:
    """Have an automation fire because of an event; its actions wait to be carried out."""
    found = await service.read(store, UUID(automation["id"]))
    moment = now()
    fired = Firing(trigger=found.trigger, triggered=moment, triggering_event=by, triggering_labels=labels)
    async with store.transaction() as transaction:
        await firing.record(transaction, [RootFiring(found, fired)], moment)
    return fired
