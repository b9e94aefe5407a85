"""Cancellations end by their deadline, whatever became of those who should have ended them."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from headrace.server.cancellations import service as cancellations
from headrace.server.cancellations.cleanup import CancellationCleanup
from headrace.server.events.persister import EventPersister
from headrace.server.flow_runs.trees import Reach
from headrace.server.store.base import Statement
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api, Json
from tests.server.trees_of_runs import deployment, leases, open_runs, run_of, state_of, states_of, subflow

RUNS = "flow_runs"
TIMEOUT = 300


@pytest.fixture
def settings(database_settings: Settings) -> Settings:
    return database_settings


async def later(api: Api, settings: Settings, seconds: float) -> None:
    """What a server does so many seconds from now."""
    service = CancellationCleanup(api.store, settings)
    moment = now() + timedelta(seconds=seconds)
    while await service.tick_at(moment):
        pass


async def message(api: Api, run: str) -> str:
    return (await run_of(api, run))["state"]["message"]


async def test_a_run_that_nobody_stops_is_cancelled_at_its_deadline(api: Api, settings: Settings) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    child = await subflow(api, root)
    tasks = [await api.task_run(run, state={"type": "RUNNING"}) for run in (root, child)]
    await api.propose(RUNS, root, "CANCELLING")
    await later(api, settings, TIMEOUT - 1)
    assert await states_of(api, root, child) == ["CANCELLING"] * 2
    await later(api, settings, TIMEOUT + 1)
    assert await states_of(api, root, child) == ["CANCELLED"] * 2
    assert await states_of(api, *tasks, kind="task_runs") == ["CANCELLED"] * 2
    assert await open_runs(api) == []
    assert await message(api, root) == (
        "Flow run cancellation timed out after 300 s; the server marked this flow run as Cancelled. "
        "Nobody has said that they would stop it, so its processes may still be there."
    )
    found = (await api.get(f"/x/flow_runs/{root}/cancellation")).json
    assert (found["final_by"], found["infrastructure"]) == ("server", "unknown")


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ([{"step": "told"}], "worker a was told to stop it and has not said that it did"),
        ([{"step": "killed"}], "worker a has tried to end its processes; whether they are gone is unknown."),
        ([{"step": "killed", "infrastructure": "gone"}], "worker a has ended its processes."),
    ],
)
async def test_the_end_says_what_is_known_of_the_processes(
    api: Api, settings: Settings, steps: Json, known: str
) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    await api.propose(RUNS, root, "CANCELLING")
    for step in steps:
        await api.post(f"/x/flow_runs/{root}/cancellation", {"by": "worker a", **step})
    await later(api, settings, TIMEOUT + 1)
    assert known in await message(api, root)


async def test_slots_come_back_with_the_deadline_and_only_once(api: Api, settings: Settings) -> None:
    flow_id = await api.flow()
    made = await deployment(api, flow_id, concurrency_limit=2)
    runs = [await api.flow_run({"type": "SCHEDULED"}, flow_id=flow_id, deployment_id=made) for _ in range(2)]
    for run in runs:
        await api.propose(RUNS, run, "PENDING")
        await api.propose(RUNS, run, "RUNNING")
    await api.propose(RUNS, runs[0], "CANCELLING")
    await later(api, settings, TIMEOUT + 1)
    await api.propose(RUNS, runs[0], "CANCELLED", force=True)
    await later(api, settings, TIMEOUT + 1)
    assert len(await leases(api)) == 1, "the other run's slot is its own"


async def test_many_runs_end_however_many_there_are_before_them(api: Api, settings: Settings) -> None:
    flow_id = await api.flow()
    runs = [await api.flow_run({"type": "RUNNING"}, flow_id=flow_id) for _ in range(120)]
    for run in runs:
        await api.propose(RUNS, run, "CANCELLING")
    await later(api, settings, TIMEOUT + 1)
    assert await open_runs(api) == []


async def test_two_servers_end_each_run_once(api: Api, settings: Settings) -> None:
    runs = [await api.flow_run({"type": "RUNNING"}) for _ in range(30)]
    for run in runs:
        await api.propose(RUNS, run, "CANCELLING")
    await asyncio.gather(*(later(api, settings, TIMEOUT + 1) for _ in range(3)))
    for run in runs:
        assert [state["type"] for state in await api.states("flow_run", run)].count("CANCELLED") == 1


async def test_a_run_that_ends_at_its_deadline_has_one_end(api: Api, settings: Settings) -> None:
    for _ in range(10):
        run = await api.flow_run({"type": "RUNNING"})
        await api.propose(RUNS, run, "CANCELLING")
        await asyncio.gather(api.propose(RUNS, run, "CANCELLED", force=True), later(api, settings, TIMEOUT + 1))
        assert await state_of(api, run) == "CANCELLED"
        assert len(await api.states("flow_run", run)) in (3, 4), "a forced end may follow the server's own"


async def test_task_runs_left_by_an_orderly_end_are_ended_after_a_while(api: Api, settings: Settings) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    task = await api.task_run(run, state={"type": "RUNNING"})
    inside = await subflow(api, run)
    await api.propose(RUNS, run, "COMPLETED")
    await later(api, settings, 59)
    assert await state_of(api, task, "task_runs") == "RUNNING"
    await later(api, settings, 61)
    assert await state_of(api, task, "task_runs") == "CRASHED"
    assert await state_of(api, inside) == "CRASHED"
    found = (await run_of(api, task, "task_runs"))["state"]
    assert found["message"] == "The parent flow run is Completed, and this run was left."


async def test_what_outlives_a_run_by_right_is_not_looked_for_again_and_again(api: Api, settings: Settings) -> None:
    flow_id = await api.flow()
    made = await deployment(api, flow_id)
    run = await api.flow_run({"type": "RUNNING"})
    elsewhere = await subflow(api, run, flow_id=flow_id, deployment_id=made)
    deferred = {"type": "SCHEDULED", "state_details": {"deferred": True}}
    background = await api.task_run(run, state=deferred)
    await api.propose(RUNS, run, "COMPLETED")
    await later(api, settings, 100)
    assert await state_of(api, elsewhere) == "RUNNING"
    assert await state_of(api, background, "task_runs") == "SCHEDULED"


async def test_a_tree_too_large_for_one_transaction_ends_all_the_same(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancellations, "REACH", Reach(flow_runs=3, task_runs=4))
    root = await api.flow_run({"type": "RUNNING"})
    runs = [root]
    for _ in range(12):
        runs.append(await subflow(api, runs[-1]))
        await api.task_run(runs[-1], state={"type": "RUNNING"})
    await api.propose(RUNS, root, "CANCELLED", force=True)
    await later(api, settings, 0)
    assert await open_runs(api) == []


async def test_a_run_made_inside_a_run_that_is_over_ends_as_well(api: Api, settings: Settings) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    await api.propose(RUNS, root, "CANCELLED", force=True)
    late = await subflow(api, root)
    await later(api, settings, 0)
    assert await state_of(api, late) == "CANCELLED"


def reported(task: str, flow_run: str, type: str, occurred: str, **run: Json) -> Json:
    """A client's event about a task run."""
    return {
        "id": str(uuid4()),
        "occurred": occurred,
        "event": f"prefect.task-run.{type.capitalize()}",
        "resource": {"prefect.resource.id": f"prefect.task-run.{task}", "prefect.orchestration": "client"},
        "related": [{"prefect.resource.id": f"prefect.flow-run.{flow_run}", "prefect.resource.role": "flow-run"}],
        "payload": {
            "validated_state": {"type": type, "name": type.capitalize()},
            "task_run": {"task_key": "t", "dynamic_key": task, "name": "t-0", **run},
        },
    }


