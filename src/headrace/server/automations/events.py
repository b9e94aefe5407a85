"""The events that say what became of automations, and of their actions (contract §6.3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from headrace.rules.action_targets import Target
from headrace.server.events.facts import Change, happened, resource
from headrace.wire.actions import Action
from headrace.wire.automations import Automation
from headrace.wire.base import encode
from headrace.wire.events import Event, ReceivedEvent, Resource
from headrace.wire.firings import Firing, TriggerState
from headrace.wire.triggers import EventTrigger, Trigger


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One action of one firing, as its events tell of it. `event` is what the action was caused by."""

    id: UUID
    automation: Automation
    position: int
    action: Action
    event: ReceivedEvent | None
    fired: ReceivedEvent
    target: Target | None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How an action came out. `reason` says why it failed; `related` is what it has brought about or used."""

    reason: str | None = None
    result: dict[str, Any] = {}
    related: Sequence[Resource] = ()


def changed(automation: Automation, change: Change, now: datetime) -> Event:
    """An automation was made, changed or deleted."""
    payload = msgspec.to_builtins(automation, str_keys=True)
    return happened(f"prefect.automation.{change}", _resource(automation), now, payload=payload)


def fired(automation: Automation, firing: Firing, state: TriggerState, received: datetime) -> ReceivedEvent:
    """A trigger of an automation has fired. The event's id is the firing's."""
    event = firing.triggering_event
    return ReceivedEvent(
        id=firing.id,
        occurred=firing.triggered,
        received=received,
        event=f"prefect.automation.{state.value.lower()}",
        resource=_resource(automation) | _posture(automation.trigger),
        related=[] if event is None else [_as_related(event.id, "triggering-event")],
        payload={
            "triggering_labels": firing.triggering_labels,
            "triggering_event": None if event is None else msgspec.Raw(encode(event)),
        },
    )


def action_triggered(invocation: Invocation) -> Event:
    """An action is about to be carried out."""
    return happened(
        "prefect.automation.action.triggered",
        _acting(invocation.automation),
        invocation.fired.occurred,
        _related(invocation, ()),
        _payload(invocation),
        id=triggered_id(invocation.id),
        follows=None if invocation.event is None else invocation.event.id,
    )


def action_ended(invocation: Invocation, attempt: int, ending: Ending, now: datetime) -> Event:
    """An action was carried out, or has failed."""
    return happened(
        f"prefect.automation.action.{'executed' if ending.reason is None else 'failed'}",
        _acting(invocation.automation),
        now,
        _related(invocation, ending.related),
        _payload(invocation) | ({} if ending.reason is None else {"reason": ending.reason}) | ending.result,
        id=uuid5(invocation.id, f"ended.{attempt}"),
        follows=triggered_id(invocation.id),
    )


def triggered_id(invocation: UUID) -> UUID:
    """The id of the event that says that an action is about to be carried out."""
    return uuid5(invocation, "triggered")


def _resource(automation: Automation) -> Resource:
    return resource("automation", automation.id, automation.name.replace("\0", ""))


def _acting(automation: Automation) -> Resource:
    trigger = automation.trigger
    return _resource(automation) | {"prefect.trigger-type": trigger.type} | _posture(trigger)


def _posture(trigger: Trigger) -> Resource:
    return {"prefect.posture": trigger.posture.value} if isinstance(trigger, EventTrigger) else {}


def _related(invocation: Invocation, others: Sequence[Resource]) -> list[Resource]:
    found: list[Resource] = []
    if invocation.target is not None:
        found.append(resource(invocation.target.noun, invocation.target.id, role="target"))
    found += others
    found.append(_as_related(invocation.fired.id, "automation-triggered-event"))
    if invocation.event is not None:
        found.append(_as_related(invocation.event.id, "triggering-event"))
    return found


def _payload(invocation: Invocation) -> dict[str, Any]:
    return {
        "action_index": invocation.position,
        "action_type": invocation.action.type,
        "invocation": str(invocation.id),
    }


def _as_related(event_id: UUID, role: str) -> Resource:
    return resource("event", event_id, role=role)
