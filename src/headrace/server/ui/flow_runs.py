"""What the UI plots of flow runs: each as a point in time, and how many task runs it has."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.estimates import estimated_run_time, estimated_start_time_delta
from headrace.server.filters.listing import Listing
from headrace.server.flow_runs.reading import ORDERS
from headrace.server.store.base import Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.wire.states import StateType
from headrace.wire.ui import FlowRunPoints, SimpleFlowRun


class _Run(msgspec.Struct, kw_only=True):
    id: UUID
    state_type: StateType | None
    state_timestamp: datetime | None
    start_time: datetime | None
    expected_start_time: datetime | None
    total_run_time: float


_RUNS = Reader(
    _Run,
    {
        "id": Kind.UUID,
        "state_type": ENUM(StateType),
        "state_timestamp": Kind.TIME,
        "start_time": Kind.TIME,
        "expected_start_time": Kind.TIME,
        "total_run_time": Kind.FLOAT,
    },
)
_LISTING = Listing("flow_runs", _RUNS.columns("flow_runs"), ORDERS)
_COUNT = f"""
SELECT flow_run_id, count(*) FROM task_runs
WHERE {{runs}} AND deleted_at IS NULL AND {shown("task_runs.flow_run_id")} GROUP BY flow_run_id
"""
_TASK_RUNS = Statement(
    _COUNT.format(runs="flow_run_id = ANY($1::uuid[])"),
    sqlite=_COUNT.format(runs="flow_run_id IN (SELECT value FROM json_each($1))"),
)


async def points(store: Store, asked: FlowRunPoints, now: datetime) -> list[SimpleFlowRun]:
    """The runs that match, each as a point; `now` is when those that still run are measured."""
    rows = await _LISTING.rows(store, asked.given(), asked.sort, asked.limit, asked.offset)
    found = (_point(run, now) for run in _RUNS.all(rows, store.dialect))
    return [point for point in found if point is not None]


async def count_task_runs(store: Store, flow_run_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many task runs each of the flow runs has."""
    rows = await store.scan(_TASK_RUNS, list(flow_run_ids))
    return dict.fromkeys(flow_run_ids, 0) | {UUID(str(flow_run_id)): count for flow_run_id, count in rows}


def _point(run: _Run, now: datetime) -> SimpleFlowRun | None:
    """The run as a point, unless it has neither a state nor a time."""
    moment = run.start_time or run.expected_start_time
    if run.state_type is None or moment is None:
        return None
    return SimpleFlowRun(
        id=run.id,
        state_type=run.state_type,
        timestamp=moment,
        duration=estimated_run_time(run.total_run_time, run.state_type, run.state_timestamp, now),
        lateness=estimated_start_time_delta(run.expected_start_time, run.start_time, run.state_type, now),
    )
