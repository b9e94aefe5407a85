"""Calls that look at many runs at once: numbered pages, histories, graphs (contract §3)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.wire.deployment_listings import DeploymentPage
from headrace.wire.filters import DeploymentFilter, FlowFilter, FlowRunFilter, TaskRunFilter
from headrace.wire.listings import Dependency, FlowPage, FlowRunPage, Graph, HistoryBar, TaskRunPage
from headrace.wire.sorts import DeploymentSort, FlowRunSort, FlowSort, TaskRunSort


class OverviewCalls(Part):
    """What the user interface shows, for programs."""

    async def paginate_flows(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        sort: FlowSort | None = None,
        page: int = 1,
        limit: int | None = None,
    ) -> FlowPage:
        """One page of flows, counted from 1, and how many there are."""
        body = _given(flows=flow_filter, flow_runs=flow_run_filter, sort=sort, page=page, limit=limit)
        return await self._call("POST", "/flows/paginate", FlowPage, body=body)

    async def paginate_flow_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        sort: FlowRunSort | None = None,
        page: int = 1,
        limit: int | None = None,
    ) -> FlowRunPage:
        """One page of runs, counted from 1, and how many there are."""
        filters = _filters(flow_filter, flow_run_filter, task_run_filter)
        body = filters | _given(sort=sort, page=page, limit=limit)
        return await self._call("POST", "/flow_runs/paginate", FlowRunPage, body=body)

    async def paginate_task_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        sort: TaskRunSort | None = None,
        page: int = 1,
        limit: int | None = None,
    ) -> TaskRunPage:
        """One page of runs, counted from 1, and how many there are."""
        filters = _filters(flow_filter, flow_run_filter, task_run_filter)
        body = filters | _given(sort=sort, page=page, limit=limit)
        return await self._call("POST", "/task_runs/paginate", TaskRunPage, body=body)

    async def paginate_deployments(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        sort: DeploymentSort | None = None,
        page: int = 1,
        limit: int | None = None,
    ) -> DeploymentPage:
        """One page of deployments, counted from 1, and how many there are."""
        filters = _given(flows=flow_filter, flow_runs=flow_run_filter, deployments=deployment_filter)
        body = filters | _given(sort=sort, page=page, limit=limit)
        return await self._call("POST", "/deployments/paginate", DeploymentPage, body=body)

    async def read_flow_run_history(
        self,
        *,
        start: datetime,
        end: datetime,
        interval: timedelta,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
    ) -> list[HistoryBar]:
        """Runs by the time they were expected to start and by state, in at most 500 bars."""
        body = _filters(flow_filter, flow_run_filter, task_run_filter) | _bars(start, end, interval)
        return await self._call("POST", "/flow_runs/history", list[HistoryBar], body=body)

    async def read_task_run_history(
        self,
        *,
        start: datetime,
        end: datetime,
        interval: timedelta,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
    ) -> list[HistoryBar]:
        """Runs by the time they were expected to start and by state, in at most 500 bars."""
        body = _filters(flow_filter, flow_run_filter, task_run_filter) | _bars(start, end, interval)
        return await self._call("POST", "/task_runs/history", list[HistoryBar], body=body)

    async def read_flow_run_lateness(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
    ) -> float | None:
        """Mean seconds by which runs started late; None without any run."""
        body = _filters(flow_filter, flow_run_filter, task_run_filter)
        return await self._call("POST", "/flow_runs/lateness", _SECONDS, body=body)

    async def read_flow_run_graph(self, flow_run_id: UUID, since: datetime | None = None) -> Graph:
        """What a run ran, as a graph of task runs and subflow runs; with `since`, what had not ended by then."""
        query = {"since": None if since is None else since.isoformat()}
        return await self._call("GET", f"/flow_runs/{flow_run_id}/graph-v2", Graph, query=query)

    async def read_flow_run_dependencies(self, flow_run_id: UUID) -> list[Dependency]:
        """The task runs of a run, each with those whose results it took."""
        return await self._call("GET", f"/flow_runs/{flow_run_id}/graph", list[Dependency])

    async def download_flow_run_logs(self, flow_run_id: UUID) -> str:
        """All log lines of a run and its task runs, as CSV with a header."""
        return await self._text("GET", f"/flow_runs/{flow_run_id}/logs/download")


_SECONDS: Any = float | None


def _given(**values: Any) -> dict[str, Any]:
    return calls.given(values)


def _filters(
    flows: FlowFilter | None, flow_runs: FlowRunFilter | None, task_runs: TaskRunFilter | None
) -> dict[str, Any]:
    return _given(flows=flows, flow_runs=flow_runs, task_runs=task_runs)


def _bars(start: datetime, end: datetime, interval: timedelta) -> dict[str, Any]:
    return {"history_start": start, "history_end": end, "history_interval_seconds": interval.total_seconds()}
