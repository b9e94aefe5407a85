"""Statements that were planned while nothing was hidden do not look through all that is hidden for each row."""

import json
from typing import Any
from uuid import UUID

import asyncpg

from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.trash.hiding import MANY
from headrace.settings import Settings
from headrace.wire.ids import uuid7
from headrace.wire.operations import OperationNoun
from headrace.wire.times import now
from tests.conftest import settings_for
from tests.server.trash.changes import remove, restore
from tests.server.trash.dumps import HIDDEN, number

RUNS = OperationNoun.FLOW_RUNS
_NEWEST = (
    "PREPARE newest AS SELECT flow_runs.id FROM flow_runs"
    f" WHERE flow_runs.deleted_at IS NULL AND {shown('flow_runs.id')} ORDER BY flow_runs.id DESC LIMIT 200"
)
_ADD_FLOW = Statement("INSERT INTO flows (id, created, updated, name) VALUES ($1, $2, $2, 'mill')")
_COLUMNS = ("id", "created", "updated", "name", "flow_id", "state_type", "expected_start_time")


async def finished_runs(store: Store, many: int) -> list[UUID]:
    flow, moment = uuid7(), now()
    await store.execute(_ADD_FLOW, flow, moment)
    ids = [uuid7() for _ in range(many)]
    rows = [(id, moment, moment, "run", flow, "COMPLETED", moment) for id in ids]
    await store.insert_many("flow_runs", _COLUMNS, rows)
    return ids


def nodes(plan: Any) -> list[Any]:
    """All the steps of a plan."""
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


async def looks_through_all_for_each_row(connection: Any) -> bool:
    """Whether all hidden ids are read anew for each run, neither found by the index nor read once and hashed."""
    planned = await connection.fetchval("EXPLAIN (FORMAT JSON) EXECUTE newest")
    steps = nodes(json.loads(planned)[0]["Plan"])
    filters = " ".join(str(step.get("Filter", "")) for step in steps)
    return any(
        step["Node Type"] == "Seq Scan"
        and str(step.get("Subplan Name", "")).startswith("SubPlan")
        and f"hashed {step['Subplan Name']}" not in filters
        for step in steps
    )


async def test_plans_follow_how_much_is_hidden(migrated_postgres_url: str, tmp_path: Any, postgres_server: Any) -> None:
    settings: Settings = settings_for(tmp_path, migrated_postgres_url)
    store = make_store(settings)
    await store.open()
    ids = await finished_runs(store, 4 * MANY)
    await store.execute(Statement("ANALYZE flow_runs"))
    await store.give_back("hidden_runs", 0)  # of what other tests have left
    connection = await asyncpg.connect(migrated_postgres_url)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(_NEWEST)
    await connection.execute("EXECUTE newest")
    assert await looks_through_all_for_each_row(connection), "of nothing, that is the quickest"
    operation_id = uuid7()
    await remove(store, RUNS, ids[: 3 * MANY], operation_id)
    assert await number(store, HIDDEN) == 3 * MANY
    assert not await looks_through_all_for_each_row(connection)
    await restore(store, RUNS, ids, operation_id)
    assert await number(store, HIDDEN) == 0
    await connection.close()
    await store.close()
    postgres_server.empty(migrated_postgres_url)
