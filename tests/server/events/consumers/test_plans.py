"""However long the log is and however many events wait, a consumer finds what it needs along an index."""

from datetime import timedelta
from typing import Any

import pytest

from headrace.server.automations.evaluation import queries as evaluation
from headrace.server.events import log
from headrace.server.events.consumers import queries
from headrace.server.store.base import Dialect, Statement, Store
from headrace.wire.ids import uuid7
from headrace.wire.times import now
from tests.server.events.consumers.handled import NAME, happening

EVENTS = 3_000


async def fill(store: Store) -> list[Any]:
    """A log of which a tenth waits for leaders that never come, and buckets as many; the ids of all events."""
    events = [happening(f"name.{number % 50}", occurred=number) for number in range(EVENTS)]
    waiting = list(enumerate(events))[::10]
    async with store.transaction() as transaction:
        await log.append(transaction, events, now())
        await transaction.execute(queries.ADD, NAME, now())
        await transaction.execute_many(
            queries.PARK, [(NAME, seq, one.id, uuid7(), now(), one.occurred) for seq, one in waiting]
        )
    if store.dialect is Dialect.POSTGRES:
        for table in ("events", "event_resources", "event_followers"):
            await store.execute(Statement(f"ANALYZE {table}"))
    return [event.id for event in events]


CASES = {
    "what is pending": (queries.LOOK, lambda ids: (NAME,), "ix_event_followers_ready"),
    "leaders": (queries.LEADERS, lambda ids: (NAME, ids[:50], 7), "uq_events_id"),
    "ready": (queries.READY, lambda ids: (NAME, 50), "ix_event_followers_ready"),
    "released": (queries.RELEASED, lambda ids: (NAME, ids[:50], 50), "ix_event_followers_follows"),
    "marked": (queries.MARK_READY, lambda ids: (NAME, ids[:50]), "ix_event_followers_follows"),
    "given up": (
        queries.GIVE_UP,
        lambda ids: (NAME, now() - timedelta(days=1), 50),
        "ix_event_followers_received",
    ),
    "since when": (evaluation.BEGINNING, lambda ids: ("thing.1", now()), "PRIMARY KEY (resource_id=? AND occurred=?)"),
    "circles": (queries.LEADERS_ABOVE, lambda ids: (NAME, now()), "ix_event_followers_id"),
    "of one name": (
        queries.page(1),
        lambda ids: (now(), 0, now() + timedelta(days=1), 50, "name.7", "name.8"),
        "ix_events_",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_a_consumer_needs_is_found_along_an_index(store: Store, case: str) -> None:
    statement, values, index = CASES[case]
    plan = await plan_of(store, statement, values(await fill(store)))
    assert (index if store.dialect is Dialect.SQLITE else index.replace(_KEY, "pk_event_resources")) in plan, plan
    assert "Seq Scan on event" not in plan, plan
    assert "PRIMARY KEY (consumer=?)" not in plan.replace(_ANY_PARKED, ""), plan


_KEY = "PRIMARY KEY (resource_id=? AND occurred=?)"
_ANY_PARKED = "CORRELATED SCALAR SUBQUERY 3\nSEARCH f USING PRIMARY KEY (consumer=?)"
"""Whether there is any row of the consumer, which the first one answers."""


async def plan_of(store: Store, statement: Statement, values: tuple[Any, ...]) -> str:
    """How the database would run it, were there too many rows to read them all."""
    explained = Statement(f"EXPLAIN {statement.postgres}", sqlite=f"EXPLAIN QUERY PLAN {_numbered(statement)}")
    async with store.transaction() as transaction:
        if store.dialect is Dialect.POSTGRES:
            for way in ("seqscan", "hashjoin", "mergejoin"):
                await transaction.execute(Statement(f"SET LOCAL enable_{way} = off"))
        rows = await transaction.fetch(explained, *values)
    return "\n".join(row[3 if store.dialect is Dialect.SQLITE else 0] for row in rows)


def _numbered(statement: Statement) -> str:
    """SQLite's text with its places numbered again."""
    parts = statement.sqlite.split("?")
    order = statement.order if statement.order is not None else range(len(parts) - 1)
    return "".join(part + place for part, place in zip(parts, [*(f"${at + 1}" for at in order), ""], strict=True))
