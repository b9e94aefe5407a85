"""Workers: the processes that poll a work pool and execute its runs (contract §11.1)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Parts, Wire
from headrace.wire.statuses import WorkerStatus


class Worker(Wire, kw_only=True):
    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    work_pool_id: UUID
    last_heartbeat_time: datetime | None = None
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = WorkerStatus.OFFLINE


class WorkerHeartbeat(Parts, kw_only=True):
    """A worker's sign of life; what else newer workers send about themselves is passed over."""

    name: str
    heartbeat_interval_seconds: Annotated[int, msgspec.Meta(le=2**31 - 1, ge=-(2**31))] | None = None
