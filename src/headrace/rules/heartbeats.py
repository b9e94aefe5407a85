"""How far apart the heartbeats of a flow run are, learnt from the heartbeats themselves."""

from datetime import datetime

import msgspec

SHORTEST, LONGEST = 5.0, 86_400.0
"""Seconds between two heartbeats that are believed."""


class Pulse(msgspec.Struct, frozen=True):
    """The newest heartbeat of a run, by its own clock, and the longest of the last two intervals, in seconds."""

    at: datetime
    interval: float | None = None
    before: float | None = None

    @property
    def expected(self) -> float | None:
        """Seconds until the next one; unknown after one alone."""
        known = [seconds for seconds in (self.interval, self.before) if seconds is not None]
        return max(known, default=None)


def felt(pulse: Pulse | None, at: datetime) -> Pulse:
    """The pulse with one more heartbeat; one that comes again, or late, tells nothing new.

    Times are those at which the run gave its signs, not those at which they arrived: several that were held up on
    their way arrive together.
    """
    if pulse is None:
        return Pulse(at)
    seconds = (at - pulse.at).total_seconds()
    if seconds < SHORTEST:
        return pulse if seconds <= 0 else msgspec.structs.replace(pulse, at=at)
    return Pulse(at, min(seconds, LONGEST), pulse.interval)
