"""What the UI shows beside flows: how many deployments each has, and which run is next."""

from collections.abc import Sequence
from uuid import UUID

from headrace.server.store.base import Connection, Statement
from headrace.server.store.hidden import shown
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.wire.states import StateType
from headrace.wire.ui import SimpleNextFlowRun

_NEXT = Reader(
    SimpleNextFlowRun,
    {
        "id": Kind.UUID,
        "flow_id": Kind.UUID,
        "name": Kind.TEXT,
        "state_name": Kind.TEXT,
        "state_type": ENUM(StateType),
        "next_scheduled_start_time": Kind.TIME,
    },
)
_COUNT = """
SELECT flow_id, count(*) FROM deployments WHERE {flows} AND deleted_at IS NULL GROUP BY flow_id
"""
# Only runs that are scheduled have a next start, and its index holds only those: far fewer than a flow has runs.
_FIRST = f"""
SELECT {_NEXT.columns()} FROM (
    SELECT {_NEXT.columns()}, row_number() OVER (PARTITION BY flow_id ORDER BY next_scheduled_start_time, id) AS place
    FROM flow_runs
    WHERE {{flows}} AND next_scheduled_start_time IS NOT NULL AND state_type = 'SCHEDULED' AND deleted_at IS NULL
    AND {shown("flow_runs.id")}
) AS scheduled
WHERE place = 1
"""
_IN_POSTGRES, _IN_SQLITE = "flow_id = ANY($1::uuid[])", "{}flow_id IN (SELECT value FROM json_each($1))"
_DEPLOYMENTS = Statement(_COUNT.format(flows=_IN_POSTGRES), sqlite=_COUNT.format(flows=_IN_SQLITE.format("")))
_NEXT_RUNS = Statement(_FIRST.format(flows=_IN_POSTGRES), sqlite=_FIRST.format(flows=_IN_SQLITE.format("+")))


async def count_deployments(connection: Connection, flow_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many deployments each of the flows has."""
    rows = await connection.fetch(_DEPLOYMENTS, list(flow_ids))
    return dict.fromkeys(flow_ids, 0) | {UUID(str(flow_id)): count for flow_id, count in rows}


async def next_runs(connection: Connection, flow_ids: Sequence[UUID]) -> dict[UUID, SimpleNextFlowRun | None]:
    """The run of each of the flows that is due first, overdue ones too; None for a flow without any."""
    found = _NEXT.all(await connection.fetch(_NEXT_RUNS, list(flow_ids)), connection.dialect)
    none: dict[UUID, SimpleNextFlowRun | None] = dict.fromkeys(flow_ids)
    return none | {run.flow_id: run for run in found}
