"""A run's graphs show what it ran, on both databases."""

from typing import Any
from uuid import uuid4

import pytest

from headrace.server.flow_runs import graph
from tests.server.api import Api

Json = Any


async def nodes(api: Api, run_id: str, query: str = "") -> dict[str, Json]:
    drawn = (await api.get(f"/flow_runs/{run_id}/graph-v2", query)).json
    assert all(key == node["id"] for key, node in drawn["nodes"])
    return dict(drawn["nodes"])


def took(*ids: str, kind: str = "task_run") -> list[Json]:
    return [{"input_type": kind, "id": id} for id in ids]


async def test_edges_go_from_what_a_task_took_to_the_task(api: Api) -> None:
    run = await api.flow_run()
    first = await api.task_run(run, name="first")
    second = await api.task_run(run, name="second", task_inputs={"x": took(first), "y": took(first)})
    third = await api.task_run(
        run, task_inputs={"z": took(first, second), "c": [{"input_type": "constant", "type": "int"}]}
    )
    inner = await api.task_run(run, task_inputs={"__parents__": took(third)})
    drawn = (await api.get(f"/flow_runs/{run}/graph-v2")).json
    found = dict(drawn["nodes"])
    assert drawn["root_node_ids"] == [first, inner]
    assert [edge["id"] for edge in found[first]["children"]] == [second, third]
    assert found[second]["parents"] == [{"id": first}]
    assert found[third]["parents"] == [{"id": first}, {"id": second}]
    assert found[inner]["encapsulating"] == [{"id": third}]
    assert found[inner]["parents"] == found[third]["children"] == []
    assert found[first] | {"start_time": None} == {
        "kind": "task-run",
        "id": first,
        "label": "first",
        "state_type": "PENDING",
        "start_time": None,
        "end_time": None,
        "parents": [],
        "children": [{"id": second}, {"id": third}],
        "encapsulating": [],
        "artifacts": [],
    }


async def test_what_is_not_drawn_has_no_edges(api: Api) -> None:
    run = await api.flow_run()
    elsewhere = await api.task_run(await api.flow_run())
    task = await api.task_run(run, task_inputs={"x": took(elsewhere, str(uuid4()))})
    assert (await nodes(api, run))[task]["parents"] == []


async def test_a_task_run_that_stands_for_a_subflow_run_is_drawn_as_that_run(api: Api) -> None:
    run = await api.flow_run()
    tracking = await api.task_run(run)
    flow = await api.flow(name="inner flow")
    subflow = await api.flow_run({"type": "PENDING"}, flow_id=flow, parent_task_run_id=tracking, name="child")
    after = await api.task_run(run, task_inputs={"x": took(subflow, kind="flow_run"), "y": took(tracking)})
    found = await nodes(api, run)
    assert set(found) == {subflow, after}
    assert found[subflow]["kind"] == "flow-run"
    assert found[subflow]["label"] == "inner flow / child"
    assert found[subflow]["children"] == [{"id": after}]
    assert found[after]["parents"] == [{"id": subflow}]


async def test_the_graph_tells_the_times_and_states_of_its_run(api: Api) -> None:
    run = await api.flow_run()
    await api.propose("flow_runs", run, "RUNNING")
    await api.propose("flow_runs", run, "COMPLETED")
    drawn = (await api.get(f"/flow_runs/{run}/graph-v2")).json
    whole = (await api.get(f"/flow_runs/{run}")).json
    assert (drawn["start_time"], drawn["end_time"]) == (whole["start_time"], whole["end_time"])
    assert [state["type"] for state in drawn["states"]] == ["PENDING", "RUNNING", "COMPLETED"]
    assert (drawn["nodes"], drawn["root_node_ids"], drawn["artifacts"]) == ([], [], [])


async def test_nodes_that_ended_before_a_moment_can_be_left_out(api: Api) -> None:
    run = await api.flow_run()
    ended, going = await api.task_run(run), await api.task_run(run)
    await api.propose("task_runs", ended, "COMPLETED", force=True)
    assert set(await nodes(api, run)) == {ended, going}
    end = (await api.get(f"/task_runs/{ended}")).json["end_time"]
    assert set(await nodes(api, run, f"since={end}")) == {ended, going}
    assert set(await nodes(api, run, "since=2999-01-01T00:00:00Z")) == {going}
    assert (await api.get(f"/flow_runs/{run}/graph-v2", "since=soon")).status == 422


async def test_a_graph_with_too_many_nodes_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await api.flow_run()
    for _ in range(3):
        await api.task_run(run)
    monkeypatch.setattr(graph, "MOST_NODES", 2)
    refused = await api.get(f"/flow_runs/{run}/graph-v2")
    assert refused.status == 400
    assert "more than 2 nodes" in refused.json["detail"]


async def test_dependencies_list_the_task_runs_that_each_one_waited_for(api: Api) -> None:
    run = await api.flow_run()
    first = await api.task_run(run, name="first")
    second = await api.task_run(run, task_inputs={"x": took(first), "p": [{"input_type": "parameter", "name": "p"}]})
    found = (await api.get(f"/flow_runs/{run}/graph")).json
    assert [task["id"] for task in found] == [first, second]
    assert [task["upstream_dependencies"] for task in found] == [[], [{"input_type": "task_run", "id": first}]]
    assert found[0]["name"] == "first"
    assert found[0]["state"]["type"] == "PENDING"
    assert found[0]["untrackable_result"] is False


@pytest.mark.parametrize("graph_path", ["graph", "graph-v2"])
async def test_a_run_that_does_not_exist_has_no_graph(api: Api, graph_path: str) -> None:
    missing = await api.get(f"/flow_runs/{uuid4()}/{graph_path}")
    assert missing.status == 404
    assert "not found" in missing.json["exception_message"]


async def test_a_graph_shows_what_the_run_and_its_tasks_left_but_no_results(api: Api) -> None:
    run = await api.flow_run()
    task, other = await api.task_run(run), await api.flow_run()

    async def leave(**fields: Json) -> Json:
        return (await api.post("/artifacts/", {"flow_run_id": run, "type": "markdown", **fields})).json

    old, new = await leave(key="report", data="# a"), await leave(key="report", task_run_id=task, data="# b")
    progress = await leave(type="progress", data=50.5, task_run_id=task)
    await leave(type="result", data={"x": 1})
    await leave(type=None, data={"x": 1})
    await leave(flow_run_id=other)

    def shown(artifact: Json, is_latest: bool, data: Json = None) -> Json:
        return {name: artifact[name] for name in ("id", "created", "key", "type")} | {
            "is_latest": is_latest,
            "data": data,
        }

    drawn = (await api.get(f"/flow_runs/{run}/graph-v2")).json
    assert drawn["artifacts"] == [shown(old, False)]
    assert dict(drawn["nodes"])[task]["artifacts"] == [shown(new, True), shown(progress, True, 50.5)]
