"""What the server's own events are made of (contract §6.3): resources by kind, and what was done to them.

Each noun words its events in its own `events.py`, and writes them in the transaction of the change, so that there is
never a change without its event, nor an event without its change.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from headrace.wire.events import RESOURCE_ID, RESOURCE_NAMES, RESOURCE_ROLE, Event, Resource
from headrace.wire.ids import id_text, uuid7

NAME = RESOURCE_NAMES[0]
NO_LABELS: Mapping[str, str] = {}


class Change(StrEnum):
    """What was done to an object."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


def resource_id(kind: str, id: UUID | str) -> str:
    """How events name an object: `prefect.flow-run.<id>`."""
    return f"prefect.{kind}.{id_text(id) if isinstance(id, UUID) else id}"


def resource(
    kind: str, id: UUID | str, name: str | None = None, role: str | None = None, more: Mapping[str, str] = NO_LABELS
) -> Resource:
    """The labels of an object; one that an event is related to has a role."""
    labels = {RESOURCE_ID: resource_id(kind, id)}
    if role is not None:
        labels[RESOURCE_ROLE] = role
    if name is not None:
        labels[NAME] = name
    labels.update(more)
    return labels


def happened(
    event: str,
    subject: Resource,
    occurred: datetime,
    related: Sequence[Resource] = (),
    payload: Mapping[str, Any] | None = None,
    *,
    id: UUID | None = None,
    follows: UUID | None = None,
) -> Event:
    """An event about a resource, with an id of its own unless it is given one."""
    return Event(
        id=uuid7() if id is None else id,
        occurred=occurred,
        event=event,
        resource=subject,
        related=list(related),
        payload={} if payload is None else dict(payload),
        follows=follows,
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """The payload that tells which of these fields have changed, or None if none has.

    >>> differences({"paused": False, "path": "a"}, {"paused": True, "path": "a"})
    {'updated_fields': ['paused'], 'updates': {'paused': {'from': False, 'to': True}}}
    """
    changed = [field for field, value in after.items() if before[field] != value]
    if not changed:
        return None
    updates = {field: {"from": before[field], "to": after[field]} for field in changed}
    return {"updated_fields": changed, "updates": updates}


def work_pool(id: UUID, name: str, type: str, role: str | None = None) -> Resource:
    """The labels of a work pool, which always say of what type it is."""
    return resource("work-pool", id, name, role, {"prefect.work-pool.type": type})


def word_of(status: StrEnum) -> str:
    """How events say a status.

    >>> word_of(WorkPoolStatus.NOT_READY)
    'not-ready'
    """
    return status.value.lower().replace("_", "-")
