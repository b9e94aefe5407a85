"""Changing and deleting flow runs."""

from uuid import uuid4

import pytest

from tests.server.api import Api


async def test_only_the_keys_that_are_given_change(api: Api) -> None:
    run_id = await api.flow_run(name="old", tags=["a"], parameters={"x": 1}, flow_version="1")
    assert (await api.patch(f"/flow_runs/{run_id}", {"tags": ["b"], "flow_version": None})).status == 204
    run = (await api.get(f"/flow_runs/{run_id}")).json
    assert (run["name"], run["tags"], run["parameters"], run["flow_version"]) == ("old", ["b"], {"x": 1}, None)
    assert run["updated"] > run["created"]
    policy = {"retries": 2, "retry_delay": 5}
    body = {"empirical_policy": policy, "infrastructure_pid": "host:1", "parameters": {"y": [None]}}
    assert (await api.patch(f"/flow_runs/{run_id}", body)).status == 204
    run = (await api.get(f"/flow_runs/{run_id}")).json
    assert run["empirical_policy"] | policy == run["empirical_policy"]
    assert (run["infrastructure_pid"], run["parameters"]) == ("host:1", {"y": [None]})


async def test_an_empty_name_gives_a_random_one_and_an_empty_body_changes_nothing(api: Api) -> None:
    run_id = await api.flow_run(name="old")
    assert (await api.patch(f"/flow_runs/{run_id}", {})).status == 204
    assert (await api.get(f"/flow_runs/{run_id}")).json["name"] == "old"
    assert (await api.patch(f"/flow_runs/{run_id}", {"name": ""})).status == 204
    assert (await api.get(f"/flow_runs/{run_id}")).json["name"] not in ("", "old")


async def test_job_variables_change_only_while_a_deployments_run_is_scheduled(api: Api) -> None:
    pending = await api.flow_run()
    refused = await api.patch(f"/flow_runs/{pending}", {"job_variables": {"cpu": 2}})
    assert refused.status == 400
    assert refused.json["detail"] == "Job variables for a flow run in state PENDING cannot be updated"
    loose = await api.flow_run({"type": "SCHEDULED"})
    assert (await api.patch(f"/flow_runs/{loose}", {"job_variables": {"cpu": 2}})).status == 400
    scheduled = await api.flow_run({"type": "SCHEDULED"}, deployment_id=str(uuid4()))
    assert (await api.patch(f"/flow_runs/{scheduled}", {"job_variables": {"cpu": 2}})).status == 204
    assert (await api.get(f"/flow_runs/{scheduled}")).json["job_variables"] == {"cpu": 2}


async def test_labels_are_merged(api: Api) -> None:
    run_id = await api.flow_run(labels={"a": 1, "b": "two"})
    assert (await api.patch(f"/flow_runs/{run_id}/labels", {"b": 3.5, "c": False})).status == 204
    labels = (await api.get(f"/flow_runs/{run_id}")).json["labels"]
    assert labels == {"a": 1, "b": 3.5, "c": False, "prefect.flow.id": labels["prefect.flow.id"]}
    assert (await api.patch(f"/flow_runs/{run_id}/labels", {"b": [1]})).status == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"name": "x"}),
        ("PATCH", "", {"job_variables": {}}),
        ("PATCH", "/labels", {"a": 1}),
        ("DELETE", "", None),
        ("POST", "/set_state", {"state": {"type": "RUNNING"}}),
        ("POST", "/resume", None),
        ("POST", "/input", {"key": "k", "value": "1"}),
        ("GET", "/input/k", None),
        ("DELETE", "/input/k", None),
    ],
)
async def test_what_is_asked_of_a_run_that_does_not_exist_is_not_found(
    api: Api, method: str, path: str, body: object
) -> None:
    answer = await api.call(method, f"/flow_runs/{uuid4()}{path}", body)
    assert answer.status == 404
    assert "not found" in answer.json["exception_message"]


