"""Which events (contract §6.2).

Lists offer alternatives, criteria all have to hold. A label's value is a text or a list of texts, in which `*` stands
for any characters and `?` for one; one that begins with `!` must not match. Several labels speak of the same resource.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.filters.base import Filter

ResourceSpecification = dict[str, str | list[str]]
"""Labels with the patterns that their values have to match: `{"prefect.resource.id": "prefect.flow-run.*"}`."""


class EventOrder(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


class EventOccurredFilter(Filter, kw_only=True):
    """Inclusive at both ends; from 180 days ago until the moment of the request where nothing else is said."""

    since: datetime | None = None
    until: datetime | None = None


class EventNameFilter(Filter, kw_only=True):
    prefix: list[str] | None = None
    exclude_prefix: list[str] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None


class EventResourceFilter(Filter, kw_only=True):
    """The resource an event is about. `distinct` keeps one event of each: the first in the filter's order."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: ResourceSpecification | None = None
    distinct: bool = False


class EventRelatedFilter(Filter, kw_only=True):
    """One related resource that meets all of this; `resources_in_roles` are pairs of id and role."""

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    labels: ResourceSpecification | None = None


class EventAnyResourceFilter(Filter, kw_only=True):
    """One resource that meets all of this, be it the one the event is about or a related one."""

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: ResourceSpecification | None = None


class EventIDFilter(Filter, kw_only=True):
    id: list[UUID] | None = None


class EventTextFilter(Filter, kw_only=True):
    """Terms looked for in name, labels and payload: `any of these +required -excluded "a phrase"`."""

    query: Annotated[str, msgspec.Meta(max_length=200)]


class EventFilter(Filter, kw_only=True):
    """Which events, and in which order of their times. Of a list of resource filters each has to be met."""

    occurred: EventOccurredFilter | None = None
    event: EventNameFilter | None = None
    resource: EventResourceFilter | None = None
    related: EventRelatedFilter | list[EventRelatedFilter] | None = None
    any_resource: EventAnyResourceFilter | list[EventAnyResourceFilter] | None = None
    id: EventIDFilter | None = None
    text: EventTextFilter | None = None
    order: EventOrder = EventOrder.DESC
