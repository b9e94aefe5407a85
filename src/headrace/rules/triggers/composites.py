"""Compound and sequence triggers: the firings of their children put together (contract §8)."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import assert_never
from uuid import UUID

import msgspec

from headrace.wire.firings import Firing
from headrace.wire.triggers import CompoundTrigger, SequenceTrigger

Composite = CompoundTrigger | SequenceTrigger


class Joined(msgspec.Struct, frozen=True):
    """The children's firings that still count, by the child's id, and the firing that they make, if they do."""

    kept: Mapping[UUID, Firing]
    firing: Firing | None = None


def join(parent: Composite, earlier: Mapping[UUID, Firing], child: Firing) -> Joined:
    """Add a child's firing to those before it.

    Of each child the latest counts, and none that lies further back than `within`. Once they make the parent fire
    they are used up. A compound trigger fires when enough children have fired, a sequence when all have, in the
    order in which it lists them; of two at the same moment the one that was made first is the earlier.
    """
    latest = {**earlier, child.trigger.id: child}
    if parent.within is not None:
        oldest = child.triggered - timedelta(seconds=parent.within)
        latest = {id: firing for id, firing in latest.items() if firing.triggered >= oldest}
    in_order = sorted(latest.values(), key=lambda firing: (firing.triggered, firing.id))
    if not _complete(parent, [firing.trigger.id for firing in in_order]):
        return Joined(latest)
    return Joined({}, _fired(parent, in_order, child))


def _complete(parent: Composite, fired: list[UUID]) -> bool:
    match parent:
        case CompoundTrigger():
            return len(fired) >= parent.needed
        case SequenceTrigger():
            return fired == [trigger.id for trigger in parent.triggers]
        case _:
            assert_never(parent)


def _fired(parent: Composite, children: Iterable[Firing], last: Firing) -> Firing:
    return Firing(
        trigger=parent,
        triggered=last.triggered,
        triggering_firings=list(children),
        triggering_event=last.triggering_event,
    )
