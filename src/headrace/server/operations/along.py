"""What goes along with objects that are deleted, counted beforehand."""

from collections.abc import Mapping
from functools import cache

from headrace.server.filters import Query
from headrace.server.store.hidden import shown
from headrace.wire.operations import OperationNoun

_SHOWN = f"AND deleted_at IS NULL AND {shown('flow_runs.id')}"
_RUNS_OF_FLOWS = f"SELECT id FROM flow_runs WHERE flow_id IN ({{matching}}) {_SHOWN}"
_SUBFLOWS = f"""
    WITH RECURSIVE tree (id) AS (
        {{matching}}
        UNION
        SELECT c.id FROM tree JOIN task_runs t ON t.flow_run_id = tree.id AND t.deleted_at IS NULL
        JOIN flow_runs c ON c.parent_task_run_id = t.id AND c.deleted_at IS NULL AND {shown("c.id")}
    ) SELECT count(*) - (SELECT count(*) FROM ({{matching}}) AS matching) FROM tree
"""


def _of(table: str, key: str, owners: str = "{matching}", more: str = "AND deleted_at IS NULL") -> str:
    return f"SELECT count(*) FROM {table} WHERE {key} IN ({owners}) {more}"


_AROUND: Mapping[OperationNoun, Mapping[str, str]] = {
    OperationNoun.FLOWS: {
        "deployments": _of("deployments", "flow_id"),
        "flow_runs": _of("flow_runs", "flow_id", more=_SHOWN),
        "task_runs": _of("task_runs", "flow_run_id", _RUNS_OF_FLOWS),
        "logs": _of("logs", "flow_run_id", _RUNS_OF_FLOWS, ""),
        "artifacts": _of("artifacts", "flow_run_id", _RUNS_OF_FLOWS),
    },
    OperationNoun.DEPLOYMENTS: {
        "schedules": _of("deployment_schedules", "deployment_id"),
        "flow_runs": _of("flow_runs", "deployment_id", more=f"AND state_type = 'SCHEDULED' AND run_count = 0 {_SHOWN}"),
    },
    OperationNoun.FLOW_RUNS: {
        "subflow_runs": _SUBFLOWS,
        "task_runs": _of("task_runs", "flow_run_id"),
        "logs": _of("logs", "flow_run_id", more=""),
        "artifacts": _of("artifacts", "flow_run_id"),
    },
    OperationNoun.TASK_RUNS: {
        "logs": _of("logs", "task_run_id", more=""),
        "artifacts": _of("artifacts", "task_run_id"),
    },
}


@cache
def counts(noun: OperationNoun, *, children: bool) -> Mapping[str, Query]:
    """A statement for each table of which something goes along."""
    around = _AROUND.get(noun, {})
    return {
        table: Query(noun, f"{noun}.id", text) for table, text in around.items() if children or table != "subflow_runs"
    }
