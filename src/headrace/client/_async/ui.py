"""Calls that the web UI makes beside those about the plain nouns, for programs that show the same."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from headrace.client._async.base import Part
from headrace.wire.filters import FlowFilter, FlowRunFilter, TaskRunFilter
from headrace.wire.listings import Filters
from headrace.wire.sorts import FlowRunSort
from headrace.wire.task_workers import TaskWorker, TaskWorkerFilter, TaskWorkerList
from headrace.wire.ui import (
    CountByState,
    FlowIds,
    FlowRunIds,
    FlowRunPoints,
    SchemaValues,
    SchemaValuesValidationResponse,
    SimpleFlowRun,
    SimpleNextFlowRun,
    TaskRunCount,
    TaskRunCounts,
    UITaskRun,
)


class UICalls(Part):
    """Counts, points and bars in one request each."""

    async def count_deployments_by_flow(self, flow_ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many deployments each flow has."""
        body = FlowIds(flow_ids=list(flow_ids))
        return await self._call("POST", "/ui/flows/count-deployments", dict[UUID, int], body=body)

    async def read_next_runs_by_flow(self, flow_ids: Iterable[UUID]) -> dict[UUID, SimpleNextFlowRun | None]:
        """The run of each flow that is due first."""
        body = FlowIds(flow_ids=list(flow_ids))
        return await self._call("POST", "/ui/flows/next-runs", dict[UUID, SimpleNextFlowRun | None], body=body)

    async def read_flow_run_points(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        sort: FlowRunSort = FlowRunSort.EXPECTED_START_TIME_DESC,
        limit: int = 1000,
        offset: int = 0,
    ) -> list[SimpleFlowRun]:
        """The flow runs that match as points of a plot, at most 1,000."""
        body = FlowRunPoints(flows=flow_filter, flow_runs=flow_run_filter, sort=sort, limit=limit, offset=offset)
        return await self._call("POST", "/ui/flow_runs/history", list[SimpleFlowRun], body=body)

    async def count_task_runs_by_flow_run(self, flow_run_ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many task runs each flow run has."""
        body = FlowRunIds(flow_run_ids=list(flow_run_ids))
        return await self._call("POST", "/ui/flow_runs/count-task-runs", dict[UUID, int], body=body)

    async def read_dashboard_task_run_counts(
        self, task_run_filter: TaskRunFilter, *, flow_run_filter: FlowRunFilter | None = None
    ) -> list[TaskRunCount]:
        """The task runs that ended well or badly, bar by bar; the filter's `start_time.after_` says from when."""
        body = TaskRunCounts(task_runs=task_run_filter, flow_runs=flow_run_filter)
        return await self._call("POST", "/ui/task_runs/dashboard/counts", list[TaskRunCount], body=body)

    async def count_task_runs_by_state(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
    ) -> CountByState:
        """How many task runs match, by the type of their state."""
        body = Filters(flows=flow_filter, flow_runs=flow_run_filter, task_runs=task_run_filter)
        return await self._call("POST", "/ui/task_runs/count", CountByState, body=body)

    async def read_task_run_with_flow_run_name(self, task_run_id: UUID) -> UITaskRun:
        """One task run, with the name of its flow run. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/ui/task_runs/{task_run_id}", UITaskRun)

    async def validate_schema_values(
        self, schema: dict[str, Any], values: dict[str, Any]
    ) -> SchemaValuesValidationResponse:
        """What is wrong with values that should fit a JSON Schema."""
        body = SchemaValues(schema=schema, values=values)
        return await self._call("POST", "/ui/schemas/validate", SchemaValuesValidationResponse, body=body)

    async def read_task_workers(self, task_keys: Iterable[str] | None = None) -> list[TaskWorker]:
        """The processes that are connected and wait for background tasks, or for some of them."""
        wanted = None if task_keys is None else TaskWorkerFilter(task_keys=list(task_keys))
        body = TaskWorkerList(task_worker_filter=wanted)
        return await self._call("POST", "/task_workers/filter", list[TaskWorker], body=body)
