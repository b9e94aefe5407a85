"""Reading flow runs: one by id, lists, pages and counts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from headrace.rules.estimates import estimated_run_time, estimated_start_time_delta
from headrace.server.filters import Query
from headrace.server.states.reading import STATES, current_states
from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.filters import Filter
from headrace.wire.flow_runs import CreatedBy, FlowRun, FlowRunPolicy
from headrace.wire.flows import Labels
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import StateType

Given = Mapping[str, Filter]
_ANYTHING = JSON(dict[str, object])

RUNS = Reader(
    FlowRun,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "flow_id": Kind.UUID,
        "state_id": Kind.UUID,
        "deployment_id": Kind.UUID,
        "deployment_version": Kind.TEXT,
        "work_queue_id": Kind.UUID,
        "work_queue_name": Kind.TEXT,
        "flow_version": Kind.TEXT,
        "parameters": _ANYTHING,
        "idempotency_key": Kind.TEXT,
        "context": _ANYTHING,
        "empirical_policy": JSON(FlowRunPolicy),
        "tags": JSON(list[str]),
        "labels": JSON(Labels),
        "parent_task_run_id": Kind.UUID,
        "state_type": ENUM(StateType),
        "state_name": Kind.TEXT,
        "run_count": Kind.INTEGER,
        "expected_start_time": Kind.TIME,
        "next_scheduled_start_time": Kind.TIME,
        "start_time": Kind.TIME,
        "end_time": Kind.TIME,
        "total_run_time": Kind.FLOAT,
        "auto_scheduled": Kind.BOOLEAN,
        "infrastructure_document_id": Kind.UUID,
        "infrastructure_pid": Kind.TEXT,
        "created_by": JSON(CreatedBy),
        "job_variables": _ANYTHING,
    },
)
_WIDTH = len(RUNS.names)
_COLUMNS = f"{RUNS.columns('flow_runs')}, {STATES.columns('state')}"
_WITH_STATE = "LEFT JOIN flow_run_states AS state ON state.id = flow_runs.state_id"
_START = "coalesce(flow_runs.start_time, flow_runs.expected_start_time)"
_ORDERS = {
    "ID_DESC": "flow_runs.id DESC",
    "START_TIME_ASC": f"{_START} ASC, flow_runs.id ASC",
    "START_TIME_DESC": f"{_START} DESC, flow_runs.id DESC",
    "EXPECTED_START_TIME_ASC": "flow_runs.expected_start_time ASC, flow_runs.id ASC",
    "EXPECTED_START_TIME_DESC": "flow_runs.expected_start_time DESC, flow_runs.id DESC",
    "NAME_ASC": "flow_runs.name ASC, flow_runs.id ASC",
    "NAME_DESC": "flow_runs.name DESC, flow_runs.id DESC",
    "NEXT_SCHEDULED_START_TIME_ASC": "flow_runs.next_scheduled_start_time ASC NULLS LAST, flow_runs.id ASC",
    "END_TIME_DESC": "flow_runs.end_time DESC NULLS LAST, flow_runs.id DESC",
}

BY_ID = Statement(
    f"SELECT {_COLUMNS} FROM flow_runs {_WITH_STATE} WHERE flow_runs.id = $1 AND flow_runs.deleted_at IS NULL"
)
LIST = Query(
    "flow_runs",
    "flow_runs.id",
    f"SELECT {_COLUMNS} FROM ({{matching}} ORDER BY {{order}} LIMIT {{limit}} OFFSET {{offset}}) AS page"
    f" JOIN flow_runs ON flow_runs.id = page.id {_WITH_STATE} ORDER BY {{order}}",
    orders=_ORDERS,
    extras=("limit", "offset"),
)
COUNT = Query("flow_runs", "flow_runs.id", "SELECT count(*) FROM ({matching}) AS matching")


async def read(connection: Connection, flow_run_id: UUID, now: datetime) -> FlowRun | None:
    """The run with its state, estimated as of `now`, or None if there is no such run."""
    row = await connection.fetch_one(BY_ID, flow_run_id)
    return None if row is None else _runs([row], connection.dialect, now)[0]


async def list_runs(
    store: Store, filters: Given, sort: FlowRunSort, limit: int, offset: int, now: datetime
) -> list[FlowRun]:
    """The runs that match, from `offset` on."""
    if limit == 0:
        return []
    statement, values = LIST.bind(store.dialect, filters, sort, limit=limit, offset=offset)
    return _runs(await store.scan(statement, *values), store.dialect, now)


async def count(store: Store, filters: Given) -> int:
    """How many runs match."""
    statement, values = COUNT.bind(store.dialect, filters)
    rows = await store.scan(statement, *values)
    return rows[0][0]


def _runs(rows: Sequence[Row], dialect: Dialect, now: datetime) -> list[FlowRun]:
    runs = RUNS.all([row[:_WIDTH] for row in rows], dialect)
    for run, state in zip(runs, current_states(rows, _WIDTH, dialect), strict=True):
        run.state = state
        timestamp = None if state is None else state.timestamp
        run.estimated_run_time = estimated_run_time(run.total_run_time, run.state_type, timestamp, now)
        run.estimated_start_time_delta = estimated_start_time_delta(
            run.expected_start_time, run.start_time, run.state_type, now
        )
    return runs
