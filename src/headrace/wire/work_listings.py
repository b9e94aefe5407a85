"""The bodies that ask for lists of work pools, work queues and workers."""

from headrace.wire.base import Parts
from headrace.wire.filters import WorkerFilter, WorkPoolFilter, WorkQueueFilter
from headrace.wire.listings import Offset


class WorkPoolCount(Parts, kw_only=True):
    work_pools: WorkPoolFilter | None = None


class WorkPoolList(WorkPoolCount, kw_only=True):
    limit: int | None = None
    offset: Offset = 0


class WorkQueueList(Parts, kw_only=True):
    work_queues: WorkQueueFilter | None = None
    limit: int | None = None
    offset: Offset = 0


class WorkerList(Parts, kw_only=True):
    workers: WorkerFilter | None = None
    limit: int | None = None
    offset: Offset = 0
