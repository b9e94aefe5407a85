"""Events and automations for tests of triggers, with times in seconds from midnight."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.triggers.ledgers import Ledger, RootFiring, matched
from headrace.rules.triggers.plans import Plan
from headrace.wire.automations import Automation
from headrace.wire.events import ReceivedEvent
from headrace.wire.ids import uuid7
from headrace.wire.triggers import Trigger

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return MIDNIGHT + timedelta(seconds=seconds)


class Occurred(ReceivedEvent, kw_only=True):
    """A whole event, looked at as triggers look at one."""

    def whole(self) -> ReceivedEvent:
        return self


def occurred(
    name: str,
    seconds: float = 0.0,
    resource: str = "thing.1",
    *,
    labels: Mapping[str, str] | None = None,
    related: list[dict[str, str]] | None = None,
    received: float | None = None,
    id: UUID | None = None,
) -> Occurred:
    return Occurred(
        id=id or uuid7(),
        occurred=at(seconds),
        received=at(seconds if received is None else received),
        event=name,
        resource={"prefect.resource.id": resource, **(labels or {})},
        related=related or [],
    )


def trigger(kind: str = "event", **fields: Any) -> Trigger:
    """A trigger as a client writes it; reactive, if it is an event trigger that does not say."""
    given = {"type": kind, **({"posture": "Reactive"} if kind == "event" else {"within": None}), **fields}
    return msgspec.convert(given, Trigger)


def leaf(name: str, **fields: Any) -> dict[str, Any]:
    """A reactive trigger that expects one name, as a part of another trigger."""
    return {"type": "event", "posture": "Reactive", "expect": [name], **fields}


def automation(wanted: Trigger) -> Automation:
    return Automation(id=uuid7(), name="test", trigger=wanted, actions=[])


class Watcher:
    """One automation that sees events go by, and is looked after whenever time passes."""

    def __init__(self, wanted: Trigger, armed: float = 0.0) -> None:
        self.plan = Plan([automation(wanted)])
        self.ledger = Ledger()
        self.fired: list[RootFiring] = []
        for watch in self.plan.proactive:
            self.ledger.arm(watch, at(armed))

    def see(self, event: Occurred) -> bool:
        """Whether the automation fires at the event."""
        matches = matched(event, self.plan.watching(event.event))
        fired = self.ledger.see(event, matches, event.received)
        self.fired += fired
        return bool(fired)

    def pass_to(self, seconds: float, key: str = "[]") -> bool:
        """Whether the automation fires when its windows are looked after at that moment."""
        fired = [firing for watch in self.plan.proactive for firing in self.ledger.look_after(watch, key, at(seconds))]
        self.fired += fired
        return bool(fired)
