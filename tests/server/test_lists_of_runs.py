"""A list shows each run with exactly the fields and values with which the run itself is read."""

from typing import Any

import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Statement
from headrace.settings import Settings
from headrace.wire.ids import uuid7
from tests.server.api import Api

ESTIMATES = ("estimated_run_time", "estimated_start_time_delta")
"""Those are as of the answer."""
LATER = "2040-01-02T03:04:05.678901Z"
AN_ID = "01a20371-5c9e-78c5-b4ac-1d8b549adda5"
STATES: tuple[dict[str, Any] | None, ...] = (
    None,
    {"type": "SCHEDULED", "state_details": {"scheduled_time": LATER}},
    {"type": "PENDING", "message": 'a "quoted" line\nand another, ü'},
    {"type": "RUNNING", "data": {"type": "reference", "storage_key": "k"}},
    {
        "type": "PAUSED",
        "name": "Suspended",
        "state_details": {"pause_timeout": LATER, "pause_reschedule": True, "run_input_keyset": {"schema": "s"}},
    },
    {"type": "COMPLETED", "data": [1, 2.5, None], "state_details": {"cache_key": "c", "untrackable_result": True}},
)
FLOW_RUNS: tuple[dict[str, Any], ...] = (
    {},
    {"name": 'with "quotes" and ü', "tags": ["b", "a"], "parameters": {"z": 1, "a": [1.5, None, {"deep": "é"}]}},
    {"empirical_policy": {"retries": 3, "retry_delay": 2, "pause_keys": ["p"], "resuming": True}},
    {"empirical_policy": {"max_retries": 2, "retry_delay_seconds": 1}, "labels": {"n": 1, "f": 1.5, "b": True}},
    {"idempotency_key": "once", "context": {"a": "b"}, "job_variables": {"image": "x"}, "flow_version": "2"},
    {"job_variables": None},
)
TASK_RUNS: tuple[dict[str, Any], ...] = (
    {},
    {"name": "named", "tags": ["t"], "labels": {"a": "b"}, "cache_key": "key", "cache_expiration": LATER},
    {"empirical_policy": {"retries": 3, "retry_delay": [1, 2.5], "retry_jitter_factor": 0.5}, "task_version": "v"},
    {"task_inputs": {"x": [{"input_type": "task_run", "id": AN_ID}, {"name": "p"}], "y": [{"type": "int"}]}},
)


@pytest.fixture
async def flow_id(api: Api) -> str:
    made = await api.post("/flows/", {"name": "a flow", "labels": {"team": "blue"}})
    return made.json["id"]


async def assert_listed_as_read(api: Api, noun: str, ids: set[str]) -> None:
    listed = await api.post(f"/{noun}/filter", {"limit": 200})
    assert {run["id"] for run in listed.json} == ids
    again = await api.post(f"/{noun}/filter", {"limit": 200})
    assert [without_estimates(run) for run in again.json] == [without_estimates(run) for run in listed.json]
    for run in listed.json:
        read = await api.get(f"/{noun}/{run['id']}")
        assert list(run) == list(read.json)
        assert without_estimates(run) == without_estimates(read.json)
        assert all(isinstance(run[name], float) for name in ESTIMATES)


def without_estimates(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name not in ESTIMATES}


async def test_of_flow_runs(api: Api, flow_id: str) -> None:
    ids: set[str] = set()
    for number in range(max(len(STATES), len(FLOW_RUNS))):
        body = {"flow_id": flow_id, "state": STATES[number % len(STATES)], **FLOW_RUNS[number % len(FLOW_RUNS)]}
        made = await api.post("/flow_runs/", body)
        assert made.status == 201
        ids.add(made.json["id"])
    await api.store.execute(
        Statement("UPDATE flow_runs SET created_by = $2, work_queue_id = $3 WHERE flow_version = $1"),
        *("2", '{"type": "DEPLOYMENT"}', uuid7()),
    )
    await assert_listed_as_read(api, "flow_runs", ids)
    page = await api.post("/flow_runs/paginate", {"limit": 200})
    listed = await api.post("/flow_runs/filter", {"limit": 200})
    assert list(map(without_estimates, page.json["results"])) == list(map(without_estimates, listed.json))


async def test_of_flow_runs_in_a_work_pool(api: Api, flow_id: str) -> None:
    await api.post("/work_pools/", {"name": "pool", "type": "process"})
    made = await api.post("/flow_runs/", {"flow_id": flow_id, "work_pool_name": "pool"})
    assert made.json["work_pool_name"] == "pool"
    await assert_listed_as_read(api, "flow_runs", {made.json["id"]})


async def test_of_task_runs(api: Api, flow_id: str) -> None:
    run = await api.post("/flow_runs/", {"flow_id": flow_id})
    ids: set[str] = set()
    for number in range(max(len(STATES), len(TASK_RUNS))):
        body = {
            "flow_run_id": run.json["id"],
            "task_key": f"task-{number}",
            "dynamic_key": "0",
            "state": STATES[number % len(STATES)],
            **TASK_RUNS[number % len(TASK_RUNS)],
        }
        made = await api.post("/task_runs/", body)
        assert made.status == 201, made.json
        ids.add(made.json["id"])
    await assert_listed_as_read(api, "task_runs", ids)


async def test_of_runs_without_a_state(api: Api, flow_id: str) -> None:
    made = await api.post("/flow_runs/", {"flow_id": flow_id})
    await api.store.execute(
        Statement("UPDATE flow_runs SET state_id = NULL, state_type = NULL, state_name = NULL WHERE id = $1"),
        made.json["id"],
    )
    await assert_listed_as_read(api, "flow_runs", {made.json["id"]})


async def test_of_flow_runs_that_other_servers_change(api: Api, flow_id: str, database_settings: Settings) -> None:
    elsewhere = make_store(database_settings)
    await elsewhere.open()
    other = api.over(elsewhere)
    finished = [await api.flow_run({"type": "COMPLETED"}, flow_id=flow_id) for _ in range(4)]
    renamed, deleted, retried, kept = finished
    await assert_listed_as_read(api, "flow_runs", set(finished))
    await other.patch(f"/flow_runs/{renamed}", {"name": "another"})
    await other.delete(f"/flow_runs/{deleted}")
    await other.propose("flow_runs", retried, "RUNNING", force=True)
    await assert_listed_as_read(api, "flow_runs", {renamed, retried, kept})
    listed = {run["id"]: run for run in (await api.post("/flow_runs/filter", {})).json}
    assert listed[renamed]["name"] == "another"
    assert listed[retried]["state"]["type"] == "RUNNING"
    await elsewhere.close()
