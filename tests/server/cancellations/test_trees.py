"""Whoever asks a run to end asks its whole tree, in the transaction of the request."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from headrace.server.cancellations import ending, service
from headrace.server.flow_runs.trees import Reach
from headrace.server.states.proposals import Asker
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.told import told
from tests.server.trees_of_runs import deployment, leases, moment, open_runs, run_of, state_of, states_of, subflow

RUNS = "flow_runs"


async def cancellation(api: Api, run: str) -> dict[str, Any]:
    answer = await api.get(f"/x/flow_runs/{run}/cancellation")
    assert answer.status == 200, answer.json
    return answer.json


async def test_subflow_runs_at_any_depth_are_cancelling_with_the_request(api: Api) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    runs = [root]
    for _ in range(5):
        runs.append(await subflow(api, runs[-1]))
    assert (await api.propose(RUNS, root, "CANCELLING")).json["status"] == "ACCEPT"
    assert await states_of(api, *runs) == ["CANCELLING"] * 6
    for run in runs[1:]:
        tracking = (await run_of(api, run))["parent_task_run_id"]
        assert await state_of(api, tracking, "task_runs") == "CANCELLING"
        assert (await run_of(api, run))["state"]["message"] == "The parent flow run is being cancelled."


async def test_each_run_of_the_tree_tells_of_it_so_that_its_runner_hears(api: Api) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    child = await subflow(api, root)
    await api.propose(RUNS, root, "CANCELLING")
    events = [event for event in await told(api.store) if event.event == "prefect.flow-run.Cancelling"]
    assert {event.resource["prefect.resource.id"] for event in events} == {
        f"prefect.flow-run.{root}",
        f"prefect.flow-run.{child}",
    }
    for event in events:
        run = await run_of(api, event.resource["prefect.resource.id"].removeprefix("prefect.flow-run."))
        assert str(event.id) == run["state_id"]


async def test_what_has_no_process_is_cancelled_at_once(api: Api) -> None:
    flow_id = await api.flow()
    made = await deployment(api, flow_id)
    root = await api.flow_run({"type": "RUNNING"})
    scheduled = await subflow(api, root, {"type": "SCHEDULED"}, deployment_id=made)
    claimed = await subflow(api, root, {"type": "PENDING"}, deployment_id=made)
    paused = await subflow(api, root)
    await api.propose(RUNS, paused, "PAUSED", state_details={"pause_timeout": "2999-01-01T00:00:00Z"})
    await api.propose(RUNS, root, "CANCELLING")
    assert await states_of(api, scheduled, claimed, paused) == ["CANCELLED", "CANCELLING", "CANCELLING"]


async def test_task_runs_that_run_are_cancelling_and_others_cancelled(api: Api) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    child = await subflow(api, root)
    running = [await api.task_run(run, state={"type": "RUNNING"}) for run in (root, child)]
    waiting = [await api.task_run(root, state={"type": type}) for type in ("PENDING", "SCHEDULED", "PAUSED")]
    over = [await api.task_run(root, state={"type": type}) for type in ("COMPLETED", "FAILED", "CRASHED")]
    await api.propose(RUNS, root, "CANCELLING")
    assert await states_of(api, *running, kind="task_runs") == ["CANCELLING"] * 2
    assert await states_of(api, *waiting, kind="task_runs") == ["CANCELLED"] * 3
    assert await states_of(api, *over, kind="task_runs") == ["COMPLETED", "FAILED", "CRASHED"]
    await api.propose(RUNS, root, "CANCELLED", force=True)
    assert await open_runs(api) == []


@pytest.mark.parametrize("force", [False, True])
async def test_a_run_that_is_made_cancelled_ends_what_is_inside_its_process(api: Api, force: bool) -> None:
    made = await deployment(api, await api.flow())
    root = await api.flow_run({"type": "RUNNING"})
    inside, elsewhere = await subflow(api, root), await subflow(api, root, deployment_id=made)
    task = await api.task_run(inside, state={"type": "RUNNING"})
    assert (await api.propose(RUNS, root, "CANCELLED", force=force)).json["status"] == "ACCEPT"
    assert await states_of(api, root, inside, elsewhere) == ["CANCELLED", "CANCELLED", "CANCELLING"]
    assert await state_of(api, task, "task_runs") == "CANCELLED"
    assert (await run_of(api, inside))["state"]["message"] == "The parent flow run was cancelled."


async def test_a_run_that_crashes_ends_what_is_inside_its_process_and_nothing_else(api: Api) -> None:
    made = await deployment(api, await api.flow())
    root = await api.flow_run({"type": "RUNNING"})
    inside, elsewhere = await subflow(api, root), await subflow(api, root, deployment_id=made)
    task = await api.task_run(inside, state={"type": "RUNNING"})
    await api.propose(RUNS, root, "CRASHED")
    assert await states_of(api, root, inside, elsewhere) == ["CRASHED", "CRASHED", "RUNNING"]
    assert await state_of(api, task, "task_runs") == "CRASHED"
    tracking = (await run_of(api, elsewhere))["parent_task_run_id"]
    assert await state_of(api, tracking, "task_runs") == "RUNNING", "it still tracks a run that goes on"


async def test_background_tasks_outlive_the_run_that_sent_them_off(api: Api) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    deferred = {"type": "SCHEDULED", "state_details": {"deferred": True, "task_parameters_id": str(uuid4())}}
    task = await api.task_run(root, state=deferred)
    await api.propose(RUNS, root, "CANCELLED", force=True)
    assert await state_of(api, task, "task_runs") == "SCHEDULED"


async def test_other_trees_are_left_alone(api: Api) -> None:
    other = await api.flow_run({"type": "RUNNING"})
    inside = await subflow(api, other)
    root = await api.flow_run({"type": "RUNNING"})
    await api.propose(RUNS, root, "CANCELLING")
    assert await states_of(api, other, inside) == ["RUNNING"] * 2


async def test_cancelling_many_at_once_takes_each_tree_along(api: Api) -> None:
    flow_id = await api.flow()
    roots = [await api.flow_run({"type": "RUNNING"}, flow_id=flow_id) for _ in range(3)]
    inside = [await subflow(api, root) for root in roots]
    body = {"flow_runs": {"id": {"any_": roots}}, "state": {"type": "CANCELLING"}}
    answered = (await api.post("/flow_runs/bulk_set_state", body)).json["results"]
    assert [one["status"] for one in answered] == ["ACCEPT"] * 3
    assert await states_of(api, *inside) == ["CANCELLING"] * 3


async def test_slots_of_the_tree_come_back_when_it_ends(api: Api) -> None:
    flow_id = await api.flow()
    made = await deployment(api, flow_id, concurrency_limit=5)
    await api.post("/v2/concurrency_limits/", {"name": "tag:db", "limit": 3})
    root = await api.flow_run({"type": "RUNNING"})
    child = await subflow(api, root, {"type": "SCHEDULED"}, flow_id=flow_id, deployment_id=made)
    assert (await api.propose(RUNS, child, "PENDING")).json["status"] == "ACCEPT"
    await api.propose(RUNS, child, "RUNNING")
    task = await api.task_run(root, tags=["db"])
    assert (await api.propose("task_runs", task, "RUNNING")).json["status"] == "ACCEPT"
    holder = {"type": "flow_run", "id": root}
    body = {"names": ["tag:db"], "slots": 1, "mode": "concurrency", "lease_duration": 300, "holder": holder}
    assert (await api.post("/v2/concurrency_limits/increment-with-lease", body)).status == 200
    assert len(await leases(api)) == 3
    await api.propose(RUNS, root, "CANCELLING")
    assert len(await leases(api)) == 3, "what is being stopped still holds its slots"
    await api.propose(RUNS, root, "CANCELLED", force=True)
    assert len(await leases(api)) == 1
    await api.propose(RUNS, child, "CANCELLED", force=True)
    assert await leases(api) == []


async def test_each_run_tells_how_its_cancelling_goes(api: Api) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    child = await subflow(api, root)
    await api.propose(RUNS, root, "CANCELLING", message="Too slow.")
    begun = await cancellation(api, root)
    assert (begun["root_id"], begun["message"], begun["state_type"]) == (root, "Too slow.", "CANCELLING")
    assert begun["requested_by"] == {"id": None, "type": "CLIENT", "display_value": "prefect/3.8.8 (API 0.8.4)"}
    assert moment(begun["deadline"]) - moment(begun["requested_at"]) == timedelta(seconds=300)
    assert begun["tree"] == {"flow_runs": {"CANCELLING": 2}, "task_runs": {"CANCELLING": 1}}
    inner = await cancellation(api, child)
    assert (inner["root_id"], inner["requested_by"]) == (root, {"id": root, "type": "FLOW_RUN", "display_value": None})

    step = f"/x/flow_runs/{root}/cancellation"
    assert (await api.post(step, {"step": "told", "by": "runner host-1"})).status == 204
    killed = {"step": "killed", "by": "runner host-1", "infrastructure": "gone", "message": "Killed 2 processes."}
    assert (await api.post(step, killed)).status == 204
    await api.propose(RUNS, root, "CANCELLED", force=True)
    ended = await cancellation(api, root)
    assert (ended["told"], ended["killed"], ended["infrastructure"]) == ("runner host-1", "runner host-1", "gone")
    assert (ended["final_by"], ended["message"]) == ("prefect/3.8.8 (API 0.8.4)", "Killed 2 processes.")
    order = [moment(ended[step]) for step in ("requested_at", "told_at", "killed_at", "final_at")]
    assert order == sorted(order)
    assert ended["tree"] == {"flow_runs": {"CANCELLED": 2}, "task_runs": {"CANCELLED": 1}}
    inner = await cancellation(api, child)
    assert (inner["final_by"], inner["state_type"]) == ("server", "CANCELLED")


async def test_who_kills_knows_of_the_request_and_what_is_gone_stays_gone(api: Api) -> None:
    root = await api.flow_run({"type": "RUNNING"})
    await api.propose(RUNS, root, "CANCELLING")
    step = f"/x/flow_runs/{root}/cancellation"
    await api.post(step, {"step": "killed", "by": "worker a", "infrastructure": "gone"})
    await api.post(step, {"step": "killed", "by": "worker b", "infrastructure": "unknown"})
    found = await cancellation(api, root)
    assert (found["told"], found["killed"], found["infrastructure"]) == ("worker a", "worker a", "gone")


async def test_a_cancellation_that_nobody_asked_for_is_not_there(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    path = f"/x/flow_runs/{run}/cancellation"
    for answer in (await api.get(path), await api.post(path, {"step": "told", "by": "x"})):
        assert answer.status == 404
        assert "was never asked to be cancelled" in answer.json["detail"]
    assert (await api.post(path, {"step": "forgotten", "by": "x"})).status == 422


async def test_a_run_that_is_cancelled_at_once_is_final_at_once(api: Api) -> None:
    run = await api.flow_run({"type": "SCHEDULED"})
    await api.propose(RUNS, run, "CANCELLING")
    found = await cancellation(api, run)
    assert (found["state_type"], found["final_by"], found["deadline"]) == ("CANCELLED", "server", None)


async def test_a_run_that_is_run_again_and_cancelled_again_has_a_new_cancellation(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"}, deployment_id=await deployment(api, await api.flow()))
    await api.propose(RUNS, run, "CANCELLED", message="First.")
    await api.propose(RUNS, run, "SCHEDULED")
    await api.propose(RUNS, run, "RUNNING", force=True)
    await api.propose(RUNS, run, "CANCELLING", message="Second.")
    found = await cancellation(api, run)
    assert (found["message"], found["final_at"]) == ("Second.", None)
    await api.propose(RUNS, run, "RUNNING", force=True)
    assert (await api.get(f"/x/flow_runs/{run}/cancellation")).status == 404, "it goes on after all"


async def test_a_tree_too_large_for_one_transaction_follows_in_others(
    api: Api, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "REACH", Reach(flow_runs=2, task_runs=3))
    root = await api.flow_run({"type": "RUNNING"})
    inside = [await subflow(api, root) for _ in range(5)]
    deeper = [await subflow(api, run) for run in inside]
    tasks = [await api.task_run(run, state={"type": "RUNNING"}) for run in (root, *deeper)]
    await api.propose(RUNS, root, "CANCELLING")
    assert (await states_of(api, *inside, *deeper)).count("CANCELLING") == 2
    asker = Asker.server(database_settings, now())
    passes = 0
    while await ending.spread(api.store, asker):
        passes += 1
        assert passes < 20
    assert await states_of(api, *inside, *deeper) == ["CANCELLING"] * 10
    assert await states_of(api, *tasks, kind="task_runs") == ["CANCELLING"] * 6
    assert not await ending.spread(api.store, asker)
    for run in deeper:
        assert (await cancellation(api, run))["root_id"] == root
