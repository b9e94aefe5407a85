"""When nothing is heard of workers, pools, queues and deployments any more, they say so, and their events do too."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from headrace.server.store.base import Statement, Store
from headrace.server.work_pools.foreman import Foreman
from headrace.settings import Settings
from headrace.settings.services import ForemanSettings, ServerServicesSettings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.deployments.deployed import deploy
from tests.server.told import names, told

POOL = "/work_pools/local"
HEARD = Statement("UPDATE workers SET last_heartbeat_time = $1 WHERE name = $2")
POLLED = {
    "work_queues": Statement("UPDATE work_queues SET last_polled = $1"),
    "deployments": Statement("UPDATE deployments SET last_polled = $1"),
}
STATUS = Statement("SELECT status FROM workers WHERE name = $1")


@pytest.fixture(autouse=True)
async def pool(api: Api) -> None:
    await api.post("/work_pools/", {"name": "local", "type": "process"})


async def look(store: Store, settings: Settings) -> None:
    foreman = Foreman(store, settings)
    while await foreman.tick():
        pass


async def heard(api: Api, worker: str, seconds: float, **fields: int) -> None:
    """A worker of the pool that was heard of so many seconds ago."""
    await api.post(f"{POOL}/workers/heartbeat", {"name": worker, **fields})
    await api.store.execute(HEARD, now() - timedelta(seconds=seconds), worker)


async def status(api: Api, path: str) -> str:
    return (await api.get(path)).json["status"]


@pytest.mark.parametrize(
    ("seconds", "fields", "expected"),
    [
        (80, {}, "ONLINE"),
        (95, {}, "OFFLINE"),
        (95, {"heartbeat_interval_seconds": 60}, "ONLINE"),
        (40, {"heartbeat_interval_seconds": 10}, "OFFLINE"),
    ],
)
async def test_a_worker_that_has_missed_three_heartbeats_is_offline_and_its_pool_not_ready(
    api: Api, database_settings: Settings, seconds: float, fields: dict[str, int], expected: str
) -> None:
    await heard(api, "miller", seconds, **fields)
    assert await status(api, POOL) == "READY"
    await look(api.store, database_settings)
    assert [row[0] for row in await api.store.fetch(STATUS, "miller")] == [expected]
    assert await status(api, POOL) == ("READY" if expected == "ONLINE" else "NOT_READY")
    last = (await names(api.store, "work-pool"))[-1]
    assert last == ("prefect.work-pool.ready" if expected == "ONLINE" else "prefect.work-pool.not-ready")


async def test_a_pool_is_ready_as_long_as_one_worker_is_heard_of_and_again_when_one_is(
    api: Api, database_settings: Settings
) -> None:
    await heard(api, "gone", 500)
    await heard(api, "there", 1)
    await look(api.store, database_settings)
    assert await status(api, POOL) == "READY"
    await heard(api, "there", 500)
    await asyncio.gather(*(look(api.store, database_settings) for _ in range(3)))
    assert await status(api, POOL) == "NOT_READY"
    await api.post(f"{POOL}/workers/heartbeat", {"name": "there"})
    assert await status(api, POOL) == "READY"
    events = [event.event.rpartition(".")[2] for event in await told(api.store, "work-pool")]
    assert events[-3:] == ["ready", "not-ready", "ready"]


async def test_how_many_heartbeats_may_be_missed_is_a_setting(api: Api, database_settings: Settings) -> None:
    own = ServerServicesSettings(foreman=ForemanSettings(inactivity_heartbeat_multiple=10))
    server = msgspec.structs.replace(database_settings.server, services=own)
    await heard(api, "miller", 200)
    await look(api.store, msgspec.structs.replace(database_settings, server=server))
    assert await status(api, POOL) == "READY"


async def test_a_queue_and_its_deployments_are_not_ready_a_minute_after_the_last_poll(
    api: Api, database_settings: Settings
) -> None:
    deployment = await deploy(api, work_pool_name="local")
    await api.post(f"{POOL}/get_scheduled_flow_runs", {})
    places = {
        "work_queues": f"/work_queues/{deployment['work_queue_id']}",
        "deployments": f"/deployments/{deployment['id']}",
    }

    async def statuses() -> set[str]:
        return {await status(api, place) for place in places.values()}

    for seconds in (0, 50):
        for statement in POLLED.values():
            await api.store.execute(statement, now() - timedelta(seconds=seconds))
        await look(api.store, database_settings)
        assert await statuses() == {"READY"}
    for statement in POLLED.values():
        await api.store.execute(statement, now() - timedelta(seconds=61))
    await asyncio.gather(*(look(api.store, database_settings) for _ in range(3)))
    assert await statuses() == {"NOT_READY"}
    assert (await names(api.store, "work-queue")).count("prefect.work-queue.not-ready") == 1
    assert (await names(api.store, "deployment")).count("prefect.deployment.not-ready") == 1
    await api.post(f"{POOL}/get_scheduled_flow_runs", {})
    assert await statuses() == {"READY"}


async def test_a_deployment_is_ready_while_it_or_its_queue_is_polled(api: Api, database_settings: Settings) -> None:
    deployment = await deploy(api, work_pool_name="local")
    await api.post("/deployments/get_scheduled_flow_runs", {"deployment_ids": [deployment["id"]]})
    await api.post(f"{POOL}/get_scheduled_flow_runs", {})
    await api.store.execute(POLLED["deployments"], now() - timedelta(seconds=90))
    await look(api.store, database_settings)
    assert await status(api, f"/deployments/{deployment['id']}") == "READY"


async def test_what_is_paused_stays_paused(api: Api, database_settings: Settings) -> None:
    await heard(api, "miller", 500)
    await api.patch(POOL, {"is_paused": True})
    await look(api.store, database_settings)
    assert await status(api, POOL) == "PAUSED"
