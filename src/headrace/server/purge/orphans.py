"""What is left of things that are gone: rows that refer to a row which does not exist.

There are none, whatever was deleted, restored or purged, and whatever was killed meanwhile; so one that is found is a
fault. What may come before what it refers to, or stay behind it, is not looked for: a log line or an artifact of a
run that was never recorded here, an event's resources' objects, the history of an automation's firings.
"""

import msgspec

from headrace.server.store.base import Statement, Store
from headrace.server.store.marks import PURGING

_REFERENCES = (
    # a table, its column, and what that refers to
    ("flow_runs", "flow_id", "flows.id"),
    ("flow_run_states", "flow_run_id", "flow_runs.id"),
    ("flow_run_input", "flow_run_id", "flow_runs.id"),
    ("cancellations", "flow_run_id", "flow_runs.id"),
    ("hidden_runs", "id", "flow_runs.id"),
    ("task_runs", "flow_run_id", "flow_runs.id"),
    ("task_run_states", "task_run_id", "task_runs.id"),
    ("task_run_state_cache", "task_run_state_id", "task_run_states.id"),
    ("task_queue", "task_run_id", "task_runs.id"),
    ("artifact_collections", "latest_id", "artifacts.id"),
    ("deployments", "flow_id", "flows.id"),
    ("deployment_schedules", "deployment_id", "deployments.id"),
    ("block_documents", "block_type_id", "block_types.id"),
    ("block_documents", "block_schema_id", "block_schemas.id"),
    ("block_document_references", "parent_block_document_id", "block_documents.id"),
    ("block_document_references", "reference_block_document_id", "block_documents.id"),
    ("automation_resources", "automation_id", "automations.id"),
    ("automation_buckets", "automation_id", "automations.id"),
    ("automation_child_firings", "automation_id", "automations.id"),
    ("automation_actions", "firing_id", "automation_firings.id"),
    ("concurrency_lease_limits", "lease_id", "concurrency_leases.id"),
    ("concurrency_lease_limits", "limit_id", "concurrency_limits.id"),
    ("event_resources", "seq", "events.seq"),
    ("operation_items", "operation_id", "operations.id"),
)
_OF_RUNS = ("logs", "artifacts")
_HOLDERS = "holder_type IN ('flow_run', 'task_run')"


class Orphans(msgspec.Struct, frozen=True):
    """So many rows of a table whose column refers to what is not there."""

    table: str
    column: str
    rows: int


async def find(store: Store, *, of_runs: bool = False) -> list[Orphans]:
    """Where there are orphans; walks every table.

    With `of_runs`, lines and artifacts whose runs are not there count as well: on a database where only recorded runs
    leave any.
    """
    found: list[Orphans] = []
    for table, column, statement in _statements(of_runs):
        rows = int((await store.scan(statement))[0][0])
        if rows:
            found.append(Orphans(table, column, rows))
    return found


def _statements(of_runs: bool) -> list[tuple[str, str, Statement]]:
    checks = [(table, column, _missing(table, column, parent)) for table, column, parent in _REFERENCES]
    marked = _marked()
    for table, column in [(table, "deleted_by") for table in marked] + [("hidden_runs", "operation_id")]:
        checks.append((table, column, _missing(table, column, "operations.id", f"{column} <> '{PURGING}'")))
    checks += [(table, "deleted_at", _unowned(table)) for table in marked]
    checks.append(("concurrency_leases", "holder_id", _leaseless()))
    if of_runs:
        for table in _OF_RUNS:
            for column, parent in (("flow_run_id", "flow_runs.id"), ("task_run_id", "task_runs.id")):
                checks.append((table, column, _missing(table, column, parent)))
    return checks


def _marked() -> list[str]:
    """The tables whose rows operations mark as deleted; what describes them is loaded by who looks for orphans only."""
    from headrace.server.store.tables import METADATA

    return [table.name for table in METADATA.sorted_tables if "deleted_by" in table.columns]


def _missing(table: str, column: str, parent: str, also: str = "TRUE") -> Statement:
    referred, key = parent.split(".")
    return Statement(
        f"SELECT count(*) FROM {table} AS c WHERE {column} IS NOT NULL AND {also}"
        f" AND NOT EXISTS (SELECT 1 FROM {referred} AS p WHERE p.{key} = c.{column})"
    )


def _unowned(table: str) -> Statement:
    """Marked as deleted by nobody, so that nothing will ever remove or restore it."""
    return Statement(f"SELECT count(*) FROM {table} WHERE deleted_at IS NOT NULL AND deleted_by IS NULL")


def _leaseless() -> Statement:
    """A lease whose run is gone, or deleted: its slots are held for nobody."""
    live = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {noun} AS r WHERE r.id = c.holder_id AND r.deleted_at IS NULL)"
        for noun in ("flow_runs", "task_runs")
    )
    return Statement(f"SELECT count(*) FROM concurrency_leases AS c WHERE {_HOLDERS} AND {live}")
