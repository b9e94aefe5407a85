"""Calls about flows (contract §3)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.client.proposals import Named
from headrace.wire.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from headrace.wire.flows import Flow, FlowCreate, FlowUpdate, Labels
from headrace.wire.sorts import FlowSort


class FlowCalls(Part):
    """Flows are made by running them; a name has one flow."""

    async def create_flow(self, flow: Named) -> UUID:
        """The id of the flow of that name, made if it does not exist."""
        return await self.create_flow_from_name(flow.name)

    async def create_flow_from_name(
        self, flow_name: str, *, tags: list[str] | None = None, labels: Labels | None = None
    ) -> UUID:
        """The id of the flow of that name, made if it does not exist; an existing one keeps its tags and labels."""
        body = FlowCreate(name=flow_name, tags=tags or [], labels=labels or {})
        return (await self._call("POST", "/flows/", Flow, body=body)).id

    async def read_flow(self, flow_id: UUID) -> Flow:
        """One flow. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/flows/{flow_id}", Flow)

    async def read_flow_by_name(self, flow_name: str) -> Flow:
        """The flow of that name. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/flows/name/{calls.part(flow_name)}", Flow)

    async def update_flow(self, flow_id: UUID, *, tags: list[str]) -> None:
        """Give a flow other tags. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/flows/{flow_id}", body=FlowUpdate(tags=tags))

    async def delete_flow(self, flow_id: UUID) -> None:
        """Delete a flow with its runs. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/flows/{flow_id}")

    async def read_flows(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        sort: FlowSort | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[Flow]:
        """Flows that pass all filters; `limit=None` reads all of them, page by page."""
        body = {
            "flows": flow_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "deployments": deployment_filter,
            "work_pools": work_pool_filter,
            "work_pool_queues": work_queue_filter,
            "sort": sort,
        }
        return await self._list("/flows/filter", Flow, body, limit=limit, offset=offset)

    async def count_flows(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
    ) -> int:
        """How many flows pass all filters."""
        body = {"flows": flow_filter, "flow_runs": flow_run_filter, "task_runs": task_run_filter}
        return await self._count("/flows/count", body)