async def test_deleting_a_run_takes_everything_of_its_own_and_nothing_else(api: Api) -> None:
    run_id, other_id = await api.flow_run(), await api.flow_run()
    task_id, other_task_id = await api.task_run(run_id), await api.task_run(other_id)
    child_id = await api.flow_run(parent_task_run_id=task_id)
    for id in (run_id, other_id):
        log = {"name": "l", "level": 20, "message": "m", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": id}
        assert (await api.post("/logs/", [log])).status == 201
        assert (await api.post(f"/flow_runs/{id}/input", {"key": "k", "value": "1"})).status == 201
    states = [state["id"] for state in await api.states("flow_run", run_id)]
    assert (await api.delete(f"/flow_runs/{run_id}")).status == 204
    assert (await api.get(f"/flow_runs/{run_id}")).status == 404
    assert (await api.get(f"/task_runs/{task_id}")).status == 404
    assert (await api.get(f"/flow_run_states/{states[0]}")).status == 404
    assert await api.states("task_run", task_id) == []
    assert (await api.get(f"/flow_runs/{run_id}/input/k")).status == 404
    assert [log["flow_run_id"] for log in (await api.post("/logs/filter", {})).json] == [other_id]
    for kept in (f"/flow_runs/{child_id}", f"/flow_runs/{other_id}", f"/task_runs/{other_task_id}"):
        assert (await api.get(kept)).status == 200
    assert (await api.delete(f"/flow_runs/{run_id}")).status == 404


async def test_a_deleted_run_gives_its_idempotency_key_back(api: Api) -> None:
    body = {"flow_id": await api.flow(), "idempotency_key": "k"}
    first = await api.post("/flow_runs/", body)
    await api.delete(f"/flow_runs/{first.json['id']}")
    assert (await api.post("/flow_runs/", body)).status == 201


async def test_bulk_delete_takes_the_newest_that_match_and_says_which(api: Api) -> None:
    runs = [await api.flow_run(name=name) for name in ("a", "b", "b", "b")]
    chosen = {"flow_runs": {"name": {"any_": ["b"]}}, "limit": 2}
    deleted = await api.post("/flow_runs/bulk_delete", chosen)
    assert (deleted.status, deleted.json) == (200, {"deleted": [runs[3], runs[2]]})
    assert (await api.post("/flow_runs/bulk_delete", chosen)).json == {"deleted": [runs[1]]}
    assert (await api.get(f"/flow_runs/{runs[0]}")).status == 200


@pytest.mark.parametrize("body", [{"limit": 0}, {"limit": 51}, {"flow_run": {}}, {"flow_runs": {"nam": {}}}])
async def test_a_bulk_delete_that_is_mistyped_deletes_nothing(api: Api, body: object) -> None:
    run_id = await api.flow_run()
    assert (await api.post("/flow_runs/bulk_delete", body)).status == 422
    assert (await api.get(f"/flow_runs/{run_id}")).status == 200


async def test_bulk_set_state_answers_for_each_run(api: Api) -> None:
    running = await api.flow_run({"type": "RUNNING"})
    done = await api.flow_run({"type": "COMPLETED"})
    state = {"type": "CANCELLING", "name": "Stop"}
    answer = await api.post(
        "/flow_runs/bulk_set_state", {"state": state, "flow_runs": {"id": {"any_": [running, done]}}}
    )
    assert answer.status == 200
    by_run = {item["flow_run_id"]: item for item in answer.json["results"]}
    assert (by_run[running]["status"], by_run[running]["state"]["name"]) == ("ACCEPT", "Stop")
    assert (by_run[done]["status"], by_run[done]["details"]["type"]) == ("ABORT", "abort_details")
    assert (await api.get(f"/flow_runs/{running}")).json["state_name"] == "Stop"
    assert (await api.get(f"/flow_runs/{done}")).json["state_type"] == "COMPLETED"
    assert (await api.post("/flow_runs/bulk_set_state", {"flow_runs": {}})).status == 422
