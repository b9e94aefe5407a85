# Generated from _async/flows.py by scripts/unasync.py; change that file, not this one.
"""Calls about flows (contract §3)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
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

    def create_flow(self, flow: Named) -> UUID:
        """The id of the flow of that name, made if it does not exist."""
        return self.create_flow_from_name(flow.name)

    def create_flow_from_name(
        self, flow_name: str, *, tags: list[str] | None = None, labels: Labels | None = None
    ) -> UUID:
        """The id of the flow of that name, made if it does not exist; an existing one keeps its tags and labels."""
        body = FlowCreate(name=flow_name, tags=tags or [], labels=labels or {})
        return (self._call("POST", "/flows/", Flow, body=body)).id

    def read_flow(self, flow_id: UUID) -> Flow:
        """One flow. Raises `ObjectNotFound`."""
        return self._call("GET", f"/flows/{flow_id}", Flow)

    def read_flow_by_name(self, flow_name: str) -> Flow:
        """The flow of that name. Raises `ObjectNotFound`."""
        return self._call("GET", f"/flows/name/{calls.part(flow_name)}", Flow)

    def update_flow(self, flow_id: UUID, *, tags: list[str]) -> None:
        """Give a flow other tags. Raises `ObjectNotFound`."""
        self._tell("PATCH", f"/flows/{flow_id}", body=FlowUpdate(tags=tags))

    def delete_flow(self, flow_id: UUID) -> None:
        """Delete a flow with its runs. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/flows/{flow_id}")

    def read_flows(
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
        return self._list("/flows/filter", Flow, body, limit=limit, offset=offset)

    def count_flows(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
    ) -> int:
        """How many flows pass all filters."""
        body = {"flows": flow_filter, "flow_runs": flow_run_filter, "task_runs": task_run_filter}
        return self._count("/flows/count", body)
