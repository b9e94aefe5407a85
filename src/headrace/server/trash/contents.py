"""What is deleted along with objects as items of its own, because there may be much of it."""

from collections.abc import Sequence
from uuid import UUID

from headrace.server.store.base import Connection, Statement, View
from headrace.server.store.hidden import shown
from headrace.server.trash.chosen import chosen, rows_of
from headrace.server.trash.marking import IDS
from headrace.wire.operations import OperationNoun

_IS_SHOWN = f"deleted_at IS NULL AND {shown('flow_runs.id')}"
_DEPLOYMENTS = chosen("SELECT id FROM deployments WHERE flow_id {among} AND deleted_at IS NULL ORDER BY id")
_RUNS_OF_FLOWS = chosen(f"SELECT id FROM flow_runs WHERE flow_id {{among}} AND {_IS_SHOWN} ORDER BY id")
_WAITING = chosen(
    "SELECT id FROM flow_runs WHERE deployment_id {among} AND deployment_id IS NOT NULL"
    f" AND state_type = 'SCHEDULED' AND run_count = 0 AND {_IS_SHOWN} ORDER BY id"
)
# From each run to the task runs that stand for subflow runs, level by level; a run that is deleted has none.
_SUBFLOWS = chosen(
    f"""
    WITH RECURSIVE tree (id) AS (
        SELECT c.id FROM task_runs t {{join}} flow_runs c ON c.parent_task_run_id = t.id
        WHERE t.flow_run_id {{among}} AND t.deleted_at IS NULL AND c.parent_task_run_id IS NOT NULL
            AND c.deleted_at IS NULL AND {shown("c.id")}
        UNION
        SELECT c.id FROM tree {{join}} task_runs t ON t.flow_run_id = tree.id
        {{join}} flow_runs c ON c.parent_task_run_id = t.id
        WHERE t.deleted_at IS NULL AND c.parent_task_run_id IS NOT NULL
            AND c.deleted_at IS NULL AND {shown("c.id")}
    )
    SELECT id FROM tree ORDER BY id
    """,
    join=("JOIN", "CROSS JOIN"),
)
Item = tuple[OperationNoun, UUID]


async def related(
    connection: Connection | View, noun: OperationNoun, ids: Sequence[UUID], *, children: bool
) -> list[Item]:
    """What goes along with these objects, each after what it belongs to: in this order it is restored, too.

    A flow's deployments and runs; what a deployment has yet to run; if `children`, the subflow runs of flow runs,
    with theirs. Those that are among `ids` themselves are not repeated.
    """
    match noun:
        case OperationNoun.FLOWS:
            deployments = await _ids(connection, _DEPLOYMENTS, ids)
            runs = await _ids(connection, _RUNS_OF_FLOWS, ids)
            known = set(runs)
            subflows = [id for id in await _ids(connection, _SUBFLOWS, runs) if id not in known] if children else []
            return [
                *((OperationNoun.DEPLOYMENTS, id) for id in deployments),
                *((OperationNoun.FLOW_RUNS, id) for id in (*runs, *subflows)),
            ]
        case OperationNoun.DEPLOYMENTS:
            return [(OperationNoun.FLOW_RUNS, id) for id in await _ids(connection, _WAITING, ids)]
        case OperationNoun.FLOW_RUNS if children:
            known = set(ids)
            return [(noun, id) for id in await _ids(connection, _SUBFLOWS, ids) if id not in known]
        case _:
            return []


async def _ids(connection: Connection | View, statement: Statement, ids: Sequence[UUID]) -> list[UUID]:
    if not ids:
        return []
    return IDS.all(await rows_of(connection, statement, list(ids)), connection.dialect)
