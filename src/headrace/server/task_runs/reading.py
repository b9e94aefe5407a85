"""Reading task runs: one by id, lists, pages and counts."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.filters.listing import Given, Listing
from headrace.server.states.reading import STATES, complete, complete_sent
from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.rows import ENUM, JSON, RENDERED, Field, Kind, Reader
from headrace.server.store.sending import sender
from headrace.wire.flows import Labels
from headrace.wire.sorts import TaskRunSort
from headrace.wire.states import StateType
from headrace.wire.task_runs import TaskInputs, TaskRun, TaskRunPolicy, TaskRunSummary

_FIELDS: dict[str, Field] = {
    "id": Kind.UUID,
    "created": Kind.TIME,
    "updated": Kind.TIME,
    "name": Kind.TEXT,
    "flow_run_id": Kind.UUID,
    "task_key": Kind.TEXT,
    "dynamic_key": Kind.TEXT,
    "cache_key": Kind.TEXT,
    "cache_expiration": Kind.TIME,
    "task_version": Kind.TEXT,
    "empirical_policy": JSON(TaskRunPolicy),
    "tags": JSON(list[str]),
    "labels": JSON(Labels),
    "state_id": Kind.UUID,
    "task_inputs": JSON(TaskInputs),
    "state_type": ENUM(StateType),
    "state_name": Kind.TEXT,
    "run_count": Kind.INTEGER,
    "flow_run_run_count": Kind.INTEGER,
    "expected_start_time": Kind.TIME,
    "next_scheduled_start_time": Kind.TIME,
    "start_time": Kind.TIME,
    "end_time": Kind.TIME,
    "total_run_time": Kind.FLOAT,
}
RUNS = Reader(TaskRun, _FIELDS)
_WIDTH = len(RUNS.names)
_COLUMNS = f"{RUNS.columns('task_runs')}, {STATES.columns('state')}"
_WITH_STATE = "LEFT JOIN task_run_states AS state ON state.id = task_runs.state_id"
_ORDERS = {
    "ID_DESC": "task_runs.id DESC",
    "EXPECTED_START_TIME_ASC": "task_runs.expected_start_time ASC, task_runs.id ASC",
    "EXPECTED_START_TIME_DESC": "task_runs.expected_start_time DESC, task_runs.id DESC",
    "NAME_ASC": "task_runs.name ASC, task_runs.id ASC",
    "NAME_DESC": "task_runs.name DESC, task_runs.id DESC",
    "NEXT_SCHEDULED_START_TIME_ASC": "task_runs.next_scheduled_start_time ASC NULLS LAST, task_runs.id ASC",
    "END_TIME_DESC": "task_runs.end_time DESC NULLS LAST, task_runs.id DESC",
}

_BY_ID = Statement(
    f"SELECT {_COLUMNS} FROM task_runs {_WITH_STATE}"
    f" WHERE task_runs.id = $1 AND task_runs.deleted_at IS NULL AND {shown('task_runs.flow_run_id')}"
)
_LISTING = Listing("task_runs", _COLUMNS, _ORDERS)


async def read(connection: Connection, task_run_id: UUID, now: datetime) -> TaskRun | None:
    """The run with its state, estimated as of `now`, or None if there is no such run."""
    row = await connection.fetch_one(_BY_ID, task_run_id)
    return None if row is None else _runs([row], connection.dialect, now)[0]


async def list_runs(
    store: Store, filters: Given, sort: TaskRunSort, limit: int, offset: int, now: datetime
) -> list[TaskRun]:
    """The runs that match, from `offset` on."""
    return _runs(await _LISTING.rows(store, filters, sort, limit, offset), store.dialect, now)


async def send_runs(
    store: Store, filters: Given, sort: TaskRunSort, limit: int, offset: int, now: datetime
) -> list[Any]:
    """The same runs, to be encoded and no more (see store/sending.py)."""
    rows = await _LISTING.rows(store, filters, sort, limit, offset)
    found = _sent_runs().all([row[:_WIDTH] for row in rows], store.dialect)
    complete_sent(found, rows, _WIDTH, store.dialect, now)
    return found


@cache
def _sent_runs() -> Reader[Any]:
    return sender(TaskRun, _FIELDS, empirical_policy=RENDERED(TaskRunPolicy), task_inputs=JSON(TaskInputs))


async def count(store: Store, filters: Given) -> int:
    """How many runs match; of all runs the number is kept."""
    return await _LISTING.count(store, filters)


def summary(run: TaskRun) -> TaskRunSummary:
    """The reduced form in which pages show a run."""
    return msgspec.convert(run, TaskRunSummary, from_attributes=True)


def _runs(rows: Sequence[Row], dialect: Dialect, now: datetime) -> list[TaskRun]:
    runs = RUNS.all([row[:_WIDTH] for row in rows], dialect)
    complete(runs, rows, _WIDTH, dialect, now)
    return runs
