"""What the scheduler costs: `python -m benchmarks.scheduling --deployments 10000 --history 1000000`.

Ten thousand deployments are given schedules, by cron, by interval and by rule, in several time zones. Timed are the
first tick, which makes three or more runs of each, one when nothing is due, and one when a hundred are; on a database
with nothing else in it and on one with a million old runs of the same deployments. Holds when the first tick takes
less than five seconds and old runs make no difference.
"""

import argparse
import asyncio
import json
import random
import tempfile
import uuid
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from benchmarks.databases import Cluster, cluster
from benchmarks.seeds import fill_postgres, fill_sqlite
from headrace.server.deployments.scheduler import Scheduler
from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.settings import ServerDatabaseSettings, ServerSettings, Settings
from headrace.wire.times import now

MOST_SECONDS, MOST_GROWTH = 5.0, 1.5
ZONES = ("UTC", "America/New_York", "Europe/Vienna", "Asia/Kolkata")

_FLOWS = Statement("SELECT id FROM flows")
_COUNT = Statement("SELECT count(*) FROM flow_runs WHERE auto_scheduled")
_DUE = Statement(
    """
    UPDATE deployment_schedules SET due_at = $1::timestamptz, scheduled_until = $1::timestamptz
    WHERE id IN (SELECT id FROM deployment_schedules ORDER BY id LIMIT $2)
    """,
    sqlite="""
    UPDATE deployment_schedules SET due_at = $1, scheduled_until = $1
    WHERE id IN (SELECT id FROM deployment_schedules ORDER BY id LIMIT $2)
    """,
)
_ADOPT = Statement(
    """
    WITH numbered AS (SELECT id, row_number() OVER () - 1 AS number FROM deployments)
    UPDATE flow_runs SET deployment_id = numbered.id FROM numbered
    WHERE numbered.number = ('x' || substr(md5(flow_runs.name), 1, 7))::bit(28)::integer % $1
    """,
    sqlite="""
    UPDATE flow_runs SET deployment_id = (SELECT id FROM deployments WHERE rowid = 1 + abs(random()) % $1)
    """,
)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, and the runs that the first tick made."""

    database: str
    history: int
    runs: int
    first: float
    idle: float
    hundred: float


async def measure(settings: Settings, database: str, deployments: int, history: int) -> Measured:
    """Time the scheduler on a database that may hold old runs."""
    async with _opened(settings) as store:
        await _furnish(store, deployments)
        if history:
            await store.execute(_ADOPT, deployments)
    async with _opened(settings) as store:  # with nothing left to be written back of what was prepared
        scheduler = Scheduler(store, settings)
        first = await _timed(scheduler)
        runs = int((await store.scan(_COUNT))[0][0])
        idle = min([await _timed(scheduler) for _ in range(5)])
        hundred = min([await _timed_hundred(store, scheduler) for _ in range(5)])
    return Measured(database=database, history=history, runs=runs, first=first, idle=idle, hundred=hundred)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[Store]:
    store = make_store(settings)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def _timed(scheduler: Scheduler) -> float:
    began = perf_counter()
    while await scheduler.tick():
        pass
    return perf_counter() - began


async def _timed_hundred(store: Store, scheduler: Scheduler) -> float:
    await store.execute(_DUE, now() - timedelta(seconds=1), 100)
    return await _timed(scheduler)


async def _furnish(store: Store, deployments: int) -> None:
    moment, chance = now(), random.Random(1)
    flows = [row[0] for row in await store.scan(_FLOWS)] or await _flows(store, moment)
    made = [uuid.UUID(int=chance.getrandbits(128), version=4) for _ in range(deployments)]
    columns = ("id", "created", "updated", "name", "flow_id", "parameters", "tags", "labels")
    documents = ('{"region": "north", "limit": 100}', '["etl", "nightly"]', '{"team": "mill"}')
    rows = [
        (id, moment, moment, f"deployment-{number}", flows[number % len(flows)], *documents)
        for number, id in enumerate(made)
    ]
    await store.insert_many("deployments", columns, rows)
    timings = [
        (uuid.UUID(int=chance.getrandbits(128), version=4), moment, moment, id, json.dumps(_timing(chance)), moment)
        for id in made
    ]
    columns = ("id", "created", "updated", "deployment_id", "schedule", "due_at")
    await store.insert_many("deployment_schedules", columns, timings)


async def _flows(store: Store, moment: datetime) -> list[Any]:
    ids = [uuid.uuid4() for _ in range(20)]
    rows = [(id, moment, moment, f"flow-{number}") for number, id in enumerate(ids)]
    await store.insert_many("flows", ("id", "created", "updated", "name"), rows)
    return ids


def _timing(chance: random.Random) -> dict[str, Any]:
    """A schedule such as people have: most by cron, hourly, daily or weekly."""
    zone, minute, hour = chance.choice(ZONES), chance.randrange(60), chance.randrange(24)
    kind = chance.random()
    if kind < 0.7:
        cron = chance.choice((f"{minute} * * * *", f"{minute} {hour} * * *", f"{minute} {hour} * * {hour % 7}"))
        return {"cron": cron, "timezone": zone, "day_or": True}
    if kind < 0.9:
        seconds = chance.choice((1800, 3600, 21_600, 86_400))
        return {"interval": seconds, "anchor_date": f"2026-01-01T00:{minute:02}:00Z", "timezone": zone}
    rule = f"DTSTART:20200101T{hour:02}{minute:02}00\nRRULE:FREQ=DAILY"
    return {"rrule": rule, "timezone": zone}


@contextmanager
def _databases(server: Cluster, history: int) -> Generator[list[tuple[str, Settings]]]:
    """Both databases with so many old runs, as settings that name them."""
    with tempfile.TemporaryDirectory() as folder:
        url = server.create(f"scheduling_{history}")
        on_sqlite, on_postgres = (
            # Preparing a million runs takes longer than a server would ever wait.
            Settings(home=Path(folder), server=ServerSettings(database=ServerDatabaseSettings(url=each, timeout=900)))
            for each in (None, url)
        )
        for settings in (on_sqlite, on_postgres):
            asyncio.run(_prepare(settings))
        if history:
            fill_sqlite("headrace", Path(folder) / "headrace.db", history)
            fill_postgres("headrace", url, history)
        yield [("SQLite", on_sqlite), ("PostgreSQL", on_postgres)]


async def _prepare(settings: Settings) -> None:
    async with _opened(settings):
        pass


def main() -> None:
    """Measure, print, and fail where it does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deployments", type=int, default=10_000)
    parser.add_argument("--history", type=int, default=1_000_000)
    options = parser.parse_args()
    found: list[Measured] = []
    with cluster() as server:
        for history in dict.fromkeys((0, options.history)):
            with _databases(server, history) as databases:
                for name, settings in databases:
                    found.append(asyncio.run(measure(settings, name, options.deployments, history)))
    print(f"{options.deployments:,} deployments\n")
    print(f"{'database':12}{'old runs':>12}{'runs made':>12}{'first tick':>13}{'nothing due':>13}{'100 due':>12}")
    for one in found:
        times = f"{one.first:>11.2f} s{one.idle * 1000:>10.2f} ms{one.hundred * 1000:>9.1f} ms"
        print(f"{one.database:12}{one.history:>12,}{one.runs:>12,}{times}")
    new = {one.database: one.hundred for one in found if not one.history}
    slow = [one for one in found if one.first > MOST_SECONDS]
    grown = [one for one in found if one.hundred > new[one.database] * MOST_GROWTH]
    if slow or grown:
        raise SystemExit("It does not hold.")


if __name__ == "__main__":
    main()
