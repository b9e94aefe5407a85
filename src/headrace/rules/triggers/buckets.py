"""Counting events in windows of time (contract §8).

A bucket is one window of one trigger, and of one key if the trigger has `for_each`. Both its ends belong to it.

Reactive: the first event opens a window of `within` seconds. The trigger fires at the event that reaches the
threshold, and is silent until the window has passed: at most one firing for each window. A window of 0 seconds never
passes, and counting begins anew after each firing.

Proactive: a window that ends with fewer events than the threshold fires, and the next begins. A trigger that counts
all events together has a window from the beginning; with `for_each` the first event of a key opens one, and a window
that got its events closes for good.

With `after`, either way, only an event of such a name opens a window. An event that is both expected and a beginning
counts in a window that is open, not in the one it opens; and a proactive window that got its events ends at once, so
that each heartbeat sets the time anew.
"""

from datetime import UTC, datetime, timedelta

import msgspec

from headrace.wire.events import ReceivedEvent
from headrace.wire.triggers import EventTrigger, Posture

_LONGEST = timedelta(days=36_500).total_seconds()
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

LOOK_BACK = timedelta(minutes=15)
"""Events that occurred so long before the one that opened a reactive window still count: they were delayed."""


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """How many events a window from `since` to `until` has. `last_event` is kept for windows that fire at their end."""

    since: datetime
    until: datetime
    count: int = 0
    last_event: ReceivedEvent | None = None

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is inside of the window."""
        return self.since <= moment <= self.until


class Counted(msgspec.Struct, frozen=True):
    """What remains of a window, and whether the trigger fires."""

    bucket: Bucket | None
    fires: bool = False


class Sighting(msgspec.Struct, frozen=True):
    """An event that concerns a trigger. `clock` is how far time has come, by the log, when it is handled."""

    event: ReceivedEvent
    clock: datetime
    expected: bool
    starting: bool

    @property
    def occurred(self) -> datetime:
        """When the event happened, by its sender's clock."""
        return self.event.occurred


def count(trigger: EventTrigger, bucket: Bucket | None, seen: Sighting) -> Counted:
    """Count an event in the window of its key, which must not be one that `is_over`."""
    match trigger.posture, bool(trigger.after):
        case Posture.Reactive, False:
            return _react(trigger, bucket, seen)
        case Posture.Reactive, True:
            return _react_after(trigger, bucket, seen)
        case Posture.Proactive, False:
            return _expect(trigger, bucket, seen)
        case _:
            return _expect_after(trigger, bucket, seen)


def armed(trigger: EventTrigger, moment: datetime) -> Bucket | None:
    """The window with which the trigger begins, if it does not wait for an event to open one."""
    if trigger.posture is Posture.Reactive or trigger.after or trigger.for_each:
        return None
    return Bucket(since=moment, until=_shifted(moment, _width(trigger)))


def is_over(trigger: EventTrigger, bucket: Bucket, clock: datetime) -> bool:
    """Whether a proactive window has to be closed."""
    return trigger.posture is Posture.Proactive and bucket.until < clock


def close(trigger: EventTrigger, bucket: Bucket, clock: datetime) -> Counted:
    """End a proactive window that is over; it fires if it did not get its events."""
    missed = bucket.count < trigger.threshold
    if trigger.after or (trigger.for_each and not missed):
        return Counted(None, fires=missed)
    width = _width(trigger)
    # After a long absence one firing is enough: the windows that nobody looked at are left out.
    since = bucket.until if clock - bucket.until < width else clock
    return Counted(Bucket(since=since, until=_shifted(since, width)), fires=missed)


def _react(trigger: EventTrigger, bucket: Bucket | None, seen: Sighting) -> Counted:
    width = _width(trigger)
    if bucket is None or seen.occurred > bucket.until:
        bucket = Bucket(since=_shifted(seen.occurred, -LOOK_BACK), until=_end(seen.occurred, width))
    if seen.occurred < bucket.since:
        return Counted(bucket)
    if bucket.count + 1 < trigger.threshold:
        return Counted(msgspec.structs.replace(bucket, count=bucket.count + 1))
    if not width:
        return Counted(None, fires=True)
    since = max(bucket.until, seen.clock)
    return Counted(Bucket(since=since, until=_shifted(since, width)), fires=True)


def _react_after(trigger: EventTrigger, bucket: Bucket | None, seen: Sighting) -> Counted:
    opened = bucket is not None and bucket.holds(seen.occurred)
    if bucket is None or not opened:
        return Counted(_started(trigger, bucket, seen))
    if not seen.expected:
        return Counted(bucket)
    if bucket.count + 1 < trigger.threshold:
        return Counted(msgspec.structs.replace(bucket, count=bucket.count + 1))
    return Counted(None, fires=True)


def _expect(trigger: EventTrigger, bucket: Bucket | None, seen: Sighting) -> Counted:
    bucket = bucket or Bucket(since=seen.occurred, until=_shifted(seen.occurred, _width(trigger)))
    if not bucket.holds(seen.occurred):
        return Counted(bucket)
    bucket = _with(bucket, seen)
    return Counted(None if trigger.for_each and bucket.count >= trigger.threshold else bucket)


def _expect_after(trigger: EventTrigger, bucket: Bucket | None, seen: Sighting) -> Counted:
    if bucket is None or not bucket.holds(seen.occurred):
        return Counted(_started(trigger, bucket, seen))
    if not seen.expected:
        return Counted(bucket)
    bucket = _with(bucket, seen)
    if bucket.count < trigger.threshold:
        return Counted(bucket)
    return Counted(_started(trigger, None, seen))


def _started(trigger: EventTrigger, bucket: Bucket | None, seen: Sighting) -> Bucket | None:
    """The window that an event opens, if it is one that does; one that it comes before stays as it is."""
    if bucket is not None and seen.occurred < bucket.since:
        return bucket
    if not seen.starting:
        return None
    last = seen.event if trigger.posture is Posture.Proactive else None
    return Bucket(since=seen.occurred, until=_end(seen.occurred, _width(trigger)), last_event=last)


def _with(bucket: Bucket, seen: Sighting) -> Bucket:
    return msgspec.structs.replace(bucket, count=bucket.count + 1, last_event=seen.event)


def _width(trigger: EventTrigger) -> timedelta:
    return timedelta(seconds=min(trigger.within, _LONGEST))


def _end(since: datetime, width: timedelta) -> datetime:
    """The end of a window, which a width of nothing leaves open."""
    return _shifted(since, width) if width else _LATEST


def _shifted(moment: datetime, by: timedelta) -> datetime:
    """A moment moved, as far as there are years."""
    if by > timedelta(0):
        return moment + by if moment < _LATEST - by else _LATEST
    return moment + by if moment > _EARLIEST - by else _EARLIEST
