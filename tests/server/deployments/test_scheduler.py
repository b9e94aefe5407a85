"""The scheduler makes the runs of schedules, once, whoever else is at it, and is stopped by none of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.server.deployments import due as dues
from headrace.server.deployments.following import follow
from headrace.server.deployments.scheduler import Scheduler
from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store, Topic
from headrace.settings import Settings
from headrace.settings.services import SchedulerSettings, ServerServicesSettings
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.deployments.deployed import deploy
from tests.server.deployments.planned import DAILY, HOURLY, due, looked_at, miss, moment, runs, tick
from tests.server.told import told

_SET_RULE = Statement("UPDATE deployment_schedules SET schedule = $1 WHERE slug = $2")


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    return database_settings


@pytest.fixture
async def other(settings: Settings, store: Store) -> AsyncIterator[Store]:
    """The store of a second server on the same database."""
    other = make_store(settings)
    await other.open()
    yield other
    await other.close()


async def test_a_schedule_s_runs_are_made_with_what_deployment_and_schedule_say(api: Api, settings: Settings) -> None:
    deployment = await deploy(
        api,
        schedules=[{"schedule": DAILY, "parameters": {"b": 3}, "slug": "daily"}],
        parameters={"a": 1, "b": 2},
        tags=["mill"],
        labels={"team": "grain"},
        version="7",
    )
    await tick(api.store, settings)
    first, *others = await runs(api, deployment)
    schedule = deployment["schedules"][0]
    assert len(others) == 2
    assert (first["state_type"], first["state_name"], first["auto_scheduled"]) == ("SCHEDULED", "Scheduled", True)
    assert first["state"]["message"] == "Flow run scheduled"
    assert first["state"]["state_details"]["flow_run_id"] == first["id"]
    assert first["state"]["state_details"]["scheduled_time"] == first["next_scheduled_start_time"]
    assert first["expected_start_time"] == first["next_scheduled_start_time"]
    assert (first["parameters"], first["tags"]) == ({"a": 1, "b": 3}, ["auto-scheduled", "mill"])
    assert first["labels"]["team"] == "grain"
    assert first["labels"]["prefect.deployment.id"] == deployment["id"]
    assert (first["deployment_version"], first["work_queue_name"]) == ("7", None)
    assert first["created_by"] == {"id": schedule["id"], "type": "SCHEDULE", "display_value": "daily"}
    when = moment(first).strftime("%Y-%m-%d %H:%M:%S+00:00")
    assert first["idempotency_key"] == f"scheduled {deployment['id']} {schedule['id']} {when}"
    assert await told(api.store, "flow-run") == []


async def test_only_what_is_due_is_looked_at(api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    await deploy(api, schedules=[{"schedule": DAILY}])
    await deploy(api, "without")
    await deploy(api, "idle", schedules=[{"schedule": DAILY, "active": False}])
    await deploy(api, "paused", schedules=[{"schedule": DAILY}], paused=True)
    assert (await due(api.store), await looked_at(api.store)) == (1, 1)
    await tick(api.store, settings)
    assert (await due(api.store), await looked_at(api.store)) == (0, 1)
    assert not await Scheduler(api.store, settings).tick()


async def test_two_schedulers_at_once_make_each_run_once(api: Api, settings: Settings, other: Store) -> None:
    made = [
        await deploy(api, str(number), schedules=[{"schedule": HOURLY}, {"schedule": DAILY}]) for number in range(9)
    ]
    await asyncio.gather(tick(api.store, settings), tick(other, settings), tick(api.store, settings))
    for deployment in made:
        keys = [run["idempotency_key"] for run in await runs(api, deployment)]
        assert len(keys) == len(set(keys)) == 6
    await miss(api.store, timedelta(0))
    await asyncio.gather(tick(api.store, settings), tick(other, settings))
    assert len(await runs(api, made[0])) == 6


@pytest.mark.parametrize("way", ["update", "upsert", "patch", "pause", "remove", "delete"])
async def test_what_changes_while_its_runs_are_made_leaves_none_of_the_old_ones(
    api: Api, settings: Settings, way: str
) -> None:
    """Whoever comes first, the runs that are there in the end are those of the deployment as it is then."""
    deployment = await deploy(api, schedules=[{"schedule": HOURLY, "slug": "hourly"}], parameters={"is": "old"})
    path = f"/deployments/{deployment['id']}"
    one = f"{path}/schedules/{deployment['schedules'][0]['id']}"
    batch = await dues.read(api.store, now(), 10)
    results = await follow(batch, now(), Scheduler(api.store, settings)._ahead, 5)
    changes = {
        "update": lambda: api.patch(path, {"parameters": {"is": "new"}}),
        "upsert": lambda: api.post(
            "/deployments/",
            {"name": "nightly", "flow_id": deployment["flow_id"], "schedules": [{"schedule": DAILY}]},
        ),
        "patch": lambda: api.patch(one, {"parameters": {"is": "new"}}),
        "pause": lambda: api.post(f"{path}/pause_deployment"),
        "remove": lambda: api.delete(one),
        "delete": lambda: api.delete(path),
    }
    await asyncio.gather(changes[way](), dues.settle(api.store, results, now()))
    await tick(api.store, settings)
    left = await runs(api, deployment)
    if way in ("pause", "remove", "delete"):
        assert left == []
    elif way == "upsert":
        assert {run["created_by"]["id"] for run in left}.isdisjoint({deployment["schedules"][0]["id"]})
    else:
        assert {run["parameters"]["is"] for run in left} == {"new"}
        assert len(left) == 3


async def test_pausing_takes_runs_back_and_resuming_makes_them_again(api: Api, settings: Settings) -> None:
    deployment = await deploy(api, schedules=[{"schedule": HOURLY}])
    path = f"/deployments/{deployment['id']}"
    await tick(api.store, settings)
    before = [run["idempotency_key"] for run in await runs(api, deployment)]
    await api.post(f"{path}/pause_deployment")
    assert (await runs(api, deployment), await looked_at(api.store)) == ([], 0)
    await api.post(f"{path}/resume_deployment")
    await tick(api.store, settings)
    assert [run["idempotency_key"] for run in await runs(api, deployment)] == before
    await api.patch(path, {"paused": True})
    assert await looked_at(api.store) == 0
    await api.patch(path, {"paused": False})
    assert await due(api.store) == 1


async def test_every_change_wakes_the_scheduler(api: Api) -> None:
    heard = api.store.announced(Topic.SCHEDULES)
    deployment = await deploy(api, schedules=[{"schedule": HOURLY}])
    path = f"/deployments/{deployment['id']}"
    one = f"{path}/schedules/{deployment['schedules'][0]['id']}"
    assert heard.heard()
    for change in (
        lambda: api.patch(path, {"tags": ["x"]}),
        lambda: api.post(f"{path}/schedules", [{"schedule": DAILY}]),
        lambda: api.patch(one, {"active": False}),
        lambda: api.post(f"{path}/pause_deployment"),
        lambda: api.post(f"{path}/resume_deployment"),
        lambda: api.delete(one),
    ):
        await change()
        assert heard.heard()


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"cron": "* * nonsense", "timezone": "UTC", "day_or": True}, "Its rule cannot be followed"),
        ({"interval": 3600, "anchor_date": "2020-01-01T00:00:00Z", "timezone": "Nowhere/Here"}, "Invalid timezone"),
        ({"rrule": "DTSTART:20200101T000000\nFREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "timezone": "UTC"}, "given up"),
    ],
)
async def test_a_rule_that_cannot_be_followed_stops_no_other_and_says_so(
    api: Api, settings: Settings, rule: dict[str, Any], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    hasty = SchedulerSettings(rule_seconds=0.3)
    settings = msgspec.structs.replace(
        settings,
        server=msgspec.structs.replace(settings.server, services=ServerServicesSettings(scheduler=hasty)),
    )
    broken = await deploy(api, "broken", schedules=[{"schedule": HOURLY, "slug": "broken"}])
    sound = await deploy(api, "sound", schedules=[{"schedule": HOURLY, "slug": "sound"}])
    await api.store.execute(_SET_RULE, msgspec.json.encode(rule).decode(), "broken")
    await tick(api.store, settings)
    assert (len(await runs(api, broken)), len(await runs(api, sound))) == (0, 3)
    path = f"/deployments/{broken['id']}/schedules"
    (schedule,) = (await api.get(path)).json
    assert reason in schedule["error"]
    events = [event for event in await told(api.store) if event.event == "headrace.deployment.schedule-failed"]
    assert [(event.name, event.payload["slug"]) for event in events] == [("broken", "broken")]
    assert [record.message for record in caplog.records] == ["schedule_failed"]
    await api.patch(f"{path}/{schedule['id']}", {"schedule": DAILY})
    assert (await api.get(path)).json[0]["error"] is None
    await tick(api.store, settings)
    assert len(await runs(api, broken)) == 3


@pytest.mark.parametrize(("catchup", "made"), [("none", 0), ("latest", 1), ("all", 5)])
async def test_times_that_were_missed_become_runs_as_the_schedule_says(
    api: Api, settings: Settings, catchup: str, made: int
) -> None:
    deployment = await deploy(api, schedules=[{"schedule": HOURLY, "catchup": catchup, "slug": "hourly"}])
    await miss(api.store, timedelta(hours=5))
    began = now()
    await tick(api.store, settings)
    late = [run for run in await runs(api, deployment) if moment(run) < began - timedelta(seconds=90)]
    assert abs(len(late) - made) <= 1 if made > 1 else len(late) == made
    (event,) = [event for event in await told(api.store) if event.event == "headrace.deployment.runs-missed"]
    assert (event.payload["catchup"], event.payload["caught_up"]) == (catchup, len(late))
    assert event.payload["missed"] in (4, 5)
    await tick(api.store, settings)
    assert len(await runs(api, deployment)) in (len(late) + 3, len(late) + 4)


async def test_times_in_a_pause_are_caught_up_only_where_that_is_asked_for(api: Api, settings: Settings) -> None:
    for catchup in ("none", "all"):
        deployment = await deploy(api, catchup, schedules=[{"schedule": HOURLY, "catchup": catchup}])
        path = f"/deployments/{deployment['id']}"
        await api.post(f"{path}/pause_deployment")
        await api.store.execute(
            Statement("UPDATE deployment_schedules SET scheduled_until = $1 WHERE deployment_id = $2"),
            now() - timedelta(hours=4),
            UUID(deployment["id"]),
        )
        await api.post(f"{path}/resume_deployment")
        await tick(api.store, settings)
        past = [run for run in await runs(api, deployment) if moment(run) < now() - timedelta(seconds=90)]
        assert len(past) >= 3 if catchup == "all" else past == []


async def test_a_schedule_that_is_deployed_again_as_it_was_goes_on_where_it_was(api: Api, settings: Settings) -> None:
    schedule = {"schedule": HOURLY, "catchup": "all"}
    deployment = await deploy(api, schedules=[schedule])
    await miss(api.store, timedelta(hours=4))
    again = {"name": "nightly", "flow_id": deployment["flow_id"], "schedules": [schedule]}
    assert (await api.post("/deployments/", again)).status == 200
    await tick(api.store, settings)
    assert len(await runs(api, deployment)) >= 6
    other = {"name": "nightly", "flow_id": deployment["flow_id"], "schedules": [schedule | {"schedule": DAILY}]}
    await miss(api.store, timedelta(days=9))
    assert (await api.post("/deployments/", other)).status == 200
    before = len(await runs(api, deployment))
    await tick(api.store, settings)
    assert len(await runs(api, deployment)) == before + 3


async def test_policies_are_kept_read_and_changed(api: Api) -> None:
    policies: Json = {"catchup": "latest", "max_queued": 2, "if_running": "skip"}
    deployment = await deploy(api, schedules=[{"schedule": HOURLY, **policies}])
    path = f"/deployments/{deployment['id']}/schedules"

    async def read() -> Json:
        (schedule,) = (await api.get(path)).json
        return {name: schedule[name] for name in policies}

    assert await read() == policies
    id = deployment["schedules"][0]["id"]
    await api.patch(f"{path}/{id}", {"max_queued": None, "if_running": "cancel_running"})
    assert await read() == {"catchup": "latest", "max_queued": None, "if_running": "cancel_running"}
    for wrong in ({"catchup": "some"}, {"max_queued": 0}, {"if_running": "wait"}):
        assert (await api.patch(f"{path}/{id}", wrong)).status == 422
    plain = await deploy(api, "plain", schedules=[{"schedule": HOURLY}])
    assert {name: plain["schedules"][0][name] for name in policies} == {
        "catchup": "none",
        "max_queued": None,
        "if_running": "start",
    }
