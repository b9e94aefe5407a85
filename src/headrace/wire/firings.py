"""Firings: the moments at which triggers fired, and what became of their actions."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from headrace.wire.actions import Action
from headrace.wire.base import Wire
from headrace.wire.events import ReceivedEvent
from headrace.wire.ids import uuid7
from headrace.wire.triggers import Posture, Trigger


class TriggerState(StrEnum):
    """What a trigger says when it fires."""

    Triggered = "Triggered"
    Resolved = "Resolved"


class Firing(Wire, kw_only=True):
    """One firing of a trigger; templates know it as `firing`.

    `triggering_labels` are the values of the trigger's `for_each`, `triggering_firings` those of the children of
    a compound or sequence trigger. A proactive trigger fires without an event, or with the last one it counted.
    """

    id: UUID = msgspec.field(default_factory=uuid7)
    trigger: Trigger
    trigger_states: list[TriggerState] = msgspec.field(default_factory=lambda: [TriggerState.Triggered])
    triggered: datetime
    triggering_labels: dict[str, str] = {}
    triggering_firings: list["Firing"] = []
    triggering_event: ReceivedEvent | None = None
    triggering_value: Any = None

    def all_events(self) -> list[ReceivedEvent]:
        """The triggering events of this firing and of those it is made of."""
        own = [] if self.triggering_event is None else [self.triggering_event]
        return [*own, *(event for firing in self.triggering_firings for event in firing.all_events())]

    def all_firings(self) -> list["Firing"]:
        """This firing and those it is made of."""
        return [self, *(inner for firing in self.triggering_firings for inner in firing.all_firings())]


class ActionStatus(StrEnum):
    """Executed and failed are final, though a failed action can be tried again by hand."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    EXECUTED = "EXECUTED"
    FAILED = "FAILED"


class ActionRun(Wire, kw_only=True):
    """One action of one firing. `id` is its invocation, and the key that makes repeating it harmless.

    `attempts` counts how often it was begun; `due` is when it is tried next, null once it has ended. `reason`
    says why the last attempt failed; `result` is what the action left behind, such as a webhook's status.
    """

    id: UUID
    created: datetime
    updated: datetime
    automation_id: UUID
    firing_id: UUID
    position: int
    action: Action
    status: ActionStatus
    attempts: int
    due: datetime | None = None
    ended: datetime | None = None
    reason: str | None = None
    result: dict[str, Any] | None = None


class FiringRecord(Wire, kw_only=True):
    """A firing of an automation as its history shows it, with what became of its actions."""

    id: UUID
    automation_id: UUID
    trigger_id: UUID
    posture: Posture | None = None
    state: TriggerState
    fired_at: datetime
    labels: dict[str, str] = {}
    event: ReceivedEvent | None = None
    actions: list[ActionRun] = []


class FiringPage(Wire, kw_only=True):
    """Newest first. `next` is the `before` of the page that follows, null on the last."""

    firings: list[FiringRecord]
    next: UUID | None = None
