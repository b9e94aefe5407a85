"""Finds events by the ids of resources: in which rows of `event_resources` to begin (contract §6.2).

Where a filter names ids, the rows of one such criterion come in the order of their index, newest or oldest first,
and whatever else is asked is asked of their events alone. So it is with prefixes of ids that few rows have; which
those are is found out by looking.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from headrace.server.events.conditions import Forms, Values, each, forms_of
from headrace.server.store.base import Connection, Statement
from headrace.wire.filters import EventAnyResourceFilter, EventFilter, EventRelatedFilter, EventResourceFilter

if TYPE_CHECKING:
    Criterion = EventResourceFilter | EventRelatedFilter | EventAnyResourceFilter

FEW_ROWS = 5_000
"""So many rows are found, and put in order, sooner than a window of time is walked."""


class Lookup(msgspec.Struct, frozen=True):
    """The ids that one criterion names, or how they begin, and the roles in which.

    `own` is the event's own resource alone; `exact` tells whether that is all the criterion asks.
    """

    criterion: "Criterion"
    ids: list[str]
    prefixes: list[str]
    roles: list[str] | None
    own: bool
    exact: bool

    @property
    def repeats(self) -> bool:
        """Whether an event may be found more than once."""
        return not self.own

    @property
    def in_order(self) -> bool:
        """Whether the index has the rows in the order of their times."""
        return len(self.ids) == 1

    def conditions(self, row: str, forms: Forms) -> Iterator[str]:
        """What is asked of a row of `event_resources`."""
        column = f"{row}.resource_id"
        yield forms.begins(column, self.prefixes) if self.prefixes else forms.one_of(column, self.ids)
        if self.own:
            yield f"{row}.position = 0"
        elif isinstance(self.criterion, EventRelatedFilter):
            yield f"{row}.position > 0"
        if self.roles:
            yield forms.one_of(f"{row}.role", self.roles)


def find_lookup(wanted: EventFilter) -> Lookup | None:
    """The criterion to begin with, if one names ids: the one with the fewest, an event's own resource before others."""
    return min(_lookups(wanted), key=lambda lookup: (len(lookup.ids), not lookup.own), default=None)


async def find_narrow_lookup(connection: Connection, wanted: EventFilter) -> Lookup | None:
    """Where no criterion names ids: one whose prefixes only few rows have, if there is any."""
    if find_lookup(wanted) is not None:
        return None
    for lookup in _prefix_lookups(wanted):
        values = Values()
        asked = " AND ".join(lookup.conditions("r", forms_of(connection.dialect, values)))
        few = f"SELECT 1 FROM event_resources AS r WHERE {asked} LIMIT {FEW_ROWS + 1}"
        row = await connection.fetch_one(Statement(f"SELECT count(*) FROM ({few}) AS few"), *values.all)
        if row is not None and row[0] <= FEW_ROWS:
            return lookup
    return None


def _prefix_lookups(wanted: EventFilter) -> Iterator[Lookup]:
    own = wanted.resource
    if own is not None and own.id_prefix:
        yield Lookup(own, [], own.id_prefix, None, own=True, exact=not own.labels)
    for resource in each(wanted.any_resource):
        if resource.id_prefix:
            yield Lookup(resource, [], resource.id_prefix, None, own=False, exact=not resource.labels)


def _lookups(wanted: EventFilter) -> Iterator[Lookup]:
    own = wanted.resource
    if own is not None and own.id:
        yield Lookup(own, own.id, [], None, own=True, exact=not (own.id_prefix or own.labels))
    for related in each(wanted.related):
        yield from _of_related(related)
    for resource in each(wanted.any_resource):
        if resource.id:
            exact = not (resource.id_prefix or resource.labels)
            yield Lookup(resource, resource.id, [], None, own=False, exact=exact)


def _of_related(wanted: EventRelatedFilter) -> Iterator[Lookup]:
    """An empty role means an event's own resource too, which rows with a role do not have."""
    if "" in (wanted.role or ()):
        return
    if wanted.id:
        exact = not (wanted.resources_in_roles or wanted.labels)
        yield Lookup(wanted, wanted.id, [], wanted.role, own=False, exact=exact)
    elif wanted.resources_in_roles:
        ids = list(dict.fromkeys(name for name, _ in wanted.resources_in_roles))
        roles = list(dict.fromkeys(role for _, role in wanted.resources_in_roles))
        exact = not (wanted.role or wanted.labels) and len(wanted.resources_in_roles) == 1
        yield Lookup(wanted, ids, [], roles, own=False, exact=exact)