@pytest.mark.parametrize("cancelled", [True, False])
async def test_what_a_task_run_really_came_to_wins_however_late_it_is_told(
    api: Api, settings: Settings, cancelled: bool
) -> None:
    run, task = await api.flow_run({"type": "RUNNING"}), str(uuid4())
    began = now() - timedelta(seconds=10)
    times = [(began + timedelta(seconds=seconds)).isoformat() for seconds in range(4)]
    async with EventPersister.running(api.store, settings):
        await api.post("/events", [reported(task, run, "RUNNING", times[1], run_count=1, start_time=times[1])])
        if cancelled:
            await api.propose(RUNS, run, "CANCELLING")
            assert await state_of(api, task, "task_runs") == "CANCELLING"
            await api.propose(RUNS, run, "CANCELLED", force=True)
        else:
            await api.propose(RUNS, run, "FAILED")
            await later(api, settings, 61)
        assert await state_of(api, task, "task_runs") == ("CANCELLED" if cancelled else "CRASHED")
        await api.post("/events", [reported(task, run, "RUNNING", times[2], run_count=2)])
        assert await state_of(api, task, "task_runs") == ("CANCELLED" if cancelled else "CRASHED")
        await api.post("/events", [reported(task, run, "COMPLETED", times[3], run_count=2, end_time=times[3])])
    found = await run_of(api, task, "task_runs")
    assert (found["state_type"], found["run_count"]) == ("COMPLETED", 2)
    assert found["end_time"][:19] == times[3][:19]
    names = [state["name"] for state in await api.states("task_run", task)]
    assert names[:3] == ["Running", "Running", "Completed"], "the history has all of it, in order"


async def test_the_service_rests_until_the_next_deadline(api: Api, settings: Settings) -> None:
    service = CancellationCleanup(api.store, settings)
    while await service.tick():
        pass
    assert 15 < service.interval <= 20
    run = await api.flow_run({"type": "RUNNING"})
    await api.propose(RUNS, run, "CANCELLING")
    soon = Statement("UPDATE flow_runs SET deadline = $2 WHERE id = $1")
    await api.store.execute(soon, run, now() + timedelta(seconds=5))
    while await service.tick():
        pass
    assert 3 < service.interval <= 5


async def test_a_deadline_that_passes_while_the_service_works_is_not_left_for_the_next_round(
    api: Api, settings: Settings
) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await api.propose(RUNS, run, "CANCELLING")

    class Slow(CancellationCleanup):
        """Works for so long that the deadline passes meanwhile."""

        async def tick_at(self, moment: datetime) -> bool:
            more = await super().tick_at(moment)
            if not more:
                soon = Statement("UPDATE flow_runs SET deadline = $2 WHERE id = $1")
                await api.store.execute(soon, run, moment + timedelta(microseconds=1))
            return more

    service = Slow(api.store, settings)
    while await service.tick():
        pass
    assert service.interval == 0
