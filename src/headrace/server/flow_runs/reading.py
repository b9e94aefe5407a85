"""Reading flow runs: one by id, lists, pages and counts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.filters.listing import Given, Listing
from headrace.server.states.reading import STATES, complete
from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.rows import ENUM, JSON, Field, Kind, Reader
from headrace.wire.flow_runs import CreatedBy, FlowRun, FlowRunPolicy
from headrace.wire.flows import Labels
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import StateType

_ANYTHING = JSON(dict[str, object])

FIELDS: dict[str, Field] = {
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
}
RUNS = Reader(FlowRun, FIELDS)
WIDTH = len(RUNS.names)
COLUMNS = f"{RUNS.columns('flow_runs')}, {STATES.columns('state')}"
WITH_STATE = "LEFT JOIN flow_run_states AS state ON state.id = flow_runs.state_id"
_START = "coalesce(flow_runs.start_time, flow_runs.expected_start_time)"
ORDERS = {
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

SELECT = f"SELECT {COLUMNS} FROM flow_runs {WITH_STATE}"
"""The beginning of a statement whose rows `runs` reads."""
_BY_ID = Statement(f"{SELECT} WHERE flow_runs.id = $1 AND flow_runs.deleted_at IS NULL AND {shown('flow_runs.id')}")
LISTING = Listing("flow_runs", COLUMNS, ORDERS)


async def read(connection: Connection, flow_run_id: UUID, now: datetime) -> FlowRun | None:
    """The run with its state, estimated as of `now`, or None if there is no such run."""
    row = await connection.fetch_one(_BY_ID, flow_run_id)
    if row is None:
        return None
    found = runs([row], connection.dialect, now)
    await name_pools(connection, found)
    return found[0]


async def list_runs(
    store: Store, filters: Given, sort: FlowRunSort, limit: int, offset: int, now: datetime
) -> list[FlowRun]:
    """The runs that match, from `offset` on."""
    found = runs(await LISTING.rows(store, filters, sort, limit, offset), store.dialect, now)
    await name_pools(store, found)
    return found


async def count(store: Store, filters: Given) -> int:
    """How many runs match; of all runs the number is kept."""
    return await LISTING.count(store, filters)


def runs(rows: Sequence[Row], dialect: Dialect, now: datetime) -> list[FlowRun]:
    """The runs of rows that `SELECT` gave, with their states, estimated as of `now`."""
    found = RUNS.all([row[:WIDTH] for row in rows], dialect)
    complete(found, rows, WIDTH, dialect, now)
    return found


async def name_pools(connection: Connection, found: Sequence[FlowRun]) -> None:
    """Say which work pools the runs are in; a queue that has been deleted is not named by its id any more.

    Most runs are in no queue, so pools are looked up apart, for the queues that are there.
    """
    queues = {run.work_queue_id for run in found if run.work_queue_id is not None}
    if not queues:
        return
    from headrace.server.work_pools import service as work_pools  # a process that records its own runs needs none

    pools = await work_pools.of_queues(connection, queues)
    for run in found:
        pool = None if run.work_queue_id is None else pools.get(run.work_queue_id)
        if pool is None:
            run.work_queue_id = None
        else:
            run.work_pool_id, run.work_pool_name = pool.id, pool.name
