"""What a run goes on to write after it has been deleted is taken, and changes nothing."""

from uuid import UUID

import pytest

from headrace.server.store.base import Statement
from headrace.wire.ids import uuid7
from headrace.wire.operations import OperationNoun
from tests.server.api import Api
from tests.server.events.reported import lifecycle
from tests.server.trash.changes import remove, restore
from tests.server.trash.dumps import dump, number

RUNS = OperationNoun.FLOW_RUNS
_LEASES = Statement("SELECT count(*) FROM concurrency_leases")
_QUEUED = Statement("SELECT count(*) FROM task_queue")
_ARRIVED = Statement("SELECT count(*) FROM log_arrivals")
LINE = {"name": "prefect", "level": 20, "message": "m", "timestamp": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize("state", ["COMPLETED", "RUNNING"])
async def test_late_writes_of_a_deleted_run_change_nothing(api: Api, state: str) -> None:
    run = await api.flow_run({"type": state})
    task = await api.task_run(run, state={"type": "RUNNING"})
    artifact = (await api.post("/artifacts/", {"key": "table", "data": 1, "flow_run_id": run})).json["id"]
    await api.post("/logs/", [{**LINE, "flow_run_id": run}])
    assert (await remove(api.store, RUNS, [UUID(run)], uuid7())).removed == [UUID(run)]
    before, arrived = await dump(api.store), await number(api.store, _ARRIVED)

    for kind, id in (("flow_runs", run), ("task_runs", task)):
        answer = await api.propose(kind, id, "COMPLETED")
        assert (answer.status, answer.json["status"]) == (200, "ABORT")
        assert "has been deleted" in answer.json["details"]["reason"]
    assert (await api.post("/logs/", [{**LINE, "flow_run_id": run}, {**LINE, "task_run_id": task}])).status == 201
    late = {"key": "table", "data": 2, "flow_run_id": run, "task_run_id": task}
    assert (await api.post("/artifacts/", late)).status == 201
    assert (await api.post("/artifacts/", {"data": 2, "task_run_id": task})).status == 201
    assert (await api.patch(f"/artifacts/{artifact}", {"data": 3})).status == 204
    assert (await api.post(f"/flow_runs/{run}/input", {"key": "k", "value": "1"})).status == 201
    events = [*lifecycle(1, UUID(task), run), *lifecycle(100, uuid7(), run)]
    assert (await api.post("/events", events)).status == 204

    assert await dump(api.store) == before
    assert await number(api.store, _ARRIVED) == arrived


async def test_lines_of_other_runs_in_the_same_batch_are_kept(api: Api) -> None:
    gone, other = await api.flow_run({"type": "RUNNING"}), await api.flow_run({"type": "RUNNING"})
    await remove(api.store, RUNS, [UUID(gone)], uuid7())
    await api.post("/logs/", [{**LINE, "flow_run_id": gone}, {**LINE, "flow_run_id": other}])
    assert [line["flow_run_id"] for line in (await api.post("/logs/filter", {})).json] == [other]


async def test_a_paused_run_that_is_deleted_cannot_be_resumed(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await api.propose("flow_runs", run, "PAUSED", force=True)
    await remove(api.store, RUNS, [UUID(run)], uuid7())
    assert (await api.post(f"/flow_runs/{run}/resume", {})).status == 404
    assert (await api.post(f"/flow_runs/{run}/lease", {"seconds": 30})).status == 404
    assert (await api.patch(f"/flow_runs/{run}", {"name": "other"})).status == 404


async def test_slots_are_given_back_once(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await api.post("/v2/concurrency_limits/", {"name": "mill", "limit": 1})
    holder = {"type": "flow_run", "id": run}
    taken = {"names": ["mill"], "slots": 1, "lease_duration": 60, "holder": holder}
    lease = (await api.post("/v2/concurrency_limits/increment-with-lease", taken)).json["lease_id"]
    assert (await api.get("/v2/concurrency_limits/mill")).json["active_slots"] == 1

    operation_id = uuid7()
    await remove(api.store, RUNS, [UUID(run)], operation_id)
    assert (await api.get("/v2/concurrency_limits/mill")).json["active_slots"] == 0
    assert await number(api.store, _LEASES) == 0
    assert (await api.post(f"/v2/concurrency_limits/leases/{lease}/renew", {"lease_duration": 60})).status == 410
    await remove(api.store, RUNS, [UUID(run)], operation_id)
    assert (await api.get("/v2/concurrency_limits/mill")).json["active_slots"] == 0


@pytest.mark.parametrize("state", ["COMPLETED", "RUNNING"])
async def test_a_background_task_of_a_deleted_run_is_delivered_no_more_until_it_is_restored(
    api: Api, state: str
) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    waiting = {"type": "SCHEDULED", "state_details": {"deferred": True}}
    await api.task_run(run, state=waiting)
    await api.propose("flow_runs", run, state, force=True)
    before, operation_id = await dump(api.store), uuid7()
    assert len(before["task_queue"]) == 1

    await remove(api.store, RUNS, [UUID(run)], operation_id)
    assert await number(api.store, _QUEUED) == 0
    await restore(api.store, RUNS, [UUID(run)], operation_id)
    assert len((await dump(api.store))["task_queue"]) == 1
    assert (await dump(api.store))["task_runs"] == before["task_runs"]


async def test_the_idempotency_key_of_a_deleted_run_is_free(api: Api) -> None:
    flow = await api.flow()
    run = await api.flow_run({"type": "COMPLETED"}, flow_id=flow, idempotency_key="daily")
    operation_id = uuid7()
    await remove(api.store, RUNS, [UUID(run)], operation_id)
    again = await api.flow_run({"type": "COMPLETED"}, flow_id=flow, idempotency_key="daily")
    assert again != run
    assert (await api.post("/flow_runs/count", {})).json == 1

    (conflict,) = (await restore(api.store, RUNS, [UUID(run)], operation_id)).conflicts
    assert "idempotency key 'daily'" in conflict.reason
