"""Past events shown to a trigger, to see when it would have fired: time goes by as the events occurred."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import heappop, heappush
from uuid import UUID

from headrace.rules.triggers.leaves import NO_KEY, Occurrence
from headrace.rules.triggers.ledgers import BucketKey, Ledger, Match, RootFiring, matched
from headrace.rules.triggers.plans import Plan, Watch
from headrace.wire.automations import Automation
from headrace.wire.firings import Firing
from headrace.wire.ids import uuid7
from headrace.wire.triggers import CompoundTrigger, EventTrigger, Posture, SequenceTrigger, Trigger, event_triggers

MOST_CAUSES = 50
"""Of the events that were counted together so many are told."""

_TICK = timedelta(microseconds=1)


class Replay:
    """One trigger from a moment on. Events have to come in the order in which they occurred.

    Both methods yield once for each step, a firing or None, so that whoever drives them can rest in between.
    """

    def __init__(self, trigger: Trigger, since: datetime) -> None:
        self._plan = Plan([Automation(id=uuid7(), name="", trigger=trigger, actions=[])])
        self._ledger = Ledger()
        self._ends: list[tuple[datetime, int, str]] = []
        self._recent: dict[BucketKey, deque[UUID]] = {}
        self._proactive = {watch.trigger_id: index for index, watch in enumerate(self._plan.watches) if _waits(watch)}
        self.events = self.matched = 0
        for watch in self._plan.proactive:
            self._ledger.arm(watch, since)
            self._remember(watch, NO_KEY)

    def see(self, occurrences: Iterable[Occurrence]) -> Iterator[RootFiring | None]:
        """Show events to the trigger."""
        for occurrence in occurrences:
            yield from self.pass_to(occurrence.occurred)
            self.events += 1
            matches = matched(occurrence, self._plan.watching(occurrence.event))
            self.matched += bool(matches)
            yield None
            for match in matches:
                self._note(match, occurrence)
            yield from self._ledger.see(occurrence, matches, occurrence.occurred)
            for match in matches:
                self._remember(match.watch, match.key)

    def pass_to(self, moment: datetime) -> Iterator[RootFiring | None]:
        """Let time go by: windows end, and the trigger fires for what did not come."""
        while self._ends and self._ends[0][0] < moment:
            end, index, key = heappop(self._ends)
            watch = self._plan.watches[index]
            bucket = self._ledger.bucket((watch.trigger_id, key))
            yield None
            if bucket is not None and bucket.until == end:
                yield from self._ledger.look_after(watch, key, end + _TICK)
                self._remember(watch, key)

    def causes(self, fired: RootFiring) -> list[UUID]:
        """The events that made it fire, as far as they are few; the last one first."""
        counted = self._recent.get((fired.firing.trigger.id, fired.key), ())
        told = sorted(fired.firing.all_events(), key=lambda event: event.occurred)
        return list(dict.fromkeys([*reversed(counted), *(event.id for event in reversed(told))]))

    def _note(self, match: Match, occurrence: Occurrence) -> None:
        trigger = match.watch.leaf.trigger
        if trigger.posture is Posture.Reactive and match.watch.leaf.expects(occurrence.event):
            most = min(trigger.threshold, MOST_CAUSES)
            self._recent.setdefault(match.bucket, deque(maxlen=most)).append(occurrence.id)

    def _remember(self, watch: Watch, key: str) -> None:
        """When the window of a proactive trigger ends."""
        index = self._proactive.get(watch.trigger_id)
        bucket = self._ledger.bucket((watch.trigger_id, key))
        if index is not None and bucket is not None:
            heappush(self._ends, (bucket.until, index, key))


def name_prefixes(trigger: Trigger) -> list[str] | None:
    """What the names of all events that concern the trigger begin with; None if that is nothing."""
    names = [name for leaf in event_triggers(trigger) for name in (*leaf.expect, *leaf.after)]
    if not all(leaf.expect for leaf in event_triggers(trigger)) or any(name.startswith("*") for name in names):
        return None
    return sorted({name.partition("*")[0] for name in names})


def reason(firing: Firing) -> str:
    """Why a trigger fired, in words."""
    match firing.trigger:
        case EventTrigger(posture=Posture.Proactive) as trigger:
            wanted = " or ".join(trigger.expect) or "any event"
            return f"{wanted} did not come {_times(trigger.threshold)} within {trigger.within:g} s"
        case EventTrigger() as trigger:
            name = "" if firing.triggering_event is None else firing.triggering_event.event
            within = f" within {trigger.within:g} s" if trigger.within and trigger.threshold > 1 else ""
            return (
                f"{name} came{within}"
                if trigger.threshold == 1
                else (f"{name} was the last of {trigger.threshold} events{within}")
            )
        case CompoundTrigger() as trigger:
            return f"{len(firing.triggering_firings)} of its {len(trigger.triggers)} triggers fired"
        case SequenceTrigger() as trigger:
            return f"its {len(trigger.triggers)} triggers fired in their order"


def _times(threshold: int) -> str:
    return "once" if threshold == 1 else f"{threshold} times"


def _waits(watch: Watch) -> bool:
    return watch.leaf.trigger.posture is Posture.Proactive
