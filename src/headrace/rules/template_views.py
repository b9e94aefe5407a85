"""Events and firings as templates see them: labels by attribute or by key, resources by role, JSON as text."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.wire.base import encode_text
from headrace.wire.events import RESOURCE_ID, RESOURCE_NAMES, RESOURCE_ROLE, ReceivedEvent
from headrace.wire.firings import Firing
from headrace.wire.triggers import Trigger


class ResourceView(Mapping[str, str]):
    """A resource of an event: `.id`, `.name`, `.role`, and every label by key."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels

    def __getitem__(self, label: str) -> str:
        return self._labels[label]

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)

    def __str__(self) -> str:
        return encode_text(self._labels)

    @property
    def id(self) -> str:
        """Its id, such as `prefect.flow-run.<id>`."""
        return self._labels[RESOURCE_ID]

    @property
    def name(self) -> str | None:
        """Its name for people, if it has one."""
        return next((self._labels[label] for label in RESOURCE_NAMES if label in self._labels), None)

    @property
    def role(self) -> str | None:
        """What it is to the event, for a related resource."""
        return self._labels.get(RESOURCE_ROLE)

    @property
    def labels(self) -> Mapping[str, str]:
        """All labels."""
        return self._labels


class EventView:
    """An event: the fields of its JSON, with resources whose labels can be asked for."""

    def __init__(self, event: ReceivedEvent) -> None:
        self._event = event
        self.resource = ResourceView(event.resource)
        self.related = [ResourceView(labels) for labels in event.related]

    def __str__(self) -> str:
        return encode_text(self._event)

    @property
    def json(self) -> ReceivedEvent:
        """What the event is as JSON."""
        return self._event

    @property
    def id(self) -> UUID:
        return self._event.id

    @property
    def event(self) -> str:
        """The event's name."""
        return self._event.event

    @property
    def occurred(self) -> datetime:
        return self._event.occurred

    @property
    def received(self) -> datetime:
        return self._event.received

    @property
    def follows(self) -> UUID | None:
        return self._event.follows

    @property
    def payload(self) -> dict[str, Any]:
        return self._event.payload

    @property
    def involved_resources(self) -> list[ResourceView]:
        """The resource, then the related ones."""
        return [self.resource, *self.related]

    @property
    def resource_in_role(self) -> dict[str, ResourceView]:
        """The first related resource in each role."""
        return {resource.role or "": resource for resource in reversed(self.related)}

    @property
    def resources_in_role(self) -> dict[str, list[ResourceView]]:
        """The related resources in each role."""
        found: dict[str, list[ResourceView]] = {}
        for resource in self.related:
            found.setdefault(resource.role or "", []).append(resource)
        return found

    def find_resource_label(self, label: str) -> str | None:
        """The value of a label of the resource; `related:<role>:<label>` asks the related ones in that role."""
        kind, _, rest = label.partition(":")
        role, _, wanted = rest.partition(":")
        if kind == "related" and wanted:
            return next((one[wanted] for one in self.related if one.role == role and wanted in one), None)
        return self.resource.get(label)


class FiringView:
    """A firing, with its event as a view."""

    def __init__(self, firing: Firing) -> None:
        self._firing = firing
        self.triggering_event = None if firing.triggering_event is None else EventView(firing.triggering_event)

    def __str__(self) -> str:
        return encode_text(self._firing)

    @property
    def json(self) -> Firing:
        """What the firing is as JSON."""
        return self._firing

    @property
    def id(self) -> UUID:
        return self._firing.id

    @property
    def trigger(self) -> Trigger:
        return self._firing.trigger

    @property
    def trigger_states(self) -> list[str]:
        return [state.value for state in self._firing.trigger_states]

    @property
    def triggered(self) -> datetime:
        return self._firing.triggered

    @property
    def triggering_labels(self) -> dict[str, str]:
        return self._firing.triggering_labels

    @property
    def triggering_value(self) -> Any:
        return self._firing.triggering_value

    @property
    def triggering_firings(self) -> list["FiringView"]:
        return [FiringView(firing) for firing in self._firing.triggering_firings]


def to_json(value: Any) -> str:
    """JSON of anything that a template may hold."""
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    match value:
        case ResourceView():
            return value.labels
        case EventView() | FiringView():
            return value.json
        case _:
            return str(value)
