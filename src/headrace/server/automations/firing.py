"""From a firing to what it brings about: its row, its events, and one row for each action that is to be carried out.

All of it is written in the transaction of whoever evaluates the triggers, so a firing and its actions are there
once, or not at all.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from headrace.rules.action_targets import target
from headrace.rules.triggers.ledgers import RootFiring
from headrace.server.automations import events, queries
from headrace.server.automations.events import Invocation
from headrace.server.events import log
from headrace.server.store.base import Connection, Topic
from headrace.wire.actions import Action
from headrace.wire.base import encode_text
from headrace.wire.events import Event, ReceivedEvent
from headrace.wire.firings import TriggerState
from headrace.wire.ids import uuid7
from headrace.wire.triggers import EventTrigger


async def record(transaction: Connection, fired: Sequence[RootFiring], now: datetime) -> None:
    """Write firings, what they tell, and the actions that they call for."""
    if not fired:
        return
    firings: list[Sequence[Any]] = []
    actions: list[Sequence[Any]] = []
    told: list[Event] = []
    for each in fired:
        news = events.fired(each.automation, each.firing, TriggerState.Triggered, now)
        invocations = list(_invocations(each, news))
        firings.append(_firing_row(each, now))
        actions += [_action_row(each, invocation, now) for invocation in invocations]
        told += [news, *(events.action_triggered(invocation) for invocation in invocations)]
    await transaction.execute_many(queries.ADD_FIRING, firings)
    await transaction.execute_many(queries.ADD_ACTION, actions)
    await log.append(transaction, told, now)
    if actions:
        transaction.announce(Topic.ACTIONS)


def _invocations(root: RootFiring, told: ReceivedEvent) -> Iterator[Invocation]:
    """The actions in the order in which they are to be begun, those that follow the firing's own event last."""
    automation, firing = root.automation, root.firing
    wanted: list[tuple[Action, ReceivedEvent | None]] = [
        *((action, firing.triggering_event) for action in automation.actions),
        *((action, told) for action in automation.actions_on_trigger),
    ]
    for position, (action, event) in enumerate(wanted):
        yield Invocation(
            id=uuid7(),
            automation=automation,
            position=position,
            action=action,
            event=event,
            fired=told,
            target=target(action, event, firing.triggering_labels),
        )


def _firing_row(root: RootFiring, now: datetime) -> Sequence[Any]:
    automation, firing = root.automation, root.firing
    event, trigger = firing.triggering_event, firing.trigger
    return (
        firing.id,
        now,
        automation.id,
        trigger.id,
        trigger.posture.value if isinstance(trigger, EventTrigger) else None,
        TriggerState.Triggered.value,
        firing.triggered,
        root.key,
        None if event is None else event.id,
        None if event is None else encode_text(event),
        encode_text({"firing": firing, "automation": automation}),
    )


def _action_row(root: RootFiring, invocation: Invocation, now: datetime) -> Sequence[Any]:
    event = None if invocation.event is None else encode_text(invocation.event)
    own = (invocation.id, now, root.automation.id, root.firing.id, invocation.position)
    return (*own, encode_text(invocation.action), event)
