"""Runs that nobody picks up: they become late, and give way where their schedule says so."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.server.flow_runs import late
from headrace.server.flow_runs.late import LateRuns
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.settings.model import ServerServicesSettings
from headrace.settings.services import LateRunsSettings
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.deployments.deployed import deploy
from tests.server.deployments.planned import HOURLY, miss, runs, tick
from tests.server.told import names


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    return database_settings


async def look(store: Store, settings: Settings) -> None:
    """Let the service do all that there is to do."""
    service = LateRuns(store, settings)
    while await service.tick():
        pass


async def waiting(api: Api, seconds: float, **fields: Json) -> str:
    """A run that should have begun so many seconds ago."""
    due = (now() - timedelta(seconds=seconds)).isoformat()
    return await api.flow_run({"type": "SCHEDULED", "state_details": {"scheduled_time": due}}, **fields)


async def state(api: Api, id: str) -> tuple[str, str]:
    run = (await api.get(f"/flow_runs/{id}")).json
    return run["state_type"], run["state_name"]


async def test_a_run_is_late_fifteen_seconds_after_its_time(api: Api, settings: Settings) -> None:
    early, overdue = await waiting(api, 10), await waiting(api, 16)
    before = (await api.get(f"/flow_runs/{overdue}")).json
    await look(api.store, settings)
    assert await state(api, early) == ("SCHEDULED", "Scheduled")
    run = (await api.get(f"/flow_runs/{overdue}")).json
    assert (run["state_type"], run["state_name"]) == ("SCHEDULED", "Late")
    for time in ("expected_start_time", "next_scheduled_start_time"):
        assert run[time] == before[time]
    assert run["state"]["state_details"]["scheduled_time"] == before["next_scheduled_start_time"]
    assert (await names(api.store, "flow-run")).count("prefect.flow-run.Late") == 1
    await look(api.store, settings)
    assert len(await api.states("flow_run", overdue)) == 2


async def test_two_servers_mark_a_run_once(api: Api, settings: Settings) -> None:
    ids = [await waiting(api, 60) for _ in range(7)]
    await asyncio.gather(*(look(api.store, settings) for _ in range(3)))
    for id in ids:
        assert [one["name"] for one in await api.states("flow_run", id)] == ["Scheduled", "Late"]


async def test_how_late_is_late_is_a_setting(api: Api, settings: Settings) -> None:
    own = ServerServicesSettings(late_runs=LateRunsSettings(after_seconds=100))
    settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, services=own))
    id = await waiting(api, 60)
    await look(api.store, settings)
    assert await state(api, id) == ("SCHEDULED", "Scheduled")


@pytest.mark.parametrize("name", ["AwaitingRetry", "AwaitingConcurrencySlot", "Resuming"])
async def test_what_waits_for_something_else_is_never_late(api: Api, settings: Settings, name: str) -> None:
    due = (now() - timedelta(hours=1)).isoformat()
    id = await api.flow_run({"type": "SCHEDULED", "name": name, "state_details": {"scheduled_time": due}})
    await look(api.store, settings)
    assert await state(api, id) == ("SCHEDULED", name)


async def test_runs_that_cannot_be_marked_keep_no_others_from_it(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(late, "BATCH", 2)
    ids = [await waiting(api, 100 - number) for number in range(7)]
    original, broken = late.service.set_state_by, ids[:3]

    async def set_state_by(store: Store, id: Any, *given: Any) -> Any:
        if str(id) in broken:
            raise ValueError("it is broken")
        return await original(store, id, *given)

    monkeypatch.setattr(late.service, "set_state_by", set_state_by)
    await look(api.store, settings)
    assert [(await state(api, id))[1] for id in ids] == ["Scheduled"] * 3 + ["Late"] * 4
    assert [record.message for record in caplog.records] == ["run_not_looked_after"] * 3


async def test_a_database_that_is_away_fails_the_tick(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await waiting(api, 60)

    async def set_state_by(*given: Any) -> None:
        raise ServiceUnavailable("the database is away")

    monkeypatch.setattr(late.service, "set_state_by", set_state_by)
    with pytest.raises(ServiceUnavailable):
        await look(api.store, settings)


async def planned(api: Api, settings: Settings, hours: float, **policies: Json) -> tuple[Json, list[Json]]:
    """A deployment with a run for each of the last hours, and those runs."""
    schedule = {"schedule": HOURLY, "catchup": "all", **policies}
    deployment = await deploy(api, schedules=[schedule])
    await miss(api.store, timedelta(hours=hours))
    await tick(api.store, settings)
    return deployment, [run for run in await runs(api, deployment) if is_past(run)]


def is_past(run: Json) -> bool:
    return datetime.fromisoformat(run["next_scheduled_start_time"] or run["expected_start_time"]) < now()


async def begun(api: Api, deployment: Json, since: timedelta = timedelta(hours=9)) -> str:
    """A run of the deployment that goes on, for so long already."""
    run = (await api.post(f"/deployments/{deployment['id']}/create_flow_run", {})).json
    for type in ("PENDING", "RUNNING"):
        await api.propose("flow_runs", run["id"], type)
    statement = Statement("UPDATE flow_runs SET start_time = $1 WHERE id = $2")
    await api.store.execute(statement, now() - since, UUID(run["id"]))
    return run["id"]


async def test_of_late_runs_no_more_wait_than_may_and_the_latest_stay(api: Api, settings: Settings) -> None:
    deployment, _ = await planned(api, settings, 5)
    schedule = (await api.get(f"/deployments/{deployment['id']}/schedules")).json[0]
    await set_policy(api, schedule, max_queued=2)
    past = [run for run in await runs(api, deployment) if is_past(run)]
    assert len(past) >= 4
    await look(api.store, settings)
    after = [(await api.get(f"/flow_runs/{run['id']}")).json for run in past]
    assert [run["state_name"] for run in after] == ["Skipped"] * (len(past) - 2) + ["Late"] * 2
    assert after[0]["state_type"] == "CANCELLED"
    assert "later runs of its schedule wait, of which at most 2 may" in after[0]["state"]["message"]
    assert "prefect.flow-run.Skipped" in await names(api.store, "flow-run")


async def set_policy(api: Api, schedule: Json, **policies: Json) -> None:
    """Change a policy without taking runs back, as the API would."""
    for name, value in policies.items():
        await api.store.execute(Statement(f"UPDATE deployment_schedules SET {name} = $1"), value)


async def test_a_run_that_is_to_skip_gives_way_when_its_time_comes(api: Api, settings: Settings) -> None:
    deployment, past = await planned(api, settings, 1.5, if_running="skip")
    earlier = await begun(api, deployment)
    await look(api.store, settings)
    for run in past:
        skipped = (await api.get(f"/flow_runs/{run['id']}")).json
        assert (skipped["state_type"], skipped["state_name"]) == ("CANCELLED", "Skipped")
        assert earlier in skipped["state"]["message"]
    assert await state(api, earlier) == ("RUNNING", "Running")
    assert all(run["state_name"] == "Scheduled" for run in await runs(api, deployment) if not is_past(run))


async def test_it_becomes_late_as_any_other_when_nothing_goes_on(api: Api, settings: Settings) -> None:
    _, past = await planned(api, settings, 1.5, if_running="skip")
    await look(api.store, settings)
    assert {await state(api, run["id"]) for run in past} == {("SCHEDULED", "Late")}


async def test_a_run_that_cancels_has_those_end_that_were_there_before_it_and_waits_for_them(
    api: Api, settings: Settings
) -> None:
    deployment, past = await planned(api, settings, 1.5, if_running="cancel_running")
    before, since = await begun(api, deployment), await begun(api, deployment, timedelta())
    await look(api.store, settings)
    assert await state(api, before) == ("CANCELLING", "Cancelling")
    assert await state(api, since) == ("RUNNING", "Running")
    cancelling = (await api.get(f"/flow_runs/{before}")).json
    assert past[0]["id"] in cancelling["state"]["message"]
    claimed = await api.propose("flow_runs", past[0]["id"], "PENDING")
    assert claimed.json["status"] == "ABORT"
    assert "has to end first" in claimed.json["details"]["reason"]
    for id in (before, since):
        await api.propose("flow_runs", id, "CANCELLED", force=True)
    assert (await api.propose("flow_runs", past[0]["id"], "PENDING")).json["status"] == "ACCEPT"


async def test_a_run_is_skipped_when_it_is_picked_up_while_another_goes_on(api: Api, settings: Settings) -> None:
    deployment, past = await planned(api, settings, 2.5, if_running="skip")
    first, second = past[0]["id"], past[1]["id"]
    claims = await asyncio.gather(*(api.propose("flow_runs", id, "PENDING") for id in (first, second)))
    assert sorted(claim.json["status"] for claim in claims) == ["ACCEPT", "REJECT"]
    assert sorted([await state(api, first), await state(api, second)]) == [
        ("CANCELLED", "Skipped"),
        ("PENDING", "Pending"),
    ]
    coming = next(run["id"] for run in await runs(api, deployment) if not is_past(run))
    early = await api.propose("flow_runs", coming, "PENDING")
    assert early.json["status"] == "ABORT"
    assert await state(api, coming) == ("SCHEDULED", "Scheduled")


async def test_runs_that_people_ask_for_are_never_skipped(api: Api, settings: Settings) -> None:
    deployment, _ = await planned(api, settings, 0.1, if_running="skip")
    await begun(api, deployment)
    asked = (await api.post(f"/deployments/{deployment['id']}/create_flow_run", {})).json
    assert (await api.propose("flow_runs", asked["id"], "PENDING")).json["status"] == "ACCEPT"
