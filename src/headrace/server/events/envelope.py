"""The form of an event as it comes in; what is inside its payload is for those whom it concerns."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Wire, assume_utc
from headrace.wire.events import EventName

RESOURCE_ID = "prefect.resource.id"
RESOURCE_ROLE = "prefect.resource.role"

Labels = Annotated[dict[str, str], msgspec.Meta(max_length=500)]
Related = Annotated[list[Labels], msgspec.Meta(max_length=100)]


class IncomingEvent(Wire, kw_only=True):
    """An event with its payload as the JSON it came in (contract §6.1).

    The resource must name itself, and each related resource also its role.
    """

    id: UUID
    occurred: datetime
    event: EventName
    resource: Labels
    related: Related = []
    payload: msgspec.Raw = msgspec.Raw(b"{}")
    follows: UUID | None = None

    def __post_init__(self) -> None:
        assume_utc(self)
        if not self.resource.get(RESOURCE_ID):
            raise ValueError(f"the resource has no {RESOURCE_ID}")
        for resource in self.related:
            if not resource.get(RESOURCE_ID):
                raise ValueError(f"a related resource has no {RESOURCE_ID}")
            if not resource.get(RESOURCE_ROLE):
                raise ValueError(f"the related resource {resource[RESOURCE_ID]} has no {RESOURCE_ROLE}")
