"""What the UI counts of task runs."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from headrace.server.filters import Query
from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.hidden import all_shown, shown
from headrace.server.task_runs import reading
from headrace.wire.errors import ObjectNotFound, Unprocessable
from headrace.wire.filters import Filter
from headrace.wire.ui import CountByState, TaskRunCount, TaskRunCounts, UITaskRun

BARS = 20
"""How many bars the dashboard's plot has."""

_ALL = "SELECT state_type FROM task_runs WHERE deleted_at IS NULL"
_ALL_BY_STATE = Statement(
    f"SELECT state_type, count(*) FROM ({all_shown(_ALL, 'task_runs.flow_run_id')}) AS shown GROUP BY state_type",
    sqlite="SELECT state_type, count(*) FROM task_runs"
    f" WHERE deleted_at IS NULL AND {shown('task_runs.flow_run_id')} GROUP BY state_type",
)
# The plus signs keep SQLite from walking all runs in the order of their states: the window's index is shorter.
_BY_STATE = Query(
    "task_runs",
    "task_runs.state_type",
    "SELECT state_type, count(*) FROM ({matching}) AS matching GROUP BY state_type",
    sqlite="SELECT state_type, count(*) FROM ({matching}) AS matching GROUP BY +state_type",
    walks=True,
)
_ENDED = """
SELECT {bar} AS bar, count(CASE WHEN state_type = 'COMPLETED' THEN 1 END),
    count(CASE WHEN state_type IN ('FAILED', 'CRASHED') THEN 1 END)
FROM ({{matching}}) AS matching WHERE start_time >= {{after}} AND start_time <= {{before}}
GROUP BY 1
"""
"""Counted side by side, since SQLite takes twice the time to group by two things."""
_PER_BAR = Query(
    "task_runs",
    "task_runs.start_time, task_runs.state_type",
    _ENDED.format(
        bar=f"least(floor(extract(epoch FROM start_time - {{after}}::timestamptz) * {BARS}"
        f" / extract(epoch FROM {{before}}::timestamptz - {{after}}::timestamptz)), {BARS - 1})::integer",
    ),
    sqlite=_ENDED.format(
        bar=f"min((start_time - {{after}}) * {BARS} / ({{before}} - {{after}}), {BARS - 1})",
    ),
    extras=("after", "before"),
    walks=True,
)
_FLOW_RUN_NAME = Statement(
    f"SELECT name FROM flow_runs WHERE id = $1 AND deleted_at IS NULL AND {shown('flow_runs.id')}"
)


async def read(connection: Connection, task_run_id: UUID, now: datetime) -> UITaskRun:
    """The run with the name of its flow run, or raise `ObjectNotFound`."""
    run = await reading.read(connection, task_run_id, now)
    if run is None:
        raise ObjectNotFound("Task not found")
    row = None if run.flow_run_id is None else await connection.fetch_one(_FLOW_RUN_NAME, run.flow_run_id)
    fields = {name: getattr(run, name) for name in run.__struct_fields__}
    return UITaskRun(**fields, flow_run_name=None if row is None else row[0])


async def count_by_state(store: Store, filters: Mapping[str, Filter]) -> CountByState:
    """How many task runs match, by the type of their state."""
    statement, values = _BY_STATE.bind(store.dialect, filters) if filters else (_ALL_BY_STATE, [])
    rows = await store.scan(statement, *values)
    return CountByState(**{state_type: count for state_type, count in rows if state_type is not None})


async def dashboard(store: Store, asked: TaskRunCounts, now: datetime) -> list[TaskRunCount]:
    """The task runs that ended well or badly, in twenty bars by when they started.

    The bars reach from `start_time.after_`, without which `Unprocessable` is raised, to `before_` or `now`.
    """
    window = asked.task_runs.start_time
    if window is None or window.after_ is None:
        raise Unprocessable("task_runs.start_time.after_ is required")
    after, before = window.after_, window.before_ or now
    bars = [TaskRunCount() for _ in range(BARS)]
    if before <= after:
        return bars
    statement, values = _PER_BAR.bind(store.dialect, asked.given(), after=after, before=before)
    for number, completed, failed in await store.scan(statement, *values):
        bar = bars[int(number)]
        bar.completed, bar.failed = bar.completed + completed, bar.failed + failed
    return bars
