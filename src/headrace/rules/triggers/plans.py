"""What all automations that are switched on look for, arranged by the names of events."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from headrace.rules.triggers.composites import Composite
from headrace.rules.triggers.leaves import Leaf
from headrace.wire.automations import Automation
from headrace.wire.triggers import EventTrigger, Posture, Trigger

_REMEMBERED_NAMES = 10_000


class Watch(msgspec.Struct, frozen=True):
    """An event trigger of an automation; `parents` are the triggers it is a part of, the innermost first."""

    automation: Automation
    leaf: Leaf
    parents: Sequence[Composite]

    @property
    def trigger_id(self) -> UUID:
        """The id of the event trigger."""
        return self.leaf.trigger.id

    @property
    def opens_itself(self) -> bool:
        """Whether it has a window from the beginning, before any event."""
        trigger = self.leaf.trigger
        return trigger.posture is Posture.Proactive and not trigger.after and not trigger.for_each


class Plan:
    """All event triggers of some automations.

    >>> Plan(automations).watching("prefect.flow-run.Failed")
    """

    def __init__(self, automations: Sequence[Automation]) -> None:
        self.automations = tuple(automations)
        self.watches = tuple(watch for automation in automations for watch in _watches(automation))
        self.by_trigger: Mapping[UUID, Watch] = {watch.trigger_id: watch for watch in self.watches}
        self._by_name: dict[str, tuple[Watch, ...]] = {}

    @property
    def proactive(self) -> list[Watch]:
        """Those that wait for events to fail to come."""
        return [watch for watch in self.watches if watch.leaf.trigger.posture is Posture.Proactive]

    def watching(self, name: str) -> Sequence[Watch]:
        """Those that look at events of that name."""
        found = self._by_name.get(name)
        if found is None:
            found = tuple(watch for watch in self.watches if watch.leaf.looks_at(name))
            if len(self._by_name) >= _REMEMBERED_NAMES:
                self._by_name.clear()
            self._by_name[name] = found
        return found


def _watches(automation: Automation) -> Iterator[Watch]:
    ahead: list[tuple[Trigger, tuple[Composite, ...]]] = [(automation.trigger, ())]
    while ahead:
        trigger, parents = ahead.pop()
        if isinstance(trigger, EventTrigger):
            yield Watch(automation, Leaf(trigger), parents)
        else:
            ahead.extend((child, (trigger, *parents)) for child in reversed(trigger.triggers))
