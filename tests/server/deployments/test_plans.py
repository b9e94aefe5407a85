"""What the services of time ask is found along an index, so that what has run costs them nothing."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.server.deployments import due
from headrace.server.flow_runs import waiting
from headrace.server.store.base import Dialect, Statement, Store
from headrace.settings import Settings
from headrace.wire.ids import uuid7
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.deployments.deployed import deploy
from tests.server.deployments.planned import HOURLY, tick

OVER = 3_000
AS_GOOD = {
    id(waiting.OVERDUE): "ix_flow_runs_next_scheduled_start_time",
    id(waiting.SURPLUS): "ix_flow_runs_state_name",  # while few runs of all are late
}
"""Indexes that PostgreSQL may take as well: they lead past what has run too."""


@pytest.fixture
async def busy(api: Api, database_settings: Settings) -> UUID:
    """A deployment with a schedule and thousands of runs that are over."""
    for number in range(40):
        await deploy(api, f"idle-{number}", schedules=[{"schedule": HOURLY}])
    deployment = await deploy(api, schedules=[{"schedule": HOURLY, "if_running": "skip"}])
    await tick(api.store, database_settings)
    flow, id, moment = UUID(deployment["flow_id"]), UUID(deployment["id"]), now() - timedelta(days=9)
    columns = ("id", "created", "updated", "name", "flow_id", "deployment_id", "state_type", "state_name", "end_time")
    rows = [(uuid7(), moment, moment, str(n), flow, id, "COMPLETED", "Completed", moment) for n in range(OVER)]
    await api.store.insert_many("flow_runs", columns, rows)
    if api.store.dialect is Dialect.POSTGRES:
        for table in ("flow_runs", "deployments", "deployment_schedules"):
            await api.store.execute(Statement(f"ANALYZE {table}"))
    return id


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (due.DUE, "ix_deployment_schedules_due_at"),
        (waiting.OVERDUE, "ix_flow_runs_not_late"),
        (waiting.UNDER_WAY, "ix_flow_runs_under_way"),
        (waiting.MINDING, "ix_deployment_schedules_if_running"),
        (waiting.MINDING, "ix_flow_runs_under_way"),
        (waiting.SURPLUS, "ix_flow_runs_deployment_next_scheduled"),
    ],
)
async def test_what_is_asked_again_and_again_is_found_by_an_index(
    api: Api, busy: UUID, statement: Statement, index: str
) -> None:
    values: dict[int, tuple[Any, ...]] = {
        id(due.DUE): (now(), 100),
        id(waiting.OVERDUE): (now(), now() - timedelta(days=1), uuid4(), 400),
        id(waiting.UNDER_WAY): (busy, 100),
        id(waiting.MINDING): (now(), 400),
        id(waiting.SURPLUS): (busy, uuid4(), 2, 400),
    }
    wanted = {index}
    if api.store.dialect is Dialect.POSTGRES:
        wanted.add(AS_GOOD.get(id(statement), index))
    plan = await plan_of(api.store, statement, values[id(statement)])
    assert any(f" {name} " in plan for name in wanted), plan


async def plan_of(store: Store, statement: Statement, values: tuple[Any, ...]) -> str:
    if store.dialect is Dialect.SQLITE:
        rows = await store.fetch(Statement("EXPLAIN", sqlite=f"EXPLAIN QUERY PLAN {_numbered(statement)}"), *values)
        return "\n".join(row[3] for row in rows)
    async with store.transaction() as transaction:
        # A table of dozens is read whole; one of thousands is not.
        await transaction.execute(Statement("SET LOCAL enable_seqscan = off"))
        rows = await transaction.fetch(Statement(f"EXPLAIN {statement.postgres}"), *values)
    return "\n".join(row[0] for row in rows)


def _numbered(statement: Statement) -> str:
    """SQLite's text with its places numbered again."""
    order = iter(statement.order or range(statement.sqlite.count("?")))
    return "".join(f"${next(order) + 1}" if part == "?" else part for part in statement.sqlite)
