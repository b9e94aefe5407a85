"""However much automations have done, what is due and what was done last is found along an index."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from headrace.server.automations import queries as automations
from headrace.server.automations.actions import queries
from headrace.server.store.base import Dialect, Statement, Store
from headrace.wire.ids import uuid7
from tests.server.automations.fired import NOON

AUTOMATION = UUID(int=1)
DONE = Statement("UPDATE automation_actions SET status = 'EXECUTED' WHERE automation_id = $1")


async def fill(store: Store) -> None:
    """Some thousands of firings, each with an action that was executed long ago."""
    firings: list[tuple[Any, ...]] = []
    actions: list[tuple[Any, ...]] = []
    for number in range(3_000):
        id, moment = uuid7(), NOON + timedelta(seconds=number)
        automation = AUTOMATION if number % 100 == 0 else UUID(int=2)
        firings.append((id, moment, automation, UUID(int=3), "Reactive", "Triggered", moment, "[]", None, None, "{}"))
        actions.append((uuid7(), moment, automation, id, 0, '{"type": "do-nothing"}', None))
    async with store.transaction() as transaction:
        await transaction.execute_many(automations.ADD_FIRING, firings)
        await transaction.execute_many(automations.ADD_ACTION, actions)
        for automation in (AUTOMATION, UUID(int=2)):
            await transaction.execute(DONE, automation)
    if store.dialect is Dialect.POSTGRES:
        for table in ("automation_firings", "automation_actions"):
            await store.execute(Statement(f"ANALYZE {table}"))


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (queries.CLAIM, (NOON, NOON, 10), "ix_automation_actions_due"),
        (queries.LEFT, (NOON,), "ix_automation_actions_due"),
        (queries.FIRINGS_OF, (AUTOMATION, 10), "ix_automation_firings_automation_id"),
    ],
    ids=["claim", "left", "firings"],
)
async def test_what_is_asked_is_found_by_an_index(
    store: Store, statement: Statement, values: tuple[Any, ...], index: str
) -> None:
    await fill(store)
    plan = await plan_of(store, statement, values)
    assert index in plan, plan
    assert "Seq Scan" not in plan, plan
    assert "SCAN automation_" not in plan, plan


async def plan_of(store: Store, statement: Statement, values: tuple[Any, ...]) -> str:
    if store.dialect is Dialect.SQLITE:
        explained = Statement(f"EXPLAIN QUERY PLAN {statement.postgres}", sqlite=f"EXPLAIN QUERY PLAN {raw(statement)}")
        return "\n".join(row[3] for row in await store.fetch(explained, *values))
    rows = await store.fetch(Statement(f"EXPLAIN {statement.postgres}"), *values)
    return "\n".join(row[0] for row in rows)


def raw(statement: Statement) -> str:
    """SQLite's text with its places numbered again."""
    parts = statement.sqlite.split("?")
    order = statement.order if statement.order is not None else range(len(parts) - 1)
    places = [f"${place + 1}" for place in order]
    return "".join(part + place for part, place in zip(parts, [*places, ""], strict=True))
