"""Calls about work queues (contract §3)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.wire.filters import WorkQueueFilter, WorkQueueFilterName
from headrace.wire.flow_runs import FlowRun
from headrace.wire.work_queues import (
    WorkQueue,
    WorkQueueConcurrencyStatus,
    WorkQueueCreate,
    WorkQueueStatusDetail,
    WorkQueueUpdate,
)


class WorkQueueCalls(Part):
    """A work queue holds the runs of a pool that have the same priority."""

    async def create_work_queue(
        self,
        name: str,
        description: str | None = None,
        is_paused: bool = False,
        concurrency_limit: int | None = None,
        priority: int | None = None,
        work_pool_name: str | None = None,
    ) -> WorkQueue:
        """Make a queue in a pool; without one, in the pool of agents. Raises `ObjectAlreadyExists`."""
        body = WorkQueueCreate(
            name=name,
            description=description,
            is_paused=is_paused,
            concurrency_limit=concurrency_limit,
            priority=priority,
        )
        return await self._call("POST", _queues(work_pool_name), WorkQueue, body=body)

    async def read_work_queue(self, id: UUID) -> WorkQueue:
        """One queue. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/work_queues/{id}", WorkQueue)

    async def read_work_queue_by_name(self, name: str, work_pool_name: str | None = None) -> WorkQueue:
        """The queue of that name in a pool; without one, in the pool of agents. Raises `ObjectNotFound`."""
        base = "/work_queues/name" if work_pool_name is None else _queues(work_pool_name)
        return await self._call("GET", f"{base}/{calls.part(name)}", WorkQueue)

    async def read_work_queues(
        self,
        work_pool_name: str | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[WorkQueue]:
        """Queues that pass the filter: of a pool by priority, of all pools by name; all of them without a limit."""
        path = "/work_queues/filter" if work_pool_name is None else f"{_queues(work_pool_name)}/filter"
        return await self._list(path, WorkQueue, {"work_queues": work_queue_filter}, limit=limit, offset=offset)

    async def match_work_queues(self, prefixes: Iterable[str], work_pool_name: str | None = None) -> list[WorkQueue]:
        """The queues whose names start with one of these, in any case."""
        named = WorkQueueFilter(name=WorkQueueFilterName(startswith_=list(prefixes)))
        return await self.read_work_queues(work_pool_name, named)

    async def update_work_queue(self, id: UUID, **values: Any) -> None:
        """Change the fields that are given, those of `WorkQueueUpdate`. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/work_queues/{id}", body=WorkQueueUpdate(**values))

    async def update_work_queue_by_name(self, work_pool_name: str, name: str, work_queue: WorkQueueUpdate) -> None:
        """Change what is given of a queue of a pool. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"{_queues(work_pool_name)}/{calls.part(name)}", body=work_queue)

    async def delete_work_queue_by_id(self, id: UUID) -> None:
        """Delete a queue. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/work_queues/{id}")

    async def delete_work_queue_by_name(self, work_pool_name: str, name: str) -> None:
        """Delete a queue of a pool. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"{_queues(work_pool_name)}/{calls.part(name)}")

    async def get_runs_in_work_queue(
        self, id: UUID, limit: int | None = None, scheduled_before: datetime | None = None
    ) -> list[FlowRun]:
        """The runs of a queue that are due by then and may start."""
        body = calls.given({"limit": limit, "scheduled_before": scheduled_before})
        return await self._call("POST", f"/work_queues/{id}/get_runs", list[FlowRun], body=body)

    async def read_work_queue_status(self, id: UUID) -> WorkQueueStatusDetail:
        """Whether the runs of a queue are fetched in time. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/work_queues/{id}/status", WorkQueueStatusDetail)

    async def read_work_queue_concurrency_status(
        self, id: UUID, *, page: int = 1, limit: int | None = None
    ) -> WorkQueueConcurrencyStatus:
        """Which runs hold the slots of a queue. Raises `ObjectNotFound`."""
        body = calls.given({"page": page, "limit": limit})
        return await self._call("POST", f"/work_queues/{id}/concurrency_status", WorkQueueConcurrencyStatus, body=body)


def _queues(work_pool_name: str | None) -> str:
    return "/work_queues/" if work_pool_name is None else f"/work_pools/{calls.part(work_pool_name)}/queues"
