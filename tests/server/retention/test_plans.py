"""How what is due is found: along an index, so that it costs what is due and not what there is."""

from datetime import timedelta
from typing import Any

import pytest

from headrace.rules.retention_policies import Policy, parse_class
from headrace.server.logs import retention as lines
from headrace.server.retention import due
from headrace.server.store.base import Dialect, Statement, Store
from headrace.wire.times import now

DAY = 86_400.0
_FILL_SQLITE = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
"""
_FILL_POSTGRES = "WITH n (i) AS (SELECT generate_series(1, 3000))"
_ID = "printf('00000000-0000-7000-8000-%012d', {0})", "('00000000-0000-7000-8000-' || lpad(({0})::text, 12, '0'))::uuid"

_FLOWS = 40
"""With one flow, walking back all runs is as quick as walking back those of each flow."""


def _fill(text: str) -> Statement:
    """Rows for each number `i`: `{id}` is an id made of it, `{flow}` a flow's, `{ago}` so many minutes before $1."""

    def written(numbers: str, id_: str, ago: str) -> str:
        into, rest = text.split(" SELECT", 1)
        rest = rest.replace("{id}", id_.format("i")).replace("{flow}", id_.format(f"i % {_FLOWS} + 1"))
        return f"{into} {numbers} SELECT{rest}".replace("{ago}", ago)

    return Statement(
        written(_FILL_POSTGRES, _ID[1], "$1::timestamptz - i * interval '1 minute'"),
        sqlite=written(_FILL_SQLITE, _ID[0], "$1 - i * 60000000"),
    )


_FLOW = _fill(
    f"INSERT INTO flows (id, created, updated, name) SELECT {{id}}, $1, $1, CAST(i AS text) FROM n WHERE i <= {_FLOWS}"
)
_RUNS = _fill(
    "INSERT INTO flow_runs (id, created, updated, name, flow_id, state_type, end_time)"
    " SELECT {id}, $1, $1, 'run', {flow}, 'COMPLETED', {ago} FROM n"
)
_TASK_RUNS = _fill(
    "INSERT INTO task_runs (id, created, updated, name, flow_run_id, task_key, dynamic_key, state_type, end_time)"
    " SELECT {id}, $1, $1, 'run', CASE WHEN i > 10 THEN {id} END, 'task', {id}, 'COMPLETED', $1 FROM n"
)
_ARTIFACTS = _fill("INSERT INTO artifacts (id, created, updated, key) SELECT {id}, $1, $1, 'key' FROM n")
_LINES = _fill(
    "INSERT INTO logs (timestamp, id, created, name, level, message) SELECT $1, {id}, $1, 'x', 20, 'line' FROM n"
)


async def fill(store: Store) -> None:
    """Thousands of each, as old as the beginning of ids."""
    moment = now() - timedelta(days=50)
    for statement in (_FLOW, _RUNS, _TASK_RUNS, _ARTIFACTS, _LINES):
        await store.execute(statement, moment)
    if store.dialect is Dialect.POSTGRES:
        await store.execute(Statement("ANALYZE flows, flow_runs, task_runs, artifacts, logs"))


async def plan_of(store: Store, statement: Statement, *values: Any) -> str:
    if store.dialect is Dialect.SQLITE:
        told = Statement(f"EXPLAIN QUERY PLAN {statement.postgres}", sqlite=f"EXPLAIN QUERY PLAN {statement.sqlite}")
        told.order = statement.order
        return "\n".join(str(row[3]) for row in await store.fetch(told, *values))
    async with store.transaction() as transaction:
        for kind in ("bitmapscan", "seqscan"):
            await transaction.execute(Statement(f"SET LOCAL enable_{kind} = off"))
        rows = await transaction.fetch(Statement(f"EXPLAIN {statement.postgres}"), *values)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("policy", "on_sqlite", "on_postgres"),
    [
        (
            Policy(parse_class("flow_runs.completed"), 52.05 * DAY),
            "ix_flow_runs_end_time (end_time<?)",
            "ix_flow_runs_end_time",
        ),
        (Policy(parse_class("flow_runs.crashed"), 1), "ix_flow_runs_state_type (state_type=?)", "ix_flow_runs_"),
        (
            Policy(parse_class("flow_runs"), 52.05 * DAY, 3),
            "ix_flow_runs_end_time (end_time<?)",
            "Index Scan Backward using ",
        ),
        (
            Policy(parse_class("flow_runs"), None, 3),
            "ix_flow_runs_flow_id (flow_id=? AND id<?)",
            "ix_flow_runs_flow_id",
        ),
        (Policy(parse_class("task_runs"), 60), "uq_task_runs_key (flow_run_id=?)", "uq_task_runs_key"),
        (Policy(parse_class("artifacts"), 60), "sqlite_autoindex_artifacts_1 (id<?)", "pk_artifacts"),
        (Policy(parse_class("artifacts"), None, 3), "ix_artifacts_key", "ix_artifacts_key"),
    ],
    ids=lambda value: str(value.about) if isinstance(value, Policy) else "",
)
async def test_what_is_due_is_found_by_an_index(store: Store, policy: Policy, on_sqlite: str, on_postgres: str) -> None:
    await fill(store)
    statement, values = due.statement_of(policy, [policy.about], now(), 100)
    plan = await plan_of(store, statement, *values)
    assert (on_sqlite if store.dialect is Dialect.SQLITE else on_postgres) in plan
    assert "Seq Scan on flow_runs" not in plan
    assert "Seq Scan on task_runs" not in plan


async def test_lines_are_found_and_ended_in_the_order_of_time(store: Store) -> None:
    await fill(store)
    moment = now()
    for statement, last in ((lines.STRETCH, 5), (lines.END, [20])):
        plan = await plan_of(store, statement, moment - timedelta(days=1), moment, last)
        by_time = (
            "PRIMARY KEY (timestamp>? AND timestamp<?)" if store.dialect is Dialect.SQLITE else "logs_default_pkey"
        )
        assert by_time in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan
