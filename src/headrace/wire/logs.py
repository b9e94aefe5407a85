"""Log lines of runs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire

Level = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
"""A whole number that both databases have room for."""


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
    level: Level
    message: str
    timestamp: datetime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
