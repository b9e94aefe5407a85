"""What an action works on: the object that it names, or the first of its kind that the event is about (contract §8)."""

from collections.abc import Iterator, Mapping
from uuid import UUID

import msgspec

from headrace.wire.actions import (
    Action,
    CancelFlowRun,
    ChangeFlowRunState,
    DeleteFlowRun,
    ResumeFlowRun,
    SuspendFlowRun,
    TargetedAction,
)
from headrace.wire.events import RESOURCE_ID, Event

FlowRunAction = CancelFlowRun | ChangeFlowRunState | DeleteFlowRun | ResumeFlowRun | SuspendFlowRun


class Target(msgspec.Struct, frozen=True):
    """An object that an action works on; `noun` as in the ids of resources, such as `flow-run`."""

    noun: str
    id: UUID

    @property
    def resource_id(self) -> str:
        """The object as a resource of events."""
        return f"prefect.{self.noun}.{self.id}"


def noun_of(action: Action) -> str | None:
    """What kind of object the action works on; None if on none."""
    match action:
        case TargetedAction():
            return action.noun
        case CancelFlowRun() | ChangeFlowRunState() | DeleteFlowRun() | ResumeFlowRun() | SuspendFlowRun():
            return "flow-run"
        case _:
            return None


def target(action: Action, event: Event | None, labels: Mapping[str, str]) -> Target | None:
    """What the action works on; None if on nothing, or if nothing can be inferred.

    `labels` are the values of the trigger's `for_each`, which say what a trigger without an event is about.
    """
    noun = noun_of(action)
    if noun is None:
        return None
    if isinstance(action, TargetedAction) and action.selected_id is not None:
        return Target(noun, action.selected_id)
    id = involved(noun, event, labels)
    return None if id is None else Target(noun, id)


def involved(noun: str, event: Event | None, labels: Mapping[str, str] | None = None) -> UUID | None:
    """The first object of a kind that an event is about: its resource first, then the related ones in turn."""
    prefix = f"prefect.{noun}."
    for resource_id in _resource_ids(event, labels or {}):
        if resource_id.startswith(prefix):
            try:
                return UUID(resource_id.removeprefix(prefix))
            except ValueError:
                continue
    return None


def _resource_ids(event: Event | None, labels: Mapping[str, str]) -> Iterator[str]:
    if event is not None:
        for resource in (event.resource, *event.related):
            yield resource.get(RESOURCE_ID, "")
    yield labels.get(RESOURCE_ID, "")
