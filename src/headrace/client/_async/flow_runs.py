"""Calls about flow runs: make them, change them, find them (contract §3, §4)."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from headrace.client._async.base import Part
from headrace.client.proposals import FlowLike, flow_run_policy, initial, proposal
from headrace.client.transports import NO_HEADERS
from headrace.wire.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from headrace.wire.flow_runs import FlowRun, FlowRunCreate, FlowRunPolicy, FlowRunUpdate
from headrace.wire.flows import Flow, FlowCreate, Label, Labels
from headrace.wire.leases import LEASE_HEADER, Lease, LeaseRenewal
from headrace.wire.names import random_name
from headrace.wire.orchestration import OrchestrationResult, SetState
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import State, StateCreate


class FlowRunCalls(Part):
    """One execution of a flow, from its making to its deletion."""

    async def create_flow_run(
        self,
        flow: FlowLike,
        name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        parent_task_run_id: UUID | None = None,
        state: State | StateCreate | None = None,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: Mapping[str, Any] | None = None,
        *,
        labels: Labels | None = None,
        idempotency_key: str | None = None,
    ) -> FlowRun:
        """Make a run of a flow, and the flow if it does not exist. With a key seen before, the run of then is given."""
        made = await self._call("POST", "/flows/", Flow, body=FlowCreate(name=flow.name))
        body = FlowRunCreate(
            flow_id=made.id,
            name=name or random_name(),
            flow_version=flow.version,
            parameters=dict(parameters or {}),
            context=dict(context or {}),
            tags=list(tags or ()),
            labels=labels or {},
            parent_task_run_id=parent_task_run_id,
            state=initial(state),
            empirical_policy=flow_run_policy(flow),
            work_pool_name=work_pool_name,
            work_queue_name=work_queue_name,
            job_variables=dict(job_variables or {}),
            idempotency_key=idempotency_key,
        )
        return await self.post_flow_run(body)

    async def post_flow_run(self, body: FlowRunCreate) -> FlowRun:
        """Make a run from a body that the caller has built."""
        return await self._call("POST", "/flow_runs/", FlowRun, body=body)

    async def read_flow_run(self, flow_run_id: UUID) -> FlowRun:
        """One run. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/flow_runs/{flow_run_id}", FlowRun)

    async def update_flow_run(
        self,
        flow_run_id: UUID,
        flow_version: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        name: str | None = None,
        tags: Iterable[str] | None = None,
        empirical_policy: FlowRunPolicy | None = None,
        infrastructure_pid: str | None = None,
        job_variables: Mapping[str, Any] | None = None,
    ) -> None:
        """Change what is given and leave the rest. Raises `ObjectNotFound`."""
        body = FlowRunUpdate(
            flow_version=msgspec.UNSET if flow_version is None else flow_version,
            parameters=msgspec.UNSET if parameters is None else dict(parameters),
            name=msgspec.UNSET if name is None else name,
            tags=msgspec.UNSET if tags is None else list(tags),
            empirical_policy=msgspec.UNSET if empirical_policy is None else empirical_policy,
            infrastructure_pid=msgspec.UNSET if infrastructure_pid is None else infrastructure_pid,
            job_variables=msgspec.UNSET if job_variables is None else dict(job_variables),
        )
        await self._tell("PATCH", f"/flow_runs/{flow_run_id}", body=body)

    async def set_flow_run_name(self, flow_run_id: UUID, name: str) -> None:
        """Give a run another name. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/flow_runs/{flow_run_id}", body=FlowRunUpdate(name=name))

    async def update_flow_run_labels(self, flow_run_id: UUID, labels: Mapping[str, Label]) -> None:
        """Add labels to a run; those of the same key are replaced. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/flow_runs/{flow_run_id}/labels", body=dict(labels))

    async def delete_flow_run(self, flow_run_id: UUID) -> None:
        """Delete a run. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/flow_runs/{flow_run_id}")

    async def set_flow_run_state(
        self, flow_run_id: UUID, state: State | StateCreate, force: bool = False, *, lease_seconds: float | None = None
    ) -> OrchestrationResult:
        """Propose a state; the answer says what became of it. `force` skips the rules that could refuse.

        Who proposes Running may ask for a lease: a headrace server then takes the run for lost unless the lease is
        renewed, within so many seconds each time, with `renew_flow_run_lease`.
        """
        body = SetState(state=proposal(state, flow_run_id=flow_run_id), force=force)
        headers = NO_HEADERS if lease_seconds is None else {LEASE_HEADER: f"{lease_seconds:g}"}
        path = f"/flow_runs/{flow_run_id}/set_state"
        return await self._call("POST", path, OrchestrationResult, body=body, headers=headers)

    async def renew_flow_run_lease(self, flow_run_id: UUID, seconds: float, holder: str | None = None) -> Lease:
        """Say that a run's process is alive, and learn what it is to do.

        `holder` names the process, such as host-pid. Raises `ObjectNotFound` where the run is gone, or where the
        server is Prefect's.
        """
        body = LeaseRenewal(seconds=seconds, holder=holder)
        return await self._call("POST", f"/x/flow_runs/{flow_run_id}/lease", Lease, body=body)

    async def resume_flow_run(
        self, flow_run_id: UUID, run_input: Mapping[str, Any] | None = None
    ) -> OrchestrationResult:
        """Let a paused run go on, with the input it waits for."""
        body = {"run_input": None if run_input is None else dict(run_input)}
        return await self._call("POST", f"/flow_runs/{flow_run_id}/resume", OrchestrationResult, body=body)

    async def read_flow_run_states(self, flow_run_id: UUID) -> list[State]:
        """The states that a run has been in, first to last."""
        return await self._call("GET", "/flow_run_states/", list[State], query={"flow_run_id": flow_run_id})

    async def read_flow_run_state(self, flow_run_state_id: UUID) -> State:
        """One state that a run has been in. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/flow_run_states/{flow_run_state_id}", State)

    async def read_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        sort: FlowRunSort | None = None,
        limit: int | None = 200,
        offset: int = 0,
    ) -> list[FlowRun]:
        """Runs that pass all filters, the newest first; `limit=None` reads all of them, page by page."""
        body = {
            "flows": flow_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "deployments": deployment_filter,
            "work_pools": work_pool_filter,
            "work_pool_queues": work_queue_filter,
            "sort": sort,
        }
        return await self._list("/flow_runs/filter", FlowRun, body, limit=limit, offset=offset)

    async def count_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        work_pool_filter: WorkPoolFilter | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
    ) -> int:
        """How many runs pass all filters."""
        body = {
            "flows": flow_filter,
            "flow_runs": flow_run_filter,
            "task_runs": task_run_filter,
            "deployments": deployment_filter,
            "work_pools": work_pool_filter,
            "work_pool_queues": work_queue_filter,
        }
        return await self._count("/flow_runs/count", body)
