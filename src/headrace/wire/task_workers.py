"""Task workers: processes that are connected and wait for background tasks (contract §2)."""

from datetime import datetime

from headrace.wire.base import Parts, Wire


class TaskWorkerFilter(Wire, kw_only=True):
    """Workers that take any of these tasks; no keys ask for all workers."""

    task_keys: list[str]


class TaskWorkerList(Parts, kw_only=True):
    task_worker_filter: TaskWorkerFilter | None = None


class TaskWorker(Wire, kw_only=True):
    """A connected worker: `identifier` is its host and process, `timestamp` when it was last heard of."""

    identifier: str
    task_keys: list[str]
    timestamp: datetime
