"""Events: something happened to a resource (contract §6.1)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.wire.base import Wire

EventName = Annotated[str, msgspec.Meta(max_length=1024)]
Resource = dict[str, str]


class Event(Wire, kw_only=True):
    """An event as a client sends it.

    `resource` holds a non-empty `prefect.resource.id`; each of `related` also a `prefect.resource.role`.
    `follows` is the id of the event that caused or preceded this one.
    """

    id: UUID
    occurred: datetime
    event: EventName
    resource: Resource
    related: list[Resource] = []
    payload: dict[str, Any] = {}
    follows: UUID | None = None
