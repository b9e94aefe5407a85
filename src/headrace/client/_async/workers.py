"""Calls about the workers of a pool (contract §11.1)."""

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.wire.filters import WorkerFilter
from headrace.wire.workers import Worker, WorkerHeartbeat


class WorkerCalls(Part):
    """A worker polls a pool and executes its runs; it is known by its heartbeats."""

    async def send_worker_heartbeat(
        self, work_pool_name: str, worker_name: str, heartbeat_interval_seconds: float | None = None
    ) -> None:
        """Say that a worker of a pool is there. Raises `ObjectNotFound` if there is no such pool."""
        interval = None if heartbeat_interval_seconds is None else int(heartbeat_interval_seconds)
        body = WorkerHeartbeat(name=worker_name, heartbeat_interval_seconds=interval)
        await self._tell("POST", f"{_workers(work_pool_name)}/heartbeat", body=body)

    async def read_workers_for_work_pool(
        self,
        work_pool_name: str,
        worker_filter: WorkerFilter | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[Worker]:
        """The workers of a pool, the last heard of first; all of them without a limit."""
        body = {"workers": worker_filter}
        return await self._list(f"{_workers(work_pool_name)}/filter", Worker, body, limit=limit, offset=offset)

    async def delete_worker(self, work_pool_name: str, worker_name: str) -> None:
        """Forget a worker. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"{_workers(work_pool_name)}/{calls.part(worker_name)}")


def _workers(work_pool_name: str) -> str:
    return f"/work_pools/{calls.part(work_pool_name)}/workers"
