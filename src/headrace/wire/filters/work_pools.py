"""Which work pools, work queues and workers."""

from datetime import datetime
from uuid import UUID

from headrace.wire.filters.base import CombiningFilter, Filter
from headrace.wire.statuses import WorkerStatus


class WorkPoolFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class WorkPoolFilterName(Filter, kw_only=True):
    any_: list[str] | None = None


class WorkPoolFilterType(Filter, kw_only=True):
    any_: list[str] | None = None


class WorkPoolFilter(CombiningFilter, kw_only=True):
    id: WorkPoolFilterId | None = None
    name: WorkPoolFilterName | None = None
    type: WorkPoolFilterType | None = None


class WorkQueueFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class WorkQueueFilterName(Filter, kw_only=True):
    """`startswith_`: begins with one of these, in any case."""

    any_: list[str] | None = None
    startswith_: list[str] | None = None


class WorkQueueFilter(CombiningFilter, kw_only=True):
    id: WorkQueueFilterId | None = None
    name: WorkQueueFilterName | None = None


class WorkerFilterLastHeartbeatTime(Filter, kw_only=True):
    before_: datetime | None = None
    after_: datetime | None = None


class WorkerFilterStatus(Filter, kw_only=True):
    any_: list[WorkerStatus] | None = None
    not_any_: list[WorkerStatus] | None = None


class WorkerFilter(CombiningFilter, kw_only=True):
    last_heartbeat_time: WorkerFilterLastHeartbeatTime | None = None
    status: WorkerFilterStatus | None = None
