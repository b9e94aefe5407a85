"""Making flow runs."""

import asyncio
from uuid import uuid4

from tests.server.api import Api


async def test_a_new_run_is_pending_and_labelled_with_its_flow(api: Api) -> None:
    flow_id = await api.flow(labels={"team": "a", "tier": 1})
    made = await api.post("/flow_runs/", {"flow_id": flow_id, "labels": {"tier": 2, "own": True}, "tags": ["x"]})
    assert made.status == 201
    run = made.json
    assert (run["state_type"], run["state_name"], run["run_count"]) == ("PENDING", "Pending", 0)
    assert run["labels"] == {"team": "a", "tier": 2, "own": True, "prefect.flow.id": flow_id}
    assert run["expected_start_time"] == run["state"]["timestamp"]
    assert run["state"]["state_details"]["flow_run_id"] == run["id"]
    assert (await api.get(f"/flow_runs/{run['id']}")).json | {"estimated_start_time_delta": 0.0} == run
    assert [state["id"] for state in await api.states("flow_run", run["id"])] == [run["state_id"]]


async def test_a_run_can_be_made_in_any_state_and_keeps_what_belongs_to_it(api: Api) -> None:
    due = "2030-01-01T00:00:00Z"
    run_id = await api.flow_run({"type": "SCHEDULED", "state_details": {"scheduled_time": due}}, name="mine")
    run = (await api.get(f"/flow_runs/{run_id}")).json
    assert (run["name"], run["state_type"]) == ("mine", "SCHEDULED")
    assert (run["next_scheduled_start_time"], run["expected_start_time"]) == (due, due)
    done = (await api.get(f"/flow_runs/{await api.flow_run({'type': 'COMPLETED', 'data': {'a': [1]}})}")).json
    assert (done["state"]["data"], done["start_time"]) == ({"a": [1]}, done["end_time"])


async def test_a_run_without_a_name_gets_one(api: Api) -> None:
    flow_id = await api.flow()
    names = {(await api.post("/flow_runs/", {"flow_id": flow_id})).json["name"] for _ in range(3)}
    assert all("-" in name for name in names)


async def test_an_idempotency_key_makes_one_run_of_a_flow_and_a_repeat_leaves_its_state_alone(api: Api) -> None:
    flow_id = await api.flow()
    body = {"flow_id": flow_id, "idempotency_key": "k", "name": "first"}
    first = await api.post("/flow_runs/", body)
    await api.propose("flow_runs", first.json["id"], "RUNNING")
    again = await api.post("/flow_runs/", body | {"name": "second", "state": {"type": "CANCELLED"}})
    assert (first.status, again.status) == (201, 200)
    assert (again.json["id"], again.json["name"], again.json["state_type"]) == (first.json["id"], "first", "RUNNING")
    other = await api.post("/flow_runs/", body | {"flow_id": await api.flow()})
    assert other.status == 201


async def test_racing_requests_with_one_idempotency_key_make_one_run(api: Api) -> None:
    body = {"flow_id": await api.flow(), "idempotency_key": "k"}
    answers = await asyncio.gather(*(api.post("/flow_runs/", body) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.json["id"] for answer in answers}) == 1


async def test_an_unknown_flow_is_a_conflict_that_names_it(api: Api) -> None:
    flow_id = str(uuid4())
    refused = await api.post("/flow_runs/", {"flow_id": flow_id})
    assert refused.status == 409
    assert refused.json["detail"].startswith("Data integrity conflict.")
    assert flow_id in refused.json["detail"]
    assert (await api.post("/flow_runs/", {"flow_id": flow_id, "idempotency_key": "k"})).status == 409


async def test_an_unknown_parent_task_run_is_a_conflict_and_nothing_is_written(api: Api) -> None:
    refused = await api.post("/flow_runs/", {"flow_id": await api.flow(), "parent_task_run_id": str(uuid4())})
    assert refused.status == 409
    assert (await api.post("/flow_runs/count", {})).json == 0


async def test_an_unknown_work_pool_is_not_found(api: Api) -> None:
    refused = await api.post("/flow_runs/", {"flow_id": await api.flow(), "work_pool_name": "nope"})
    assert (refused.status, refused.json["detail"]) == (404, 'Work pool "nope" not found.')


async def test_a_run_goes_to_the_default_queue_of_the_work_pool_it_names_or_to_the_queue_it_names(api: Api) -> None:
    pool = (await api.post("/work_pools/", {"name": "mill", "type": "process"})).json
    other = (await api.post("/work_pools/mill/queues", {"name": "night"})).json
    for queue_name, queue_id, shown in ((None, pool["default_queue_id"], "default"), ("night", other["id"], "night")):
        body = {"flow_id": await api.flow(), "work_pool_name": "mill", "work_queue_name": queue_name}
        made = (await api.post("/flow_runs/", body)).json
        for run in (made, (await api.get(f"/flow_runs/{made['id']}")).json):
            assert (run["work_pool_id"], run["work_pool_name"]) == (pool["id"], "mill")
            assert (run["work_queue_id"], run["work_queue_name"]) == (queue_id, shown)


async def test_a_queue_that_its_pool_does_not_have_is_not_found_and_not_made(api: Api) -> None:
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    body = {"flow_id": await api.flow(), "work_pool_name": "mill", "work_queue_name": "night"}
    refused = await api.post("/flow_runs/", body)
    assert (refused.status, refused.json["detail"]) == (404, "Work pool queue 'mill/night' not found.")
    assert (await api.get("/work_pools/mill/queues/night")).status == 404


async def test_parameters_over_the_limit_are_refused_by_name_and_nothing_is_written(api: Api) -> None:
    body = {"flow_id": await api.flow(), "parameters": {"text": "x" * 524_288}}
    refused = await api.post("/flow_runs/", body)
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "parameters"]
    assert (await api.post("/flow_runs/count", {})).json == 0
    body["parameters"] = {"text": "x" * 500_000}
    assert (await api.post("/flow_runs/", body)).status == 201


async def test_unknown_keys_are_refused_by_name(api: Api) -> None:
    refused = await api.post("/flow_runs/", {"flow_id": await api.flow(), "colour": "red"})
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "colour"]
    refused = await api.post(
        "/flow_runs/", {"flow_id": await api.flow(), "state": {"type": "PENDING", "timestamp": "2020-01-01T00:00:00Z"}}
    )
    assert refused.json["exception_detail"][0]["loc"] == ["body", "state", "timestamp"]


async def test_times_are_brought_to_utc_and_one_outside_the_calendar_is_refused(api: Api) -> None:
    body = {"flow_id": await api.flow(), "state": {"type": "SCHEDULED", "state_details": {}}}
    for given, kept in (("2030-01-01T02:00:00+02:00", "2030-01-01T00:00:00Z"), ("2030-01-01T00:00:00", None)):
        body["state"]["state_details"] = {"scheduled_time": given}
        run = (await api.post("/flow_runs/", body)).json
        assert run["next_scheduled_start_time"] == run["state"]["state_details"]["scheduled_time"]
        assert run["next_scheduled_start_time"] == (kept or f"{given}Z")
        assert (await api.get(f"/flow_runs/{run['id']}")).json["state"] == run["state"]
    body["state"]["state_details"] = {"scheduled_time": "0001-01-01T00:00:00+02:00"}
    assert (await api.post("/flow_runs/", body)).status == 422
