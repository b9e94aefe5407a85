"""`/ui` answers what the web UI asks for, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.server.api import Api
from tests.server.events.reported import EPOCH, event

Json = Any
NOW = datetime.now(UTC)


def at(seconds: float, start: datetime = EPOCH) -> str:
    return (start + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


async def scheduled(api: Api, flow_id: str, moment: str) -> str:
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": moment}}
    return await api.flow_run(state, flow_id=flow_id)


async def report(api: Api, flow_run_id: str, *runs: tuple[float, str]) -> None:
    """Report task runs that started at a second and are in a state now, as a client does."""
    events = [
        event(number, uuid4(), flow_run_id, second=500, type=state, task_run={"start_time": at(second)})
        for number, (second, state) in enumerate(runs)
    ]
    assert (await api.post("/events", events)).status == 204


async def test_deployments_are_counted_for_each_flow(api: Api) -> None:
    flow_id, other = await api.flow(), str(uuid4())
    counted = await api.post("/ui/flows/count-deployments", {"flow_ids": [flow_id, other]})
    assert (counted.status, counted.json) == (200, {flow_id: 0, other: 0})
    for name in ("one", "two"):
        assert (await api.post("/deployments/", {"name": name, "flow_id": flow_id})).status == 201
    counted = await api.post("/ui/flows/count-deployments", {"flow_ids": [flow_id, other]})
    assert counted.json == {flow_id: 2, other: 0}
    assert (await api.post("/ui/flows/count-deployments", {"flow_ids": []})).json == {}


async def test_the_next_run_of_a_flow_is_the_one_that_is_due_first(api: Api) -> None:
    flow_id, idle = await api.flow(), await api.flow()
    await scheduled(api, flow_id, at(86_400, NOW))
    overdue = await scheduled(api, flow_id, at(-60, NOW))
    await api.flow_run({"type": "RUNNING"}, flow_id=idle)
    found = (await api.post("/ui/flows/next-runs", {"flow_ids": [flow_id, idle]})).json
    run = (await api.get(f"/flow_runs/{overdue}")).json
    assert found[idle] is None
    assert found[flow_id] == {
        name: run[name] for name in ("id", "flow_id", "name", "state_name", "state_type", "next_scheduled_start_time")
    }


async def test_flow_runs_are_points_in_time(api: Api) -> None:
    flow_id = await api.flow()
    late = await scheduled(api, flow_id, at(-100, NOW))
    future = await scheduled(api, flow_id, at(86_400, NOW))
    running = await api.flow_run({"type": "RUNNING"}, flow_id=flow_id)
    await api.flow_run()
    body = {"flows": {"id": {"any_": [flow_id]}}}
    points = (await api.post("/ui/flow_runs/history", body)).json
    assert [point["id"] for point in points] == [future, running, late]
    assert points[0] == {
        "id": future,
        "state_type": "SCHEDULED",
        "timestamp": at(86_400, NOW),
        "duration": 0.0,
        "lateness": 0.0,
    }
    assert points[1]["duration"] > 0
    assert points[2]["lateness"] >= 100
    ascending = (await api.post("/ui/flow_runs/history", body | {"sort": "EXPECTED_START_TIME_ASC", "limit": 1})).json
    assert [point["id"] for point in ascending] == [late]
    assert (await api.post("/ui/flow_runs/history", {"limit": 0})).json == []
    assert len((await api.post("/ui/flow_runs/history")).json) == 4
    assert len((await api.post("/ui/flow_runs/history", {"offset": 3})).json) == 1


@pytest.mark.parametrize("body", [{"limit": 1001}, {"limit": -1}, {"offset": -1}, {"sort": "x"}, {"flows": {"x": 1}}])
async def test_a_plot_that_makes_no_sense_is_refused(api: Api, body: Json) -> None:
    assert (await api.post("/ui/flow_runs/history", body)).status == 422


async def test_task_runs_are_counted_for_each_flow_run(api: Api) -> None:
    run, other = await api.flow_run(), str(uuid4())
    for _ in range(3):
        await api.task_run(run)
    await api.task_run(await api.flow_run())
    counted = await api.post("/ui/flow_runs/count-task-runs", {"flow_run_ids": [run, other]})
    assert counted.json == {run: 3, other: 0}


async def test_task_runs_are_counted_by_state(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    for state in ("RUNNING", "RUNNING", "PENDING", "FAILED"):
        await api.task_run(run, state={"type": state})
    await api.task_run(await api.flow_run({"type": "RUNNING"}), state={"type": "COMPLETED"})
    everything = (await api.post("/ui/task_runs/count")).json
    zeros = dict.fromkeys(("CANCELLED", "CRASHED", "PAUSED", "CANCELLING", "SCHEDULED"), 0)
    assert everything == zeros | {"RUNNING": 2, "PENDING": 1, "FAILED": 1, "COMPLETED": 1}
    of_one = (await api.post("/ui/task_runs/count", {"flow_runs": {"id": {"any_": [run]}}})).json
    assert of_one == zeros | {"RUNNING": 2, "PENDING": 1, "FAILED": 1, "COMPLETED": 0}


async def test_a_task_run_is_shown_with_the_name_of_its_flow_run(api: Api) -> None:
    run = await api.flow_run(name="night")
    task, alone = await api.task_run(run), await api.task_run(None)
    shown = (await api.get(f"/ui/task_runs/{task}")).json
    plain = (await api.get(f"/task_runs/{task}")).json
    assert shown.pop("flow_run_name") == "night"
    late = "estimated_start_time_delta"
    assert {**shown, late: None} == {**plain, late: None}
    assert (await api.get(f"/ui/task_runs/{alone}")).json["flow_run_name"] is None
    assert (await api.get(f"/ui/task_runs/{uuid4()}")).status == 404


async def test_the_dashboard_shows_what_ended_well_and_badly_in_twenty_bars(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    well = ((0, "COMPLETED"), (9.999999, "COMPLETED"), (200, "COMPLETED"))
    badly = ((10, "FAILED"), (199, "CRASHED"))
    neither = ((15, "RUNNING"), (20, "CANCELLED"))
    outside = ((-1, "COMPLETED"), (200.000001, "COMPLETED"))
    await report(api, run, *well, *badly, *neither, *outside)
    window = {"after_": at(0), "before_": at(200)}
    bars = (await api.post("/ui/task_runs/dashboard/counts", {"task_runs": {"start_time": window}})).json
    assert len(bars) == 20
    assert [(number, bar["completed"], bar["failed"]) for number, bar in enumerate(bars) if any(bar.values())] == [
        (0, 2, 0),
        (1, 0, 1),
        (19, 1, 1),
    ]
    for others in ({"flow_runs": {"id": {"any_": [str(uuid4())]}}}, {"work_queues": {"name": {"any_": ["x"]}}}):
        asked = {"task_runs": {"start_time": window}, **others}
        counted = (await api.post("/ui/task_runs/dashboard/counts", asked)).json
        assert counted == [{"completed": 0, "failed": 0}] * 20


async def test_the_dashboard_reaches_to_now_unless_told_otherwise(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    task = await api.task_run(run, state={"type": "RUNNING"})
    await api.propose("task_runs", task, "COMPLETED")
    body = {"task_runs": {"start_time": {"after_": at(-3600, datetime.now(UTC))}}}
    bars = (await api.post("/ui/task_runs/dashboard/counts", body)).json
    assert [bar["completed"] for bar in bars] == [0] * 19 + [1]


@pytest.mark.parametrize("start_time", [None, {}, {"before_": at(0)}])
async def test_the_dashboard_has_to_be_told_from_when(api: Api, start_time: Json) -> None:
    refused = await api.post("/ui/task_runs/dashboard/counts", {"task_runs": {"start_time": start_time}})
    assert (refused.status, refused.json["detail"]) == (422, "task_runs.start_time.after_ is required")
    assert (await api.post("/ui/task_runs/dashboard/counts", {})).status == 422


async def test_a_window_that_ends_before_it_begins_holds_nothing(api: Api) -> None:
    window = {"after_": at(10), "before_": at(0)}
    bars = (await api.post("/ui/task_runs/dashboard/counts", {"task_runs": {"start_time": window}})).json
    assert bars == [{"completed": 0, "failed": 0}] * 20


@pytest.mark.parametrize("path", ["flows/count-deployments", "flows/next-runs", "flow_runs/count-task-runs"])
@pytest.mark.parametrize("body", [{}, {"flow_ids": ["x"], "flow_run_ids": ["x"]}, {"flow_ids": 5, "flow_run_ids": 5}])
async def test_ids_have_to_be_a_list_of_ids(api: Api, path: str, body: Json) -> None:
    assert (await api.post(f"/ui/{path}", body)).status == 422
