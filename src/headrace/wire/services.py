"""How the services of the servers are doing."""

from datetime import datetime

from headrace.wire.base import Wire


class ServiceStatus(Wire, kw_only=True):
    """One service, by whichever servers of the database it is run.

    `enabled` is the setting of the server that answers; `running` says whether any server runs the service. An
    `exclusive` service is run by one server at a time, its `holder`, whose lease ends at `held_until` unless it is
    renewed. `ticks` and `errors` count since the database was made. `duration` and `lag` are seconds: what the last
    tick took, and how long after it was due it began. `failures` counts the ticks that have failed one after the
    other up to now, 0 when the last one went well. `run_requested_at`: a tick was asked for, and has not begun.
    """

    name: str
    enabled: bool
    running: bool
    paused: bool = False
    exclusive: bool = False
    holder: str | None = None
    held_until: datetime | None = None
    run_requested_at: datetime | None = None
    ticks: int = 0
    last_tick: datetime | None = None
    duration: float | None = None
    lag: float | None = None
    errors: int = 0
    failures: int = 0
    last_error: str | None = None
    last_error_at: datetime | None = None
