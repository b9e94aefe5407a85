"""All that is stored of what can be deleted, to tell whether something has become of it."""

from typing import Any

from headrace.server.store.base import Statement, Store

TABLES = (
    "flows",
    "flow_runs",
    "flow_run_states",
    "flow_run_input",
    "task_runs",
    "task_run_states",
    "task_queue",
    "logs",
    "artifacts",
    "artifact_collections",
    "deployments",
    "deployment_schedules",
    "concurrency_limits",
    "variables",
    "block_documents",
    "block_document_references",
    "automations",
    "automation_resources",
)
_ROWS = {table: Statement(f"SELECT * FROM {table}") for table in TABLES}
_TOTALS = Statement("SELECT noun, sum(total) FROM tallies GROUP BY noun ORDER BY noun")
_COUNTED = {
    noun: Statement(
        f"SELECT count(*) FROM {noun} WHERE deleted_at IS NULL"
        f" AND NOT EXISTS (SELECT 1 FROM hidden_runs h WHERE h.id = {noun}.{key})"
    )
    for noun, key in (("flow_runs", "id"), ("task_runs", "flow_run_id"))
}
HIDDEN = Statement("SELECT count(*) FROM hidden_runs")

Dump = dict[str, list[str]]


async def dump(store: Store) -> Dump:
    """Every row of every table, and the totals that are kept."""
    found = {table: sorted(repr(tuple(row)) for row in await store.fetch(_ROWS[table])) for table in TABLES}
    return found | {"totals": [repr((row[0], int(row[1]))) for row in await store.fetch(_TOTALS)]}


async def totals(store: Store) -> dict[str, int]:
    """How many runs there are as it is kept."""
    return {row[0]: int(row[1]) for row in await store.fetch(_TOTALS)}


async def counted(store: Store) -> dict[str, int]:
    """How many runs there are as one counts them."""
    return {noun: await number(store, statement) for noun, statement in _COUNTED.items()}


async def number(store: Store, statement: Statement, *values: Any) -> int:
    """The one number that a statement gives."""
    return int((await store.fetch(statement, *values))[0][0])
