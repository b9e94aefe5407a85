"""Calls about deployments (contract §3)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.client.proposals import initial
from headrace.wire.deployments import (
    Deployment,
    DeploymentCreate,
    DeploymentFlowRunCreate,
    DeploymentUpdate,
    FlowRunBulkCreateResult,
)
from headrace.wire.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from headrace.wire.flow_runs import FlowRun
from headrace.wire.flows import Labels
from headrace.wire.schedules import DeploymentScheduleCreate
from headrace.wire.sorts import DeploymentSort
from headrace.wire.states import State, StateCreate
from headrace.wire.work_queues import WorkQueue


class DeploymentCalls(Part):
    """A deployment is a flow with where, how and when it runs."""

    async def create_deployment(
        self,
        flow_id: UUID,
        name: str,
        *,
        schedules: Iterable[DeploymentScheduleCreate] = (),
        **values: Any,
    ) -> UUID:
        """The id of the deployment of that name of a flow, made or changed to be as it is told.

        `values` are the other fields of `DeploymentCreate`; of a deployment that exists, those left out stay.
        """
        body = DeploymentCreate(flow_id=flow_id, name=name, schedules=list(schedules), **values)
        return (await self.post_deployment(body)).id

    async def post_deployment(self, body: DeploymentCreate) -> Deployment:
        """Make or change a deployment from a body that the caller has built."""
        return await self._call("POST", "/deployments/", Deployment, body=body)

    async def read_deployment(self, deployment_id: UUID) -> Deployment:
        """One deployment. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/deployments/{deployment_id}", Deployment)

    async def read_deployment_by_name(self, name: str) -> Deployment:
        """The deployment named `flow/deployment`. Raises `ObjectNotFound`, and `ValueError` if it is no such name."""
        flow, slash, deployment = name.partition("/")
        if not (flow and slash and deployment):
            raise ValueError(f"The deployment {name!r} is not named in the form 'flow name/deployment name'.")
        path = f"/deployments/name/{calls.part(flow)}/{calls.part(deployment)}"
        return await self._call("GET", path, Deployment)

    async def update_deployment(self, deployment_id: UUID, deployment: DeploymentUpdate) -> None:
        """Change what is given and leave the rest. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/deployments/{deployment_id}", body=deployment)

    async def delete_deployment(self, deployment_id: UUID) -> None:
        """Delete a deployment with the runs that have not started. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/deployments/{deployment_id}")

    async def bulk_delete_deployments(self, deployment_filter: DeploymentFilter, limit: int = 50) -> list[UUID]:
        """Delete deployments, at most 50 at once; the ids of those that were."""
        body = {"deployments": deployment_filter, "limit": limit}
        return (await self._call("POST", "/deployments/bulk_delete", dict[str, list[UUID]], body=body))["deleted"]

    async def pause_deployment(self, deployment_id: UUID) -> None:
        """Let its schedules make no more runs, and drop those they made. Raises `ObjectNotFound`."""
        await self._tell("POST", f"/deployments/{deployment_id}/pause_deployment")

    async def resume_deployment(self, deployment_id: UUID) -> None:
        """Let its schedules make runs again. Raises `ObjectNotFound`."""
        await self._tell("POST", f"/deployments/{deployment_id}/resume_deployment")

    async def set_deployment_paused_state(self, deployment_id: UUID, paused: bool) -> None:
        """Pause or resume. Raises `ObjectNotFound`."""
        await self.update_deployment(deployment_id, DeploymentUpdate(paused=paused))

    async def schedule_deployment(
        self,
        deployment_id: UUID,
        *,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        min_time: float | None = None,
        min_runs: int | None = None,
        max_runs: int | None = None,
    ) -> None:
        """Make the runs of its schedules now, as the server's scheduler would. `min_time` is in seconds."""
        body = {
            "start_time": start_time,
            "end_time": end_time,
            "min_time": min_time,
            "min_runs": min_runs,
            "max_runs": max_runs,
        }
        await self._tell("POST", f"/deployments/{deployment_id}/schedule", body=calls.given(body))

    async def create_flow_run_from_deployment(
        self,
        deployment_id: UUID,
        *,
        parameters: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        state: State | StateCreate | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        idempotency_key: str | None = None,
        parent_task_run_id: UUID | None = None,
        work_queue_name: str | None = None,
        job_variables: Mapping[str, Any] | None = None,
        labels: Labels | None = None,
    ) -> FlowRun:
        """Make a run of a deployment, due now unless the state says when. Raises `ObjectNotFound`, `Unprocessable`."""
        body = DeploymentFlowRunCreate(
            parameters=dict(parameters or {}),
            context=dict(context or {}),
            state=None if state is None else initial(state),
            name=name,
            tags=list(tags or ()),
            idempotency_key=idempotency_key,
            parent_task_run_id=parent_task_run_id,
            work_queue_name=work_queue_name,
            job_variables=None if job_variables is None else dict(job_variables),
            labels=labels,
        )
        return await self._call("POST", f"/deployments/{deployment_id}/create_flow_run", FlowRun, body=body)

    async def create_flow_runs_from_deployment(
        self, deployment_id: UUID, runs: Sequence[DeploymentFlowRunCreate]
    ) -> FlowRunBulkCreateResult:
        """Make many runs of a deployment; what became of each, in order."""
        path = f"/deployments/{deployment_id}/create_flow_run/bulk"
        return await self._call("POST", path, FlowRunBulkCreateResult, body=list(runs))

    async def get_scheduled_flow_runs_for_deployments(
        self, deployment_ids: Iterable[UUID], scheduled_before: datetime | None = None, limit: int | None = None
    ) -> list[FlowRun]:
        """The runs of deployments that are due by then, the earliest first."""
        body = {"deployment_ids": list(deployment_ids), "scheduled_before": scheduled_before, "limit": limit}
        path = "/deployments/get_scheduled_flow_runs"
        return await self._call("POST", path, list[FlowRun], body=calls.given(body))

    async def check_work_queues_for_deployment(self, deployment_id: UUID) -> list[WorkQueue]:
        """The work queues that would take runs of a deployment. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/deployments/{deployment_id}/work_queue_check", list[WorkQueue])

    async def read_deployments(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        sort: DeploymentSort | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[Deployment]:
        """Deployments that pass all filters, by name; `limit=None` reads all of them, page by page."""
        body = {
            "flows": flow_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "deployments": deployment_filter,
            "work_pools": work_pool_filter,
            "work_pool_queues": work_queue_filter,
            "sort": sort,
        }
        return await self._list("/deployments/filter", Deployment, body, limit=limit, offset=offset)

    async def count_deployments(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
    ) -> int:
        """How many deployments pass all filters."""
        body = {
            "flows": flow_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "deployments": deployment_filter,
            "work_pools": work_pool_filter,
            "work_pool_queues": work_queue_filter,
        }
        return await self._count("/deployments/count", body)
