"""Cancelling, retrying and setting the state of many runs."""

from typing import Any

from tests.server.api import Api, Json


async def _do(api: Api, kind: str, ids: list[str], **options: Any) -> Json:
    answer = await api.post(
        "/x/operations", {"kind": kind, "target": {"ids": ids}, "options": options, "reason": "because"}
    )
    assert answer.status == 202, answer.json
    return answer.json


async def _states(api: Api, ids: list[str]) -> list[str]:
    return [(await api.get(f"/flow_runs/{id}")).json["state_name"] for id in ids]


async def _deployment(api: Api, flow_id: str) -> str:
    return (await api.post("/deployments/", {"name": "d", "flow_id": flow_id})).json["id"]


async def test_runs_are_cancelled_as_they_are_one_by_one(api: Api) -> None:
    """What runs is told, what waits is cancelled at once, and what is over stays as it is."""
    running = await api.flow_run({"type": "RUNNING"})
    scheduled = await api.flow_run({"type": "SCHEDULED"})
    over = await api.flow_run({"type": "COMPLETED"})

    done = await _do(api, "cancel", [running, scheduled, over])

    assert (done["status"], done["changed"], done["skipped"], done["failed"]) == ("completed", 2, 1, 0)
    assert await _states(api, [running, scheduled, over]) == ["Cancelling", "Cancelled", "Completed"]
    told = (await api.get(f"/x/flow_runs/{running}/cancellation")).json
    assert told["requested_by"] == done["created_by"]
    assert not done["undoable"]


async def test_runs_of_deployments_are_scheduled_anew(api: Api) -> None:
    """Runs that nobody could pick up fail, with the reason; what is not over is left alone."""
    flow_id = await api.flow()
    deployment_id = await _deployment(api, flow_id)
    deployed = await api.flow_run({"type": "FAILED"}, flow_id=flow_id)
    made = await api.post(f"/deployments/{deployment_id}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    failed = made.json["id"]
    await api.propose("flow_runs", failed, "FAILED", force=True)
    running = await api.flow_run({"type": "RUNNING"}, flow_id=flow_id)

    done = await _do(api, "retry", [deployed, failed, running])

    assert (done["changed"], done["skipped"], done["failed"]) == (1, 1, 1)
    assert await _states(api, [deployed, failed, running]) == ["Failed", "AwaitingRetry", "Running"]
    (group,) = (await api.get(f"/x/operations/{done['id']}/failures")).json
    assert group == {
        "error": "Cannot reschedule a run without an associated deployment.",
        "status": "failed",
        "count": 1,
        "samples": [deployed],
    }


async def test_a_state_is_set_by_the_rules_or_by_force(api: Api) -> None:
    """What the rules refuse has failed, and says why."""
    ids = [await api.flow_run({"type": "COMPLETED"}), await api.flow_run({"type": "RUNNING"})]
    state = {"type": "CRASHED", "message": "the cluster was lost"}

    done = await _do(api, "set_state", ids, state=state)

    assert (done["changed"], done["failed"]) == (1, 1)
    assert await _states(api, ids) == ["Completed", "Crashed"]
    forced = await _do(api, "set_state", ids[:1], state=state, force=True)
    assert (forced["changed"], forced["failed"]) == (1, 0)
    assert await _states(api, ids) == ["Crashed", "Crashed"]


async def test_what_failed_can_be_tried_again(api: Api) -> None:
    """The operation goes on with the items that failed, and only with those."""
    ids = [await api.flow_run({"type": "FAILED"}), await api.flow_run({"type": "RUNNING"})]
    done = await _do(api, "set_state", ids, state={"type": "CANCELLING"})
    assert (done["changed"], done["failed"]) == (1, 1)
    await api.propose("flow_runs", ids[0], "RUNNING", force=True)

    again = (await api.post(f"/x/operations/{done['id']}/retry_failed")).json

    assert (again["id"], again["status"], again["changed"], again["failed"]) == (done["id"], "completed", 2, 0)
    assert again["done"] == again["total"] == 2
    assert await _states(api, ids) == ["Cancelling", "Cancelling"]
    items = (await api.get(f"/x/operations/{done['id']}/items")).json
    assert [item["status"] for item in items] == ["done", "done"]


async def test_a_run_that_is_not_there_is_skipped(api: Api) -> None:
    """There is nothing to set."""
    done = await _do(api, "set_state", ["00000000-0000-0000-0000-000000000001"], state={"type": "FAILED"})
    assert (done["changed"], done["skipped"], done["failed"]) == (0, 1, 0)
