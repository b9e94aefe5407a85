"""What is remembered of a service's ticks, for whoever asks how it is doing."""

import time
from datetime import datetime

from headrace.wire.times import now


class Record:
    """The last tick of a service, and how many there were; `duration` and `lag` in seconds.

    `told_ticks` and `told_errors` are those that the database knows of.
    """

    def __init__(self) -> None:
        self.ticks = 0
        self.last_tick: datetime | None = None
        self.duration: float | None = None
        self.lag: float | None = None
        self.errors = 0
        self.failures = 0
        self.last_error: str | None = None
        self.last_error_at: datetime | None = None
        self.told_ticks = self.told_errors = 0
        self._due: float | None = None
        self._began = 0.0

    def due_in(self, seconds: float) -> None:
        """The next tick is meant to begin after so many seconds."""
        self._due = time.monotonic() + seconds

    def rest(self) -> None:
        """No tick is due: the service is paused, or another server's."""
        self._due = None

    def begin(self) -> None:
        """A tick begins; one that was woken before it was due has no lag."""
        self.ticks += 1
        self.last_tick = now()
        self._began = time.monotonic()
        self.lag = 0.0 if self._due is None else max(0.0, self._began - self._due)

    def succeed(self) -> bool:
        """The tick went well; whether the one before it had failed."""
        self.duration = time.monotonic() - self._began
        recovered, self.failures = self.failures > 0, 0
        return recovered

    def fail(self, error: Exception) -> int:
        """The tick failed; how many in a row have by now."""
        self.duration = time.monotonic() - self._began
        self.errors += 1
        self.failures += 1
        self.last_error = str(error) or type(error).__name__
        self.last_error_at = now()
        return self.failures
