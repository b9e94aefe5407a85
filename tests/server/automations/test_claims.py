"""An action is had once whoever dies: claims end, the invocation stays, and only the latest claim has a say."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from headrace.server.automations.actions import attempts, claims, deployments, executing
from headrace.server.automations.actions.queries import MOST_ATTEMPTS, Job
from headrace.server.automations.actions.service import Actions
from headrace.server.automations.actions.work import Work
from headrace.server.automations.events import Ending
from headrace.server.store import make_store
from headrace.server.store.base import Store, Topic
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.automations.acting import act, carry_out, make_due, only, rows
from tests.server.automations.fired import event, fire
from tests.server.automations.made import NOTHING, make
from tests.server.told import names


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


async def waiting(api: Api, *actions: Json, on: str = "my.thing") -> None:
    """A firing whose actions wait to be carried out."""
    await fire(api.store, await make(api, actions=list(actions)), event(on))


async def claim(store: Store) -> list[Job]:
    return await claims.claim(store, 10, now())


async def run_deployment(api: Api) -> Json:
    deployment = (await api.post("/deployments/", {"name": "d", "flow_id": await api.flow()})).json
    return {"type": "run-deployment", "deployment_id": deployment["id"]}


async def test_an_action_is_claimed_once_at_a_time(api: Api, other: Store) -> None:
    for _ in range(6):
        await waiting(api, NOTHING)
    claimed = [job.id for found in await asyncio.gather(claim(api.store), claim(other)) for job in found]
    assert len(claimed) == len(set(claimed)) == 6
    assert await claim(other) == []


async def test_a_claim_takes_no_more_than_there_is_room_for(api: Api) -> None:
    for _ in range(5):
        await waiting(api, NOTHING)
    assert len(await claims.claim(api.store, 3, now())) == 3
    assert len(await claims.claim(api.store, 3, now())) == 2


async def test_the_next_action_of_a_firing_waits_for_the_one_before(api: Api) -> None:
    await waiting(api, NOTHING, NOTHING)
    (first,) = await claim(api.store)
    assert await claim(api.store) == []
    async with api.store.transaction() as transaction:
        assert await claims.end(transaction, first, Ending(), now())
    (second,) = await claim(api.store)
    assert (first.position, second.position) == (0, 1)


async def test_an_action_that_waits_to_be_tried_again_does_not_hold_up_the_next(api: Api) -> None:
    await waiting(api, NOTHING, NOTHING)
    (first,) = await claim(api.store)
    await claims.put_off(api.store, first, "busy", now())
    assert [job.position for job in await claim(api.store)] == [1]


async def test_pauses_between_attempts_double(api: Api) -> None:
    await waiting(api, NOTHING)
    pauses: list[float] = []
    for _ in range(MOST_ATTEMPTS - 1):
        (job,) = await claim(api.store)
        began = now()
        await claims.put_off(api.store, job, "busy", began)
        pauses.append(((await rows(api))[0]["due"] - began).total_seconds())
        await make_due(api)
    assert pauses == [2.0, 4.0, 8.0, 16.0]


async def test_a_server_that_dies_before_the_effect_leaves_it_to_another(
    api: Api, other: Store, settings: Settings
) -> None:
    await waiting(api, await run_deployment(api))
    (lost,) = await claim(other)
    assert await carry_out(api, settings) == await rows(api)
    assert (await rows(api))[0]["status"] == "RUNNING"
    await make_due(api)
    only(await carry_out(api, settings), id=lost.id, status="EXECUTED", attempts=2)
    assert (await api.post("/flow_runs/count")).json == 1


async def test_a_server_that_dies_after_the_effect_has_it_once(api: Api, other: Store, settings: Settings) -> None:
    action = await run_deployment(api)
    await waiting(api, action)
    (lost,) = await claim(other)
    await executing.execute(Work(other, settings, lost, now()))
    await make_due(api)
    only(await carry_out(api, settings), status="EXECUTED", attempts=2, result={"status_code": 200})
    assert (await api.post("/flow_runs/count")).json == 1


async def test_a_run_that_an_attempt_has_deleted_before_it_died_counts_as_deleted(
    api: Api, other: Store, settings: Settings
) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await waiting(api, {"type": "delete-flow-run"}, on=f"prefect.flow-run.{run}")
    (lost,) = await claim(other)
    await executing.execute(Work(other, settings, lost, now()))
    await make_due(api)
    only(await carry_out(api, settings), status="EXECUTED", attempts=2)


async def test_a_state_and_the_end_of_its_action_are_one(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await api.flow_run({"type": "RUNNING"})

    async def failing(*_: object) -> bool:
        raise ServiceUnavailable("The database went away.")

    with monkeypatch.context() as patched:
        patched.setattr(claims, "end", failing)
        done = await act(api, settings, {"type": "cancel-flow-run"}, on=f"prefect.flow-run.{run}")
    only(done, status="PENDING", attempts=1, reason="The database went away.")
    assert len(await api.states("flow_run", run)) == 1
    await make_due(api)
    only(await carry_out(api, settings), status="EXECUTED", attempts=2)
    assert len(await api.states("flow_run", run)) == 2


async def test_a_claim_that_was_lost_has_no_say(api: Api, other: Store, settings: Settings) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await waiting(api, {"type": "cancel-flow-run"}, on=f"prefect.flow-run.{run}")
    (lost,) = await claim(other)
    await make_due(api)
    (latest,) = await claim(api.store)
    await attempts.attempt(other, settings, lost)
    assert len(await api.states("flow_run", run)) == 1
    async with other.transaction() as transaction:
        assert not await claims.end(transaction, lost, Ending(reason="late"), now())
    await claims.put_off(other, lost, "late", now())
    only(await rows(api), status="RUNNING", reason=None)
    await attempts.attempt(api.store, settings, latest)
    only(await rows(api), status="EXECUTED")
    assert (await names(api.store, "automation")).count("prefect.automation.action.executed") == 1


async def test_an_action_that_never_ends_is_given_up(api: Api, settings: Settings) -> None:
    await waiting(api, NOTHING)
    for _ in range(MOST_ATTEMPTS):
        assert len(await claim(api.store)) == 1
        await make_due(api)
    row = only(await carry_out(api, settings), status="FAILED", attempts=MOST_ATTEMPTS)
    assert "never came to an end" in row["reason"]
    assert (await names(api.store, "automation"))[-1] == "prefect.automation.action.failed"


async def test_a_database_that_is_away_has_the_action_tried_again(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> Ending:
        raise ServiceUnavailable("The database does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(deployments, "run", away)
        done = await act(api, settings, await run_deployment(api))
    only(done, status="PENDING", attempts=1, reason="The database does not answer.")


async def test_a_fault_of_ours_in_one_action_is_told_and_ends_it(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> Ending:
        raise RuntimeError("a mistake")

    with monkeypatch.context() as patched:
        patched.setattr(deployments, "run", broken)
        done = await act(api, settings, await run_deployment(api), NOTHING)
    assert [row["status"] for row in done] == ["FAILED", "EXECUTED"]
    assert "a mistake" in done[0]["reason"]


async def test_an_action_that_takes_too_long_is_cut_off_and_tried_again(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hanging(*_: object) -> Ending:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(attempts, "LONGEST", 0.01)
    monkeypatch.setattr(deployments, "run", hanging)
    row = only(await act(api, settings, await run_deployment(api)), status="PENDING", attempts=1)
    assert "took longer" in row["reason"]


def test_claims_are_renewed_well_before_they_end() -> None:
    assert timedelta(seconds=claims.RENEWED_EVERY) * 3 < claims.LEASE


@pytest.mark.parametrize("way", ["tick", "drain"])
async def test_an_action_that_takes_its_time_keeps_its_claim(
    api: Api, other: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    released = asyncio.Event()

    async def slow(*_: object) -> Ending:
        await released.wait()
        return Ending()

    monkeypatch.setattr(claims, "RENEWED_EVERY", 0.01)
    monkeypatch.setattr(deployments, "run", slow)
    await waiting(api, await run_deployment(api))
    service = Actions(api.store, settings)
    await service.tick()
    await make_due(api)
    draining = asyncio.create_task(service.drain()) if way == "drain" else None
    async with asyncio.timeout(20):
        while (await rows(api))[0]["due"] <= now():
            if way == "tick":
                await service.tick()
            await asyncio.sleep(0)
    assert await claim(other) == []
    released.set()
    await (draining or service.drain())
    only(await rows(api), status="EXECUTED", attempts=1)


async def test_a_slow_action_holds_up_no_other(api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, released = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> Ending:
        reached.set()
        await released.wait()
        return Ending()

    monkeypatch.setattr(deployments, "run", slow)
    await waiting(api, await run_deployment(api))
    service = Actions(api.store, settings)
    await service.tick()
    await reached.wait()
    ended = api.store.announced(Topic.ACTIONS)
    await waiting(api, NOTHING)
    while (await rows(api))[1]["status"] != "EXECUTED":
        await service.tick()
        await ended.wait(1.0)
    assert (await rows(api))[0]["status"] == "RUNNING"
    released.set()
    await service.drain()
    assert (await rows(api))[0]["status"] == "EXECUTED"


async def test_a_running_service_acts_as_soon_as_something_fires(api: Api, settings: Settings) -> None:
    async with Actions.running(api.store, settings) as services:
        (service,) = services
        service.interval = 3600.0
        ended = api.store.announced(Topic.ACTIONS)
        await waiting(api, NOTHING, NOTHING)
        async with asyncio.timeout(20):
            while [row["status"] for row in await rows(api)] != ["EXECUTED"] * 2:
                await ended.wait(1.0)


async def test_a_failed_action_is_tried_again_by_hand_under_its_invocation(api: Api, settings: Settings) -> None:
    run = await api.flow_run({"type": "COMPLETED"})
    row = only(await act(api, settings, {"type": "cancel-flow-run"}, on=f"prefect.flow-run.{run}"), status="FAILED")
    path = f"/x/automations/actions/{row['id']}/retry"
    await api.propose("flow_runs", run, "RUNNING", force=True)
    answer = await api.post(path)
    assert (answer.status, answer.json["status"], answer.json["id"]) == (200, "PENDING", str(row["id"]))
    only(await carry_out(api, settings), status="EXECUTED", attempts=2, reason=None)
    again = await api.post(path)
    assert (again.status, "EXECUTED" in again.json["detail"]) == (409, True)
    assert (await api.post(f"/x/automations/actions/{UUID(int=4)}/retry")).status == 404
    ends = [name for name in await names(api.store, "automation") if name.endswith(("failed", "executed"))]
    assert ends == ["prefect.automation.action.failed", "prefect.automation.action.executed"]
