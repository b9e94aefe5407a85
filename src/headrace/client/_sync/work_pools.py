# Generated from _async/work_pools.py by scripts/unasync.py; change that file, not this one.
"""Calls about work pools (contract §3, §11.1)."""

from collections.abc import Iterable
from datetime import datetime

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.errors import ObjectAlreadyExists
from headrace.wire.filters import WorkPoolFilter
from headrace.wire.work_pools import (
    WorkerFlowRun,
    WorkPool,
    WorkPoolConcurrencyStatus,
    WorkPoolCreate,
    WorkPoolUpdate,
)


class WorkPoolCalls(Part):
    """A work pool is where runs are sent to be executed by workers of one type."""

    def create_work_pool(self, work_pool: WorkPoolCreate, overwrite: bool = False) -> WorkPool:
        """Make a pool. If the name is taken, raises `ObjectAlreadyExists`, or changes that pool if it may."""
        try:
            return self._call("POST", "/work_pools/", WorkPool, body=work_pool)
        except ObjectAlreadyExists:
            if not overwrite:
                raise
        changes = WorkPoolUpdate(
            description=work_pool.description,
            is_paused=work_pool.is_paused,
            base_job_template=work_pool.base_job_template,
            concurrency_limit=work_pool.concurrency_limit,
            storage_configuration=work_pool.storage_configuration,
        )
        self.update_work_pool(work_pool.name, changes)
        return self.read_work_pool(work_pool.name)

    def read_work_pool(self, work_pool_name: str) -> WorkPool:
        """One pool. Raises `ObjectNotFound`."""
        return self._call("GET", f"/work_pools/{calls.part(work_pool_name)}", WorkPool)

    def read_work_pools(
        self, limit: int | None = None, offset: int = 0, work_pool_filter: WorkPoolFilter | None = None
    ) -> list[WorkPool]:
        """Pools that pass the filter, by name; all of them without a limit, page by page."""
        body = {"work_pools": work_pool_filter}
        return self._list("/work_pools/filter", WorkPool, body, limit=limit, offset=offset)

    def count_work_pools(self, work_pool_filter: WorkPoolFilter | None = None) -> int:
        """How many pools pass the filter."""
        return self._count("/work_pools/count", {"work_pools": work_pool_filter})

    def update_work_pool(self, work_pool_name: str, work_pool: WorkPoolUpdate) -> None:
        """Change what is given and leave the rest. Raises `ObjectNotFound`."""
        self._tell("PATCH", f"/work_pools/{calls.part(work_pool_name)}", body=work_pool)

    def delete_work_pool(self, work_pool_name: str) -> None:
        """Delete a pool with its queues. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/work_pools/{calls.part(work_pool_name)}")

    def get_scheduled_flow_runs_for_work_pool(
        self,
        work_pool_name: str,
        work_queue_names: Iterable[str] | None = None,
        scheduled_before: datetime | None = None,
        scheduled_after: datetime | None = None,
        limit: int | None = None,
    ) -> list[WorkerFlowRun]:
        """The runs of a pool that are due by then and may start, by the priority of their queues."""
        body = {
            "work_queue_names": None if work_queue_names is None else list(work_queue_names),
            "scheduled_before": scheduled_before,
            "scheduled_after": scheduled_after,
            "limit": limit,
        }
        path = f"/work_pools/{calls.part(work_pool_name)}/get_scheduled_flow_runs"
        return self._call("POST", path, list[WorkerFlowRun], body=calls.given(body))

    def read_work_pool_concurrency_status(
        self, work_pool_name: str, *, page: int = 1, limit: int | None = None, flow_run_limit: int | None = None
    ) -> WorkPoolConcurrencyStatus:
        """Who holds the slots of a pool, by queue. Raises `ObjectNotFound`."""
        body = {"page": page, "limit": limit, "flow_run_limit": flow_run_limit}
        path = f"/work_pools/{calls.part(work_pool_name)}/concurrency_status"
        return self._call("POST", path, WorkPoolConcurrencyStatus, body=calls.given(body))
