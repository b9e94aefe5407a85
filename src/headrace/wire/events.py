"""Events: something happened to a resource (contract §6.1, §6.2)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.wire.base import Parts, Wire
from headrace.wire.filters.events import EventFilter

RESOURCE_ID = "prefect.resource.id"
RESOURCE_ROLE = "prefect.resource.role"
RESOURCE_NAMES = ("prefect.resource.name", "prefect.name")
"""The labels that hold a name of a resource for people, the better one first."""

EVENT_PAGE = 50
"""At most so many events are on one page."""

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


class ReceivedEvent(Event, kw_only=True):
    """An event as it is kept; `received` is when the server took it in."""

    received: datetime


class Countable(StrEnum):
    """What events are counted by."""

    DAY = "day"
    TIME = "time"
    EVENT = "event"
    RESOURCE = "resource"


class TimeUnit(StrEnum):
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"


class EventListRequest(Parts, kw_only=True):
    """The body of `POST /events/filter`."""

    filter: EventFilter | None = None
    limit: Annotated[int, msgspec.Meta(ge=0, le=EVENT_PAGE)] = EVENT_PAGE


class EventCountRequest(Parts, kw_only=True):
    """The body of `POST /events/count-by/…`; spans of time are `time_interval` of `time_unit` long."""

    filter: EventFilter
    time_unit: TimeUnit = TimeUnit.DAY
    time_interval: Annotated[float, msgspec.Meta(ge=0.01)] = 1.0


class EventPage(Wire, kw_only=True):
    """Some of the `total` events that match; the next of them are at the URL `next_page`."""

    events: list[ReceivedEvent]
    total: int
    next_page: str | None


class EventCount(Wire, kw_only=True):
    """How many events there were of one `value`: a name, a resource's id, or the number of a span of time."""

    value: str
    label: str
    count: int
    start_time: datetime
    end_time: datetime
