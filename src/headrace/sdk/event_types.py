"""Events as users' code handles them: labels that know what they mean (contract §6.1).

They are what the API takes and gives; a resource is a dict of labels with a few properties besides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

from headrace.wire import events as wire
from headrace.wire.errors import DefinitionError
from headrace.wire.events import RESOURCE_ID, RESOURCE_NAMES, RESOURCE_ROLE
from headrace.wire.ids import uuid7
from headrace.wire.times import as_utc, now

_MOST_LABELS = 500
_MOST_RELATED = 100
_LONGEST_NAME = 1024
_FOLLOWS_WITHIN = 300.0
"""Seconds between two events beyond which the order of their arrival needs no care (contract §6.1)."""


class Resource(dict[str, str]):
    """What an event is about: labels with texts. `prefect.resource.id` is its id, which has no fixed form.

    Raises `DefinitionError` without an id, for labels that are no texts, and for more than 500 of them.

    >>> Resource({"prefect.resource.id": "acme.order.17", "acme.priority": "high"})
    """

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__(labels)
        wrong = [label for label, value in self.items() if not isinstance(value, str)]  # pyright: ignore[reportUnnecessaryIsInstance] # users' own values
        if wrong:
            raise DefinitionError(f"The labels of a resource are texts, and {wrong[0]!r} is none: {self[wrong[0]]!r}.")
        if not self.get(RESOURCE_ID):
            raise DefinitionError(f"A resource needs an id: give it a label {RESOURCE_ID!r} that is not empty.")
        if len(self) > _MOST_LABELS:
            raise DefinitionError(f"A resource has at most {_MOST_LABELS} labels; {self.id} has {len(self)}.")

    @property
    def id(self) -> str:
        return self[RESOURCE_ID]

    @property
    def name(self) -> str | None:
        """Its name for people, if it has one."""
        return next((self[label] for label in RESOURCE_NAMES if label in self), None)

    def prefect_object_id(self, kind: str) -> UUID:
        """The id in an id such as `prefect.flow-run.<id>`. Raises `ValueError` if it is of another kind.

        >>> event.resource.prefect_object_id("prefect.flow-run")
        """
        prefix = kind if kind.endswith(".") else f"{kind}."
        if not self.id.startswith(prefix):
            raise ValueError(f"The resource {self.id} is no {kind}.")
        return UUID(self.id.removeprefix(prefix))


class RelatedResource(Resource):
    """A resource that an event has to do with; `prefect.resource.role` says in what way."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        super().__init__(labels)
        if not self.get(RESOURCE_ROLE):
            raise DefinitionError(f"A related resource needs a role: give {self.id} a label {RESOURCE_ROLE!r}.")

    @property
    def role(self) -> str:
        return self[RESOURCE_ROLE]


class ResourceSpecification(dict[str, str | list[str]]):
    """Labels with the patterns that their values have to match: `*` and `?` are wildcards, a leading `!` negates.

    >>> ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}).matches(event.resource)
    """

    def matches(self, resource: Mapping[str, str]) -> bool:
        """Whether a resource has these labels."""
        from headrace.rules.event_matching import matches

        return matches(self, resource)

    def includes(self, candidates: Iterable[Mapping[str, str]]) -> bool:
        """Whether one of several resources has these labels."""
        return any(map(self.matches, candidates))

    def matches_every_resource(self) -> bool:
        """Whether there is no resource that it leaves out."""
        return self.matches_every_resource_of_kind("")

    def matches_every_resource_of_kind(self, prefix: str) -> bool:
        """Whether it leaves out no resource whose id begins like this, such as `prefect.flow-run`."""
        if not self:
            return True
        ids = self.get(RESOURCE_ID, [])
        patterns = [ids] if isinstance(ids, str) else ids
        every = {"*", f"{prefix}.*"} if prefix else {"*"}
        return len(self) == 1 and not every.isdisjoint(patterns)


class Event(wire.Event, kw_only=True):
    """Something that happened to a resource. `follows` is the id of the event that led to it."""

    id: UUID = msgspec.field(default_factory=uuid7)
    occurred: datetime = msgspec.field(default_factory=now)
    if TYPE_CHECKING:
        # Given as any mapping of labels; here they have become what they mean, and are dicts all the same.
        resource: Resource  # pyright: ignore[reportIncompatibleVariableOverride]
        related: list[RelatedResource] = []  # pyright: ignore[reportIncompatibleVariableOverride]

    def __post_init__(self) -> None:
        """Say what is wrong with an event where it is made, not where it is refused."""
        if not 0 < len(self.event) <= _LONGEST_NAME:
            raise DefinitionError(f"The name of an event has 1 to {_LONGEST_NAME} characters, not {len(self.event)}.")
        if len(self.related) > _MOST_RELATED:
            raise DefinitionError(f"An event has at most {_MOST_RELATED} related resources, not {len(self.related)}.")
        self.occurred = as_utc(self.occurred)
        force_setattr(self, "resource", Resource(self.resource))
        force_setattr(self, "related", [RelatedResource(labels) for labels in self.related])

    @property
    def involved_resources(self) -> list[Resource]:
        """The resource it is about, then the related ones."""
        return [self.resource, *self.related]

    @property
    def resource_in_role(self) -> Mapping[str, RelatedResource]:
        """The first related resource of each role."""
        return {role: resources[0] for role, resources in self.resources_in_role.items()}

    @property
    def resources_in_role(self) -> Mapping[str, list[RelatedResource]]:
        """The related resources of each role."""
        found: defaultdict[str, list[RelatedResource]] = defaultdict(list)
        for resource in self.related:
            found[resource.role].append(resource)
        return found

    def find_resource_label(self, label: str) -> str | None:
        """The value of a label of the resource, or of a related one as `related:<role>:<label>`; None without it.

        >>> event.find_resource_label("related:flow:prefect.resource.name")
        """
        if not label.startswith("related:"):
            return self.resource.get(label)
        _, role, name = label.split(":", 2)
        return next((resource[name] for resource in self.resources_in_role.get(role, []) if name in resource), None)

    def comes_soon_after(self, leader: wire.Event) -> bool:
        """Whether so little time lies between the two that their order has to be kept."""
        return abs((self.occurred - as_utc(leader.occurred)).total_seconds()) < _FOLLOWS_WITHIN


class ReceivedEvent(Event, kw_only=True):
    """An event as the API has it; `received` is when it took it in."""

    received: datetime


def received(events: Iterable[wire.ReceivedEvent]) -> Iterator[ReceivedEvent]:
    """Events of the API as users' code handles them."""
    for event in events:
        yield ReceivedEvent(**_fields(event))


def _fields(event: wire.Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}
