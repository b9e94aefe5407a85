"""The events that say what became of automations themselves (contract §6.3)."""

from datetime import datetime
from typing import Literal

import msgspec

from headrace.wire.automations import Automation
from headrace.wire.events import Event, Resource
from headrace.wire.ids import uuid7

Change = Literal["created", "updated", "deleted"]


def resource_of(automation: Automation) -> Resource:
    """The automation as the resource of an event."""
    return {
        "prefect.resource.id": f"prefect.automation.{automation.id}",
        "prefect.resource.name": automation.name,
    }


def changed(automation: Automation, change: Change, now: datetime) -> Event:
    """An automation was made, changed or deleted."""
    return Event(
        id=uuid7(),
        occurred=now,
        event=f"prefect.automation.{change}",
        resource=resource_of(automation),
        payload=msgspec.to_builtins(automation, str_keys=True),
    )
