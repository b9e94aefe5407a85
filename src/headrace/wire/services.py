"""How the services of a server process are doing."""

from datetime import datetime

from headrace.wire.base import Wire


class ServiceStatus(Wire, kw_only=True):
    """One service of the process that answers.

    `duration` and `lag` are seconds: what the last tick took, and how long after it was due it began.
    `failures` counts the ticks that have failed one after the other up to now, 0 when the last one went well.
    """

    name: str
    enabled: bool
    running: bool
    ticks: int = 0
    last_tick: datetime | None = None
    duration: float | None = None
    lag: float | None = None
    errors: int = 0
    failures: int = 0
    last_error: str | None = None
    last_error_at: datetime | None = None
