"""Log lines of runs."""

from datetime import datetime
from uuid import UUID

from headrace.wire.base import Body, Wire


class Log(Wire, kw_only=True):
    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class LogCreate(Body, kw_only=True):
    """A log line as it is sent; `level` is Python's (10 debug … 50 critical)."""

    name: str
    level: int
    message: str
    timestamp: datetime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
