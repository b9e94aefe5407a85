"""A state's data becomes an artifact, and stays what the state answers (contract §4.1), on both databases."""

from typing import Any

import pytest

from tests.server.api import Api

Json = Any


async def artifacts(api: Api, **criteria: Json) -> list[Json]:
    return (await api.post("/artifacts/filter", {"artifacts": criteria})).json


async def finished(api: Api, kind: str, id: str, data: Json, type: str = "COMPLETED") -> Json:
    """Propose a state with data; the answer and what is read afterwards have to agree. Returns the data."""
    answer = await api.propose(kind, id, type, data=data)
    assert answer.status == 201, answer.json
    read = (await api.get(f"/{kind}/{id}")).json
    assert read["state"]["data"] == answer.json["state"]["data"]
    return read["state"]["data"]


@pytest.mark.parametrize("data", [{"storage_key": "k", "expiration": None}, "text", 5, [1], False, {}, ""])
async def test_the_result_of_a_flow_run_is_an_artifact_without_a_key(api: Api, data: Json) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    assert await finished(api, "flow_runs", run, data) == data
    (found,) = await artifacts(api, flow_run_id={"any_": [run]})
    assert (found["data"], found["key"], found["type"], found["task_run_id"]) == (data, None, None, None)
    assert (await api.post("/artifacts/latest/count")).json == 0


@pytest.mark.parametrize("data", [None, {"type": "unpersisted"}])
async def test_what_was_not_persisted_leaves_nothing(api: Api, data: Json) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await finished(api, "flow_runs", run, data)
    assert await artifacts(api) == []


async def test_data_that_names_its_artifact_is_filed_under_that_name(api: Api) -> None:
    named = {"artifact_key": "report", "artifact_type": "table", "artifact_description": "d"}
    for number in (1, 2):
        run = await api.flow_run({"type": "RUNNING"})
        assert await finished(api, "flow_runs", run, named | {"n": number}) == {"n": number}
    latest = (await api.get("/artifacts/report/latest")).json
    shown = {name: latest[name] for name in ("type", "description", "data", "flow_run_id")}
    assert shown == {"type": "table", "description": "d", "data": {"n": 2}, "flow_run_id": run}
    assert len(await artifacts(api, key={"any_": ["report"]})) == 2


async def test_names_that_are_no_texts_name_nothing(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    assert await finished(api, "flow_runs", run, {"artifact_key": None, "artifact_type": 5, "n": 1}) == {"n": 1}
    (found,) = await artifacts(api)
    assert (found["key"], found["type"]) == (None, None)


async def test_the_result_of_a_task_run_names_both_its_runs(api: Api) -> None:
    flow_run = await api.flow_run({"type": "RUNNING"})
    task_run = await api.task_run(flow_run, state={"type": "RUNNING"})
    assert await finished(api, "task_runs", task_run, {"n": 1}) == {"n": 1}
    (found,) = await artifacts(api, task_run_id={"any_": [task_run]})
    assert (found["flow_run_id"], found["data"]) == (flow_run, {"n": 1})


async def test_runs_that_begin_with_a_result_leave_it_too(api: Api) -> None:
    run = await api.flow_run({"type": "COMPLETED", "data": {"n": 1, "artifact_type": "x"}})
    (found,) = await artifacts(api, flow_run_id={"any_": [run]})
    assert (found["data"], found["type"]) == ({"n": 1}, "x")
    assert (await api.get(f"/flow_runs/{run}")).json["state"]["data"] == {"n": 1}


async def test_a_proposal_that_is_refused_leaves_nothing(api: Api) -> None:
    run = await api.flow_run({"type": "COMPLETED", "data": {"kept": 1}})
    refused = await api.propose("flow_runs", run, "RUNNING", data={"late": 1})
    assert refused.json["status"] == "REJECT"
    assert [found["data"] for found in await artifacts(api)] == [{"kept": 1}]


async def test_a_subflow_leaves_its_result_once(api: Api) -> None:
    parent = await api.flow_run({"type": "RUNNING"})
    task_run = await api.task_run(parent, state={"type": "RUNNING"})
    subflow = await api.flow_run({"type": "RUNNING"}, parent_task_run_id=task_run)
    await finished(api, "flow_runs", subflow, {"n": 1})
    assert (await api.get(f"/task_runs/{task_run}")).json["state"]["data"] == {"n": 1}
    (found,) = await artifacts(api)
    assert found["flow_run_id"] == subflow
