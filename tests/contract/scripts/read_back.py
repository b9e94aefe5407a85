"""Reads everything back through the real client's `get_client()`; prints it as one JSON line."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    LogFilter,
    LogFilterFlowRunId,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort, LogSort, TaskRunSort
from prefect.states import Cancelling, Scheduled


@flow(name="contract-made-by-hand")
def made_by_hand() -> None:
    """Never run: its run is made, renamed, cancelled and deleted through the client."""


async def read(seen: dict) -> dict:
    out: dict = {}
    async with get_client() as client:
        run = await client.read_flow_run(seen["tasks_run_id"])
        out["tasks"] = {
            "state": run.state.name,
            "run_count": run.run_count,
            "parameters": run.parameters,
            "took": run.total_run_time.total_seconds(),
            "ended": run.end_time is not None,
        }
        task_runs = await client.read_task_runs(
            task_run_filter=TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=[run.id])),
            sort=TaskRunSort.EXPECTED_START_TIME_ASC,
        )
        out["task_runs"] = sorted([t.task_key.split("-")[0], t.state.name, t.tags] for t in task_runs)
        states = await client.read_task_run_states(task_runs[0].id)
        out["task_states"] = [s.name for s in states]
        out["states"] = [s.name for s in await client.read_flow_run_states(run.id)]
        logs = await client.read_logs(
            LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id])), sort=LogSort.TIMESTAMP_ASC
        )
        out["logs"] = [line.message for line in logs]
        children = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[seen["parent_run_id"]]))
        )
        out["children"] = [str(c.id) for c in children]
        retried = await client.read_flow_run(seen["retrying_run_id"])
        out["retried"] = [retried.state.name, retried.run_count]
        failed = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED]))
            ),
            sort=FlowRunSort.START_TIME_DESC,
        )
        out["failed"] = [str(r.id) for r in failed]
        flows = await client.read_flows(flow_filter=FlowFilter(name=FlowFilterName(like_="contract-")))
        out["flows"] = sorted(f.name for f in flows)
        out["count"] = await client.count_flow_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[seen["tasks_run_id"], seen["async_run_id"]]))
        )
        await write(client, seen, out)
    return out


async def write(client, seen: dict, out: dict) -> None:
    """What a person does to runs: make one for later, rename it, cancel it, delete it."""
    due = datetime.now(UTC) + timedelta(hours=1)
    run_id = (await client.create_flow_run(made_by_hand, state=Scheduled(scheduled_time=due))).id
    await client.update_flow_run(run_id, name="renamed", tags=["by-hand"])
    renamed = await client.read_flow_run(run_id)
    out["renamed"] = [renamed.name, renamed.tags, renamed.state.name]
    result = await client.set_flow_run_state(run_id, Cancelling())
    out["cancelled"] = [result.status.value, result.state.name]
    await client.delete_flow_run(run_id)
    try:
        await client.read_flow_run(run_id)
    except Exception as error:
        out["deleted"] = type(error).__name__


if __name__ == "__main__":
    json.dump(asyncio.run(read(json.loads(sys.argv[1]))), sys.stdout)
    print()
