"""What triggers remember while a batch of events goes by: read before, changed event by event, written after."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.triggers import buckets
from headrace.rules.triggers.buckets import Bucket, Counted, Sighting
from headrace.rules.triggers.composites import join
from headrace.rules.triggers.leaves import NO_KEY, Occurrence
from headrace.rules.triggers.plans import Watch
from headrace.wire.automations import Automation
from headrace.wire.events import ReceivedEvent
from headrace.wire.firings import Firing
from headrace.wire.triggers import EventTrigger, Posture

BucketKey = tuple[UUID, str]
"""The id of an event trigger, and a key."""

_values = msgspec.json.Decoder(list[str]).decode


class RootFiring(msgspec.Struct, frozen=True):
    """The firing of an automation's own trigger, and the key under which its last event was counted."""

    automation: Automation
    firing: Firing
    key: str = NO_KEY


class Match(msgspec.Struct, frozen=True):
    """An event, a trigger that it concerns, and the key under which it counts there."""

    watch: Watch
    key: str

    @property
    def bucket(self) -> BucketKey:
        """Where it is counted."""
        return self.watch.trigger_id, self.key


class Ledger:
    """Buckets by trigger and key, and the children's firings of composite triggers by the parent's id.

    Everything that is going to be looked at has to be there: what is not is taken not to exist. What has changed is
    in `changed_buckets` (None: gone) and `changed_parents`.
    """

    def __init__(
        self,
        stored: Mapping[BucketKey, Bucket] | None = None,
        children: Mapping[UUID, Mapping[UUID, Firing]] | None = None,
    ) -> None:
        self._buckets: dict[BucketKey, Bucket | None] = dict(stored or {})
        self._children: dict[UUID, Mapping[UUID, Firing]] = dict(children or {})
        self.changed_buckets: dict[BucketKey, tuple[Watch, Bucket | None]] = {}
        self.changed_parents: dict[UUID, tuple[Automation, Mapping[UUID, Firing]]] = {}

    def bucket(self, key: BucketKey) -> Bucket | None:
        """The window of a trigger and key, if there is one."""
        return self._buckets.get(key)

    def see(self, occurrence: Occurrence, matches: Iterable[Match], clock: datetime) -> list[RootFiring]:
        """Handle one event: the automations that fire at it, in their order.

        `clock` is how far the log has come. A window that the event shows to be over is closed before it is counted,
        so that it does not matter when somebody looks after the windows that nothing happens in.
        """
        fired: list[RootFiring] = []
        for match in matches:
            trigger = match.watch.leaf.trigger
            if _at_once(trigger):
                fired += self._fire(match.watch, match.key, occurrence.whole(), clock)
                continue
            fired += self.look_after(match.watch, match.key, min(occurrence.occurred, clock))
            fired += self._count(match, occurrence, clock)
        return fired

    def look_after(self, watch: Watch, key: str, clock: datetime) -> list[RootFiring]:
        """Close a proactive window if it is over: the automation that fires for it, if it does."""
        place = watch.trigger_id, key
        bucket = self._buckets.get(place)
        if bucket is None or not buckets.is_over(watch.leaf.trigger, bucket, clock):
            return []
        closed = buckets.close(watch.leaf.trigger, bucket, clock)
        self._keep(watch, place, closed)
        return self._fire(watch, key, bucket.last_event, clock) if closed.fires else []

    def arm(self, watch: Watch, moment: datetime) -> None:
        """Open the window with which a trigger begins, if it is one that does and has none yet."""
        place = watch.trigger_id, NO_KEY
        if self._buckets.get(place) is None and (bucket := buckets.armed(watch.leaf.trigger, moment)) is not None:
            self._keep(watch, place, Counted(bucket))

    def _count(self, match: Match, occurrence: Occurrence, clock: datetime) -> list[RootFiring]:
        leaf = match.watch.leaf
        event = occurrence.whole()
        seen = Sighting(event, clock, expected=leaf.expects(event.event), starting=leaf.starts(event.event))
        before = self._buckets.get(match.bucket)
        counted = buckets.count(leaf.trigger, before, seen)
        if counted.bucket is not before:
            self._keep(match.watch, match.bucket, counted)
        return self._fire(match.watch, match.key, event, clock) if counted.fires else []

    def _keep(self, watch: Watch, place: BucketKey, counted: Counted) -> None:
        self._buckets[place] = counted.bucket
        self.changed_buckets[place] = watch, counted.bucket

    def _fire(self, watch: Watch, key: str, event: ReceivedEvent | None, clock: datetime) -> list[RootFiring]:
        """Carry a firing up through the triggers that it is a part of, as far as it makes them fire."""
        labels = watch.leaf.labels(_values(key))
        firing = Firing(trigger=watch.leaf.trigger, triggered=clock, triggering_labels=labels, triggering_event=event)
        for parent in watch.parents:
            joined = join(parent, self._children.get(parent.id, {}), firing)
            self._children[parent.id] = joined.kept
            self.changed_parents[parent.id] = watch.automation, joined.kept
            if joined.firing is None:
                return []
            firing = joined.firing
        return [RootFiring(watch.automation, firing, key)]


def matched(occurrence: Occurrence, watches: Iterable[Watch]) -> list[Match]:
    """Which of the triggers that look at events of its name an event concerns."""
    return [Match(watch, watch.leaf.key(occurrence)) for watch in watches if watch.leaf.concerns(occurrence)]


def remembers(match: Match) -> bool:
    """Whether counting the event needs a bucket."""
    return not _at_once(match.watch.leaf.trigger)


def _at_once(trigger: EventTrigger) -> bool:
    """Whether each event fires, so that nothing has to be remembered of it."""
    return trigger.posture is Posture.Reactive and not trigger.after and trigger.threshold <= 1 and not trigger.within
