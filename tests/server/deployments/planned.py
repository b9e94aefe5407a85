"""What tests of the scheduler share: schedules, the scheduler, and the runs that it makes."""

from datetime import datetime, timedelta

from headrace.server.deployments.scheduler import Scheduler
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api, Json

DAILY = {"interval": 86_400, "anchor_date": "2020-01-01T00:00:00Z"}
HOURLY = {"interval": 3600, "anchor_date": "2020-01-01T00:00:00Z"}

_MISS = Statement("UPDATE deployment_schedules SET scheduled_until = $1, due_at = $1 WHERE active")
_DUE = Statement("SELECT count(*) FROM deployment_schedules WHERE due_at <= $1")
_SCHEDULED = Statement("SELECT count(*) FROM deployment_schedules WHERE due_at IS NOT NULL")


async def tick(store: Store, settings: Settings) -> None:
    """Let a scheduler do all that is due."""
    scheduler = Scheduler(store, settings)
    while await scheduler.tick():
        pass


async def miss(store: Store, time: timedelta) -> None:
    """Make it as if no scheduler had run for so long, and no runs had been made before."""
    await store.execute(_MISS, now() - time)


async def due(store: Store) -> int:
    """How many schedules the scheduler has to look at now."""
    return int((await store.fetch(_DUE, now()))[0][0])


async def looked_at(store: Store) -> int:
    """How many schedules the scheduler will look at some time."""
    return int((await store.fetch(_SCHEDULED))[0][0])


async def runs(api: Api, deployment: Json) -> list[Json]:
    """The deployment's runs in the order of their time."""
    wanted = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    return (await api.post("/flow_runs/filter", wanted)).json


def moment(run: Json) -> datetime:
    """When a run is to start."""
    return datetime.fromisoformat(run["expected_start_time"])
