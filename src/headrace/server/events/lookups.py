"""Finds events by the ids of resources: in which rows of `event_resources` to begin (contract §6.2).

Where a filter names ids, the rows of one such criterion come in the order of their index, newest or oldest first,
and whatever else is asked is asked of their events alone.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from headrace.server.events.conditions import Forms, each
from headrace.wire.filters import EventAnyResourceFilter, EventFilter, EventRelatedFilter, EventResourceFilter

if TYPE_CHECKING:
    Criterion = EventResourceFilter | EventRelatedFilter | EventAnyResourceFilter


class Lookup(msgspec.Struct, frozen=True):
    """The ids that one criterion names, and the roles in which; `own` is the event's own resource alone.

    `exact` tells whether that is all the criterion asks.
    """

    criterion: "Criterion"
    ids: list[str]
    roles: list[str] | None
    own: bool
    exact: bool

    @property
    def repeats(self) -> bool:
        """Whether an event may be found more than once."""
        return not self.own

    def conditions(self, row: str, forms: Forms) -> Iterator[str]:
        """What is asked of a row of `event_resources`."""
        yield forms.one_of(f"{row}.resource_id", self.ids)
        if self.own:
            yield f"{row}.position = 0"
        elif isinstance(self.criterion, EventRelatedFilter):
            yield f"{row}.position > 0"
        if self.roles:
            yield forms.one_of(f"{row}.role", self.roles)


def find_lookup(wanted: EventFilter) -> Lookup | None:
    """The criterion to begin with, if one names ids: the one with the fewest, an event's own resource before others."""
    return min(_lookups(wanted), key=lambda lookup: (len(lookup.ids), not lookup.own), default=None)


def _lookups(wanted: EventFilter) -> Iterator[Lookup]:
    own = wanted.resource
    if own is not None and own.id:
        yield Lookup(own, own.id, None, own=True, exact=not (own.id_prefix or own.labels))
    for related in each(wanted.related):
        yield from _of_related(related)
    for resource in each(wanted.any_resource):
        if resource.id:
            exact = not (resource.id_prefix or resource.labels)
            yield Lookup(resource, resource.id, None, own=False, exact=exact)


def _of_related(wanted: EventRelatedFilter) -> Iterator[Lookup]:
    """An empty role means an event's own resource too, which rows with a role do not have."""
    if "" in (wanted.role or ()):
        return
    if wanted.id:
        exact = not (wanted.resources_in_roles or wanted.labels)
        yield Lookup(wanted, wanted.id, wanted.role, own=False, exact=exact)
    elif wanted.resources_in_roles:
        ids = list(dict.fromkeys(name for name, _ in wanted.resources_in_roles))
        roles = list(dict.fromkeys(role for _, role in wanted.resources_in_roles))
        exact = not (wanted.role or wanted.labels) and len(wanted.resources_in_roles) == 1
        yield Lookup(wanted, ids, roles, own=False, exact=exact)
