"""Task runs that the server orchestrates: made, moved from state to state, changed and deleted (contract §4.4)."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from headrace.wire.ids import uuid7
from tests.server.api import Api

RUNS = "task_runs"


async def run_of(api: Api, id: str) -> dict[str, Any]:
    return (await api.get(f"/task_runs/{id}")).json


async def test_a_new_run_is_pending_and_labelled_with_its_flow_run(api: Api) -> None:
    flow_run_id = await api.flow_run(labels={"team": "a"})
    id = str(uuid7())
    body = {
        "id": id,
        "name": "n",
        "flow_run_id": flow_run_id,
        "task_key": "t",
        "dynamic_key": "0",
        "labels": {"own": 1},
        "tags": ["x"],
        "task_inputs": {"a": [{"input_type": "parameter", "name": "p"}]},
        "empirical_policy": {"retries": 2, "retry_delay": [1, 2]},
    }
    made = await api.post("/task_runs/", body)
    run = made.json
    assert (made.status, run["id"], run["state_type"], run["run_count"]) == (201, id, "PENDING", 0)
    assert run["labels"].items() >= {"team": "a", "own": 1, "prefect.flow-run.id": flow_run_id}.items()
    assert run["task_inputs"] == body["task_inputs"]
    assert run["state"]["state_details"]["task_run_id"] == id
    assert run["state"]["state_details"]["flow_run_id"] == flow_run_id
    read = await run_of(api, id)
    assert read | {"estimated_start_time_delta": 0.0} == run


@pytest.mark.parametrize(
    ("given", "kind"), [({"id": str(uuid4())}, "task_run"), ({"name": "n"}, "parameter"), ({"type": "int"}, "constant")]
)
async def test_an_input_may_leave_out_what_kind_it_is(api: Api, given: dict[str, str], kind: str) -> None:
    body = {"task_key": "sift", "dynamic_key": "0", "flow_run_id": None, "task_inputs": {"grain": [given]}}
    made = await api.post("/task_runs/", body)
    assert made.json["task_inputs"] == {"grain": [{"input_type": kind, **given}]}


@pytest.mark.parametrize("given", [{}, {"id": None}, {"input_type": "guess", "name": "n"}])
async def test_an_input_of_no_kind_is_refused(api: Api, given: dict[str, str | None]) -> None:
    body = {"task_key": "sift", "dynamic_key": "0", "flow_run_id": None, "task_inputs": {"grain": [given]}}
    assert (await api.post("/task_runs/", body)).status == 422


async def test_the_natural_key_makes_one_run_and_a_repeat_leaves_it_alone(api: Api) -> None:
    for flow_run_id in (await api.flow_run(), None):
        body = {"flow_run_id": flow_run_id, "task_key": "t", "dynamic_key": "0", "name": "first"}
        answers = await asyncio.gather(*(api.post("/task_runs/", body) for _ in range(4)))
        assert sorted(answer.status for answer in answers) == [200, 200, 200, 201]
        again = await api.post("/task_runs/", body | {"name": "second", "id": str(uuid4())})
        assert (again.status, again.json["name"]) == (200, "first")
        assert {answer.json["id"] for answer in answers} == {again.json["id"]}
        assert len(await api.states("task_run", again.json["id"])) == 1


async def test_an_unknown_flow_run_or_a_taken_id_is_a_conflict(api: Api) -> None:
    named = {"task_key": "t", "dynamic_key": "0"}
    assert (await api.post("/task_runs/", named | {"flow_run_id": str(uuid4())})).status == 409
    taken = await api.task_run(None)
    assert (await api.post("/task_runs/", named | {"id": taken})).status == 409


async def test_a_cache_key_over_the_limit_is_refused_by_name(api: Api) -> None:
    named = {"task_key": "t", "dynamic_key": "0", "cache_key": "x" * 2001}
    refused = await api.post("/task_runs/", named)
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "cache_key"]


async def test_a_run_runs_only_while_its_flow_run_does(api: Api) -> None:
    flow_run_id = await api.flow_run()
    id = await api.task_run(flow_run_id)
    refused = await api.propose(RUNS, id, "RUNNING")
    assert (refused.status, refused.json["status"]) == (200, "ABORT")
    await api.propose("flow_runs", flow_run_id, "RUNNING")
    assert (await api.propose(RUNS, id, "RUNNING")).json["status"] == "ACCEPT"
    run = await run_of(api, id)
    assert (run["run_count"], run["flow_run_run_count"]) == (1, 1)


async def test_a_run_of_a_paused_flow_run_is_paused_with_it(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    id = await api.task_run(flow_run_id)
    await api.propose("flow_runs", flow_run_id, "PAUSED", state_details={"pause_timeout": "2100-01-01T00:00:00Z"})
    answer = await api.propose(RUNS, id, "RUNNING")
    assert (answer.status, answer.json["status"]) == (201, "REJECT")
    state = answer.json["state"]
    assert (state["type"], state["name"]) == ("PAUSED", "NotReady")
    assert state["state_details"]["pause_timeout"] == "2100-01-01T00:00:00Z"


async def test_a_failure_is_retried_and_the_rerun_is_named_after_it(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    id = await api.task_run(flow_run_id, empirical_policy={"retries": 1, "retry_delay": 0})
    await api.propose(RUNS, id, "RUNNING")
    retried = await api.propose(RUNS, id, "FAILED", message="boom")
    assert (retried.status, retried.json["status"]) == (201, "REJECT")
    await api.propose(RUNS, id, "RUNNING")
    assert (await api.propose(RUNS, id, "FAILED")).json["status"] == "ACCEPT"
    history = await api.states("task_run", id)
    assert [state["name"] for state in history] == ["Pending", "Running", "AwaitingRetry", "Retrying", "Failed"]
    assert (await run_of(api, id))["run_count"] == 2


async def test_a_completed_state_under_a_cache_key_is_found_by_the_next_run(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    first, second, third = [await api.task_run(flow_run_id) for _ in range(3)]
    details = {"cache_key": "k"}
    await api.propose(RUNS, first, "RUNNING", state_details=details)
    await api.propose(RUNS, first, "COMPLETED", data={"v": 1}, state_details=details)
    cached = await api.propose(RUNS, second, "RUNNING", state_details=details)
    assert (cached.status, cached.json["status"]) == (201, "REJECT")
    state = cached.json["state"]
    assert (state["type"], state["name"], state["data"]) == ("COMPLETED", "Cached", {"v": 1})
    assert state["state_details"]["task_run_id"] == second
    fresh = await api.propose(RUNS, third, "RUNNING", state_details=details | {"refresh_cache": True})
    assert fresh.json["state"]["type"] == "RUNNING"


async def test_an_expired_cached_state_is_not_found(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    first, second = [await api.task_run(flow_run_id) for _ in range(2)]
    details = {"cache_key": "k", "cache_expiration": "2020-01-01T00:00:00Z"}
    await api.propose(RUNS, first, "RUNNING", state_details=details)
    await api.propose(RUNS, first, "COMPLETED", state_details=details)
    assert (await api.propose(RUNS, second, "RUNNING", state_details=details)).json["status"] == "ACCEPT"


async def test_a_background_task_keeps_its_parameters_and_cannot_be_taken_twice(api: Api) -> None:
    parameters = str(uuid4())
    deferred = {"deferred": True, "task_parameters_id": parameters}
    id = await api.task_run(None, state={"type": "SCHEDULED", "state_details": deferred})
    assert (await run_of(api, id))["state"]["state_details"]["task_parameters_id"] == parameters
    pending = await api.propose(RUNS, id, "PENDING", state_details={"deferred": True})
    assert pending.json["state"]["state_details"]["task_parameters_id"] == parameters
    twice = await api.propose(RUNS, id, "PENDING", state_details={"deferred": True}, force=True)
    assert (twice.status, twice.json["status"]) == (200, "ABORT")
    running = await api.propose(RUNS, id, "RUNNING", state_details={"deferred": True})
    assert running.json["state"]["state_details"]["task_parameters_id"] == parameters


async def test_racing_proposals_are_put_in_order(api: Api) -> None:
    id = await api.task_run(await api.flow_run({"type": "RUNNING"}))
    answers = await asyncio.gather(*(api.propose(RUNS, id, "RUNNING") for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    run = await run_of(api, id)
    history = await api.states("task_run", id)
    assert (run["run_count"], len(history), run["state_id"]) == (8, 9, history[-1]["id"])


async def test_a_run_is_renamed(api: Api) -> None:
    id = await api.task_run(None, name="old")
    assert (await api.patch(f"/task_runs/{id}", {})).status == 204
    assert (await run_of(api, id))["name"] == "old"
    assert (await api.patch(f"/task_runs/{id}", {"name": "new"})).status == 204
    assert (await run_of(api, id))["name"] == "new"
    assert (await api.patch(f"/task_runs/{id}", {"name": ""})).status == 204
    assert (await run_of(api, id))["name"] not in ("", "new")


async def test_deleting_a_run_takes_its_states_and_logs(api: Api) -> None:
    id, other = await api.task_run(None), await api.task_run(None)
    for owner in (id, other):
        log = {"name": "l", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z", "task_run_id": owner}
        await api.post("/logs/", [log])
    state_id = (await run_of(api, id))["state_id"]
    assert (await api.delete(f"/task_runs/{id}")).status == 204
    assert (await api.get(f"/task_runs/{id}")).status == 404
    assert (await api.get(f"/task_run_states/{state_id}")).status == 404
    assert [log["task_run_id"] for log in (await api.post("/logs/filter", {})).json] == [other]
    assert (await run_of(api, other))["id"] == other


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/set_state", {"state": {"type": "RUNNING"}})],
)
async def test_what_is_asked_of_a_run_that_does_not_exist_is_not_found(
    api: Api, method: str, path: str, body: object
) -> None:
    answer = await api.call(method, f"/task_runs/{uuid4()}{path}", body)
    assert answer.status == 404
    assert "not found" in answer.json["exception_message"]
