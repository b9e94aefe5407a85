"""Log lines in weeks: every line is taken, whenever it says it was written, and whole weeks go at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import Dispatcher
from headrace.server.logs import partitions
from headrace.server.logs.keeper import LogPartitions
from headrace.server.logs.partitions import WEEK, week_of
from headrace.server.store import make_store, schema
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.wire.ids import uuid7
from tests.conftest import settings_for
from tests.server.api import Api
from tests.server.purge.deleted import LOG as COLUMNS

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
_WHERE = Statement("SELECT tableoid::regclass::text, count(*) FROM logs GROUP BY 1 ORDER BY 1")


@pytest.fixture
def settings(tmp_path: Path, postgres_url: str) -> Settings:
    return settings_for(tmp_path, postgres_url)


@pytest.fixture
async def weekly(settings: Settings) -> AsyncIterator[Store]:
    """A store on a PostgreSQL with weeks made ahead of NOW."""
    store = make_store(settings)
    await store.open()
    await partitions.make(store, NOW)
    yield store
    await store.close()


async def write(store: Store, *moments: datetime) -> None:
    """A line at each moment."""
    rows = [(uuid7(), moment, "log", 20, "x", moment, None, None) for moment in moments]
    await store.insert_many("logs", COLUMNS, rows)


async def places(store: Store) -> dict[str, int]:
    """How many lines lie in which partition."""
    return {row[0]: row[1] for row in await store.fetch(_WHERE)}


def test_a_week_begins_on_monday_and_every_moment_is_in_one() -> None:
    assert week_of(NOW).name == "logs_20260302"
    assert week_of(datetime(2026, 3, 2, tzinfo=UTC)) == week_of(datetime(2026, 3, 8, 23, 59, 59, tzinfo=UTC))
    assert week_of(datetime(1999, 12, 31, tzinfo=UTC)).name == "logs_19991227"


async def test_lines_lie_in_their_weeks_and_all_others_in_the_default(weekly: Store) -> None:
    await write(weekly, NOW, NOW + WEEK, NOW + 2 * WEEK, NOW + 90 * WEEK, NOW - 90 * WEEK)
    assert await places(weekly) == {"logs_20260309": 1, "logs_20260316": 1, "logs_default": 3}
    assert [week.name for week in await partitions.weeks(weekly)] == [
        week_of(NOW + ahead * WEEK).name for ahead in range(1, 5)
    ]


async def test_making_weeks_again_makes_only_those_that_are_missing(weekly: Store) -> None:
    await partitions.make(weekly, NOW + WEEK)
    assert len(await partitions.weeks(weekly)) == 5


async def test_a_week_of_which_lines_came_too_early_is_left_to_the_default(weekly: Store) -> None:
    early = NOW + 5 * WEEK
    await write(weekly, early)
    await partitions.make(weekly, NOW + 2 * WEEK)
    assert week_of(early).name not in {week.name for week in await partitions.weeks(weekly)}
    await write(weekly, early)
    assert await places(weekly) == {"logs_default": 2}


async def test_whole_weeks_are_dropped_and_what_is_not_wholly_due_stays(weekly: Store) -> None:
    await write(weekly, *[NOW + WEEK] * 5, NOW + 2 * WEEK, NOW)
    assert await partitions.drop(weekly, week_of(NOW + WEEK).ends - timedelta(seconds=1)) == 0
    before = (await weekly.space()).bytes
    assert await partitions.drop(weekly, week_of(NOW + WEEK).ends) == 5
    assert (await weekly.space()).bytes < before
    assert await places(weekly) == {"logs_20260316": 1, "logs_default": 1}
    await write(weekly, NOW + WEEK)  # a line that comes late is taken all the same
    assert (await places(weekly))["logs_default"] == 2


async def test_a_week_long_over_goes_when_it_is_empty_and_not_before(weekly: Store) -> None:
    await write(weekly, NOW + 2 * WEEK)
    await partitions.drop_empty(weekly, NOW + 2 * WEEK)
    assert len(await partitions.weeks(weekly)) == 4
    await partitions.drop_empty(weekly, NOW + 5 * WEEK)
    assert [week.name for week in await partitions.weeks(weekly)] == [
        week_of(NOW + ahead * WEEK).name for ahead in (2, 3, 4)
    ]


async def test_while_somebody_reads_a_week_stays_and_writers_wait_a_moment_at_most(weekly: Store) -> None:
    await write(weekly, NOW + WEEK)
    async with weekly.view() as view:
        await view.scan(_WHERE)
        dropping = asyncio.create_task(partitions.drop(weekly, NOW + 9 * WEEK))
        await write(weekly, NOW + 2 * WEEK)
        assert await dropping == 0
    assert await partitions.drop(weekly, week_of(NOW + WEEK).ends) == 1


async def test_the_service_does_both_and_nothing_on_sqlite(store: Store, database_settings: Settings) -> None:
    assert not await LogPartitions(store, database_settings).tick()
    assert not await LogPartitions(store, database_settings).tick()


async def test_lines_of_an_older_database_stay_and_go_back_with_it(settings: Settings) -> None:
    await asyncio.to_thread(schema.upgrade, settings, "0009")
    await asyncio.to_thread(schema.upgrade, settings)
    store = make_store(settings)
    await store.open()
    await partitions.make(store, NOW)
    await write(store, NOW, NOW + WEEK)
    await store.close()
    await asyncio.to_thread(schema.downgrade, settings, "0009")
    await asyncio.to_thread(schema.upgrade, settings)
    store = make_store(settings)
    await store.open()
    assert await places(store) == {"logs_default": 2}
    await store.close()


async def test_retention_of_all_levels_drops_weeks_and_ends_the_rest_row_by_row(
    weekly: Store, settings: Settings
) -> None:
    api = Api(Dispatcher(ROUTERS), weekly, settings)
    await write(weekly, *[NOW + WEEK] * 3, NOW)
    assert (await api.call("PUT", "/x/retention/policies/logs", {"max_age": 30 * 86_400})).status == 200
    await api.post("/x/retention/run", {"names": ["logs"]})
    assert await places(weekly) == {}
    assert await partitions.weeks(weekly) == []
    (policy,) = (await api.get("/x/retention/policies")).json
    assert (policy["name"], policy["removed"]) == ("logs", 4)
