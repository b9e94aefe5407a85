"""`/flow_run_states` and `/task_run_states`: the history of runs."""

from uuid import UUID

from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.states.reading import STATES
from headrace.server.store.base import Connection, Statement
from headrace.server.store.hidden import shown
from headrace.wire.errors import ObjectNotFound
from headrace.wire.states import State

flow_run_states = Router(prefix="/flow_run_states", tag="Flow Run States")
task_run_states = Router(prefix="/task_run_states", tag="Task Run States")
routers = (flow_run_states, task_run_states)

_SELECT = f"SELECT {STATES.columns('s')} FROM"
_FLOW_RUN_IS_SHOWN = f"r.deleted_at IS NULL AND {shown('r.id')}"
_TASK_RUN_IS_SHOWN = f"r.deleted_at IS NULL AND {shown('r.flow_run_id')}"
_FLOW_RUN_STATE = Statement(
    f"{_SELECT} flow_run_states s JOIN flow_runs r ON r.id = s.flow_run_id WHERE s.id = $1 AND {_FLOW_RUN_IS_SHOWN}"
)
_TASK_RUN_STATE = Statement(
    f"{_SELECT} task_run_states s JOIN task_runs r ON r.id = s.task_run_id WHERE s.id = $1 AND {_TASK_RUN_IS_SHOWN}"
)
_FLOW_RUN_STATES = Statement(
    f"""
    {_SELECT} flow_run_states s JOIN flow_runs r ON r.id = s.flow_run_id
    WHERE s.flow_run_id = $1 AND {_FLOW_RUN_IS_SHOWN} ORDER BY s.timestamp, s.id
    """
)
_TASK_RUN_STATES = Statement(
    f"""
    {_SELECT} task_run_states s JOIN task_runs r ON r.id = s.task_run_id
    WHERE s.task_run_id = $1 AND {_TASK_RUN_IS_SHOWN} ORDER BY s.timestamp, s.id
    """
)


@flow_run_states.get("/{id}")
async def read_flow_run_state(ctx: Context, id: UUID) -> State:
    """One state of a flow run."""
    return await _one(ctx.store, _FLOW_RUN_STATE, id, "Flow run state not found")


@flow_run_states.get("/")
async def read_flow_run_states(ctx: Context, flow_run_id: UUID) -> list[State]:
    """The states of a flow run, in the order in which it entered them."""
    return STATES.all(await ctx.store.fetch(_FLOW_RUN_STATES, flow_run_id), ctx.store.dialect)


@task_run_states.get("/{id}")
async def read_task_run_state(ctx: Context, id: UUID) -> State:
    """One state of a task run."""
    return await _one(ctx.store, _TASK_RUN_STATE, id, "Task run state not found")


@task_run_states.get("/")
async def read_task_run_states(ctx: Context, task_run_id: UUID) -> list[State]:
    """The states of a task run, in the order in which it entered them."""
    return STATES.all(await ctx.store.fetch(_TASK_RUN_STATES, task_run_id), ctx.store.dialect)


async def _one(connection: Connection, statement: Statement, id: UUID, missing: str) -> State:
    row = await connection.fetch_one(statement, id)
    if row is None:
        raise ObjectNotFound(missing)
    return STATES.one(row, connection.dialect)
