"""How the databases find what is asked: along an index, and in its order, so that no log is too long."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from headrace.server.events import log, queries
from headrace.server.events.queries import Bound, Window
from headrace.server.store.base import Dialect, Statement, Store
from headrace.wire.filters import EventFilter
from headrace.wire.times import now
from tests.server.events.logged import EPOCH, make_event, related

WEEK = Window(EPOCH, EPOCH + timedelta(days=7))
FEW = Window(EPOCH, EPOCH + timedelta(minutes=1))
Question = Callable[[Dialect, EventFilter], Bound]


def page(dialect: Dialect, wanted: EventFilter) -> Bound:
    return queries.page(dialect, wanted, WEEK, 51, None)


def page_of_minute(dialect: Dialect, wanted: EventFilter) -> Bound:
    return queries.page(dialect, wanted, FEW, 51, None)


def count(dialect: Dialect, wanted: EventFilter) -> Bound:
    return queries.count(dialect, wanted, FEW)


def by_day(dialect: Dialect, wanted: EventFilter) -> Bound:
    return queries.count_by_span(dialect, wanted, FEW, FEW.since + timedelta(seconds=9), timedelta(seconds=10))


ONE = {"resource": {"id": ["r.7"]}}
ANY = {"any_resource": {"id": ["r.7"]}}
RELATED = {"related": {"id": ["flow.7"], "role": ["flow"]}}
NAMED = {"event": {"name": ["rare"]}}

_RESOURCES = "USING PRIMARY KEY (resource_id=? AND occurred>? AND occurred<?)"


@pytest.mark.parametrize(
    ("question", "criteria", "on_sqlite", "on_postgres"),
    [
        (page, ONE, _RESOURCES, "pk_event_resources"),
        (page, ANY, _RESOURCES, "pk_event_resources"),
        (page, RELATED, _RESOURCES, "pk_event_resources"),
        (page, NAMED, "USING INDEX ix_events_event (event=? AND occurred>? AND occurred<?)", "ix_events_event"),
        (page_of_minute, {}, "USING INDEX ix_events_occurred (occurred>? AND occurred<?)", "ix_events_occurred"),
        (count, {}, "USING COVERING INDEX ix_events_occurred", "ix_events_occurred"),
        (count, NAMED, "USING COVERING INDEX ix_events_event", "ix_events_event"),
        (count, ANY, _RESOURCES, "pk_event_resources"),
        (by_day, {}, "USING COVERING INDEX ix_events_occurred (occurred>? AND occurred<?)", "ix_events_occurred"),
        (by_day, ONE, _RESOURCES, "pk_event_resources"),
    ],
)
async def test_what_is_asked_is_found_by_an_index_and_in_its_order(
    store: Store, question: Question, criteria: dict[str, Any], on_sqlite: str, on_postgres: str
) -> None:
    await fill(store)
    plan = await plan_of(store, *question(store.dialect, msgspec.convert(criteria, EventFilter)))
    if store.dialect is Dialect.POSTGRES:
        assert on_postgres in plan
        assert "Sort" not in plan, "what an index has in order need not be sorted"
        assert "Seq Scan" not in plan
    else:
        assert on_sqlite in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("criteria", [ONE, ANY, RELATED])
async def test_events_are_counted_by_their_resources_without_being_read(store: Store, criteria: dict[str, Any]) -> None:
    await fill(store)
    plan = await plan_of(store, *count(store.dialect, msgspec.convert(criteria, EventFilter)))
    assert re.search(r"\bevents\b|_events\b|_events_", plan) is None, "neither the table nor an index of it"


async def fill(store: Store) -> None:
    """Some thousands of events about a hundred resources; a name in a hundred is rare."""
    events = [
        make_event(
            number,
            second=number,
            event="rare" if number % 100 == 0 else "often",
            resource={"prefect.resource.id": f"r.{number % 100}"},
            related=[related(f"flow.{number % 40}", "flow"), related("everywhere", "tag")],
        )
        for number in range(1, 2_500)
    ]
    async with store.transaction() as transaction:
        await log.append(transaction, events, now())
    if store.dialect is Dialect.POSTGRES:
        for table in ("events", "event_resources"):
            await store.execute(Statement(f"ANALYZE {table}"))


async def plan_of(store: Store, statement: Statement, values: list[Any]) -> str:
    if store.dialect is Dialect.SQLITE:
        rows = await store.fetch(Statement(f"EXPLAIN QUERY PLAN {statement.postgres}"), *values)
        return "\n".join(row[3] for row in rows)
    async with store.transaction() as transaction:
        # What a table of thousands is read by at once; one of millions is not.
        await transaction.execute(Statement("SET LOCAL enable_bitmapscan = off"))
        rows = await transaction.fetch(Statement(f"EXPLAIN {statement.postgres}"), *values)
    return "\n".join(row[0] for row in rows)
