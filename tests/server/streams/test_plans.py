"""However long a log is, streams read the part of it that they need."""

import re
from datetime import timedelta
from typing import Any

import pytest

from headrace.server.events import following as events
from headrace.server.logs import following as logs
from headrace.server.logs import queries
from headrace.server.store.base import Dialect, Statement, Store
from headrace.wire.ids import uuid7
from headrace.wire.times import now

ROWS = 5_000
WEEK = timedelta(days=7)
_EVENTS = ("id", "occurred", "received", "event", "resource_id", "resource", "related", "payload")


async def fill(store: Store) -> None:
    """A week of events and batches, in the order of their times."""
    times = [now() - WEEK + WEEK * number / ROWS for number in range(ROWS)]
    async with store.transaction() as transaction:
        await transaction.insert_many(
            "events", _EVENTS, [(uuid7(), time, time, "e", "r", "{}", "[]", "{}") for time in times]
        )
        await transaction.insert_many("log_arrivals", ("created", "lines"), [(time, "[]") for time in times])
        await transaction.insert_many(
            "logs", queries.COLUMNS, [(uuid7(), time, "mill", 20, "ground", time, None, None) for time in times]
        )
    if store.dialect is Dialect.POSTGRES:
        for table in ("events", "log_arrivals", "logs"):
            await store.execute(Statement(f"ANALYZE {table}"))


async def plan(store: Store, statement: Statement, *values: Any) -> str:
    prefix = "EXPLAIN" if store.dialect is Dialect.POSTGRES else "EXPLAIN QUERY PLAN"
    explained = Statement(f"{prefix} {statement.postgres}", sqlite=f"{prefix} {_numbered(statement)}")
    return "\n".join(str(row[-1]) for row in await store.fetch(explained, *values))


def _numbered(statement: Statement) -> str:
    """SQLite's text, with its places numbered again."""
    text, order = statement.sqlite, statement.order or range(statement.sqlite.count("?"))
    for place in order:
        text = text.replace("?", f"${place + 1}", 1)
    return text


@pytest.mark.parametrize(
    ("statement", "index"),
    [(events.FIRST_SINCE, "ix_events_occurred"), (logs.FIRST_SINCE, "ix_log_arrivals_created")],
    ids=["events", "logs"],
)
async def test_where_the_last_minutes_begin_is_found_by_their_times(
    store: Store, statement: Statement, index: str
) -> None:
    await fill(store)
    found = await plan(store, statement, now() - timedelta(minutes=15))
    assert index in found, found
    assert "pk_" not in found, found


@pytest.mark.parametrize("statement", [events.BETWEEN, logs.BETWEEN], ids=["events", "logs"])
async def test_a_follower_that_is_behind_reads_on_by_number(store: Store, statement: Statement) -> None:
    await fill(store)
    found = await plan(store, statement, 100, 4_000, 50)
    assert "pk_" in found or "INTEGER PRIMARY KEY" in found, found
    assert "Sort" not in found, found
    assert "TEMP B-TREE" not in found, found


async def test_the_lines_of_a_batch_are_read_by_their_keys(store: Store) -> None:
    await fill(store)
    names = [([now()], [uuid7()])] if store.dialect is Dialect.POSTGRES else [("[]",)]
    found = await plan(store, queries.NAMED, *names[0])
    assert "logs_default_pkey" in found or "USING PRIMARY KEY" in found, found
    # The weeks that are made ahead are empty, and looked at whole.
    assert not re.search(r"Seq Scan on logs(_default)? ", found), found
