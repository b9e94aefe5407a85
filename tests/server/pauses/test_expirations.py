"""A run that is paused and never resumed fails, and one that is resumed in time goes on."""

from datetime import timedelta

import pytest

from headrace.server.pauses.expirations import PauseExpirations
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.trees_of_runs import deployment, run_of, state_of

RUNS = "flow_runs"


@pytest.fixture
def service(api: Api, database_settings: Settings) -> PauseExpirations:
    return PauseExpirations(api.store, database_settings)


async def later(service: PauseExpirations, seconds: float) -> None:
    while await service.tick_at(now() + timedelta(seconds=seconds)):
        pass


async def paused(api: Api, seconds: float | None = 60, *, name: str = "Paused") -> str:
    flow_id = await api.flow()
    made = await deployment(api, flow_id)
    run = await api.flow_run({"type": "RUNNING"}, flow_id=flow_id, deployment_id=made)
    until = None if seconds is None else (now() + timedelta(seconds=seconds)).isoformat()
    details = {"pause_timeout": until, "pause_reschedule": name == "Suspended"}
    assert (await api.propose(RUNS, run, "PAUSED", name=name, state_details=details)).json["status"] == "ACCEPT"
    return run


@pytest.mark.parametrize(("name", "how"), [("Paused", "paused"), ("Suspended", "suspended")])
async def test_a_run_fails_when_its_pause_is_over(api: Api, service: PauseExpirations, name: str, how: str) -> None:
    run = await paused(api, name=name)
    await later(service, 59)
    assert await state_of(api, run) == "PAUSED"
    await later(service, 61)
    state = (await run_of(api, run))["state"]
    assert (state["type"], state["message"]) == ("FAILED", f"The flow was {how} and never resumed.")
    assert (await api.post(f"/flow_runs/{run}/resume")).json["status"] == "ABORT"


async def test_a_run_that_is_resumed_in_time_goes_on(api: Api, service: PauseExpirations) -> None:
    run = await paused(api)
    await api.post(f"/flow_runs/{run}/resume")
    await later(service, 1000)
    assert await state_of(api, run) == "RUNNING"


async def test_a_pause_without_an_end_has_none(api: Api, service: PauseExpirations) -> None:
    run = await paused(api, None)
    await later(service, 10_000_000)
    assert await state_of(api, run) == "PAUSED"


async def test_however_many_pauses_are_over_all_of_them_end(api: Api, service: PauseExpirations) -> None:
    runs = [await paused(api) for _ in range(5)]
    await later(service, 61)
    assert {await state_of(api, run) for run in runs} == {"FAILED"}


async def test_the_service_rests_until_the_next_pause_ends(api: Api, service: PauseExpirations) -> None:
    await paused(api, 2)
    await service.tick()
    assert service.interval < 2
