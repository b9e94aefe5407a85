"""`/flow_run_states` and `/task_run_states`."""

from uuid import uuid4

import pytest

from tests.server.api import Api


@pytest.mark.parametrize("kind", ["flow_run", "task_run"])
async def test_a_history_is_in_the_order_of_its_states_and_holds_only_its_own(api: Api, kind: str) -> None:
    flow_run_id = await api.flow_run()
    other_id = await api.flow_run() if kind == "flow_run" else await api.task_run(None)
    id = flow_run_id if kind == "flow_run" else await api.task_run(flow_run_id)
    for type in ("RUNNING", "CANCELLING", "CANCELLED"):
        assert (await api.propose(f"{kind}s", id, type, force=True)).status == 201
    history = await api.states(kind, id)
    assert [state["type"] for state in history] == ["PENDING", "RUNNING", "CANCELLING", "CANCELLED"]
    assert sorted(state["timestamp"] for state in history) == [state["timestamp"] for state in history]
    assert len(await api.states(kind, other_id)) == 1
    for state in history:
        assert (await api.get(f"/{kind}_states/{state['id']}")).json == state


@pytest.mark.parametrize("kind", ["flow_run", "task_run"])
async def test_an_unknown_run_has_no_states_and_an_unknown_state_is_not_found(api: Api, kind: str) -> None:
    assert await api.states(kind, str(uuid4())) == []
    assert (await api.get(f"/{kind}_states/{uuid4()}")).status == 404
    missing = await api.get(f"/{kind}_states/")
    assert missing.status == 422
    assert missing.json["exception_detail"][0]["loc"] == ["query", f"{kind}_id"]


async def test_a_state_tells_every_detail_although_only_what_is_set_is_stored(api: Api) -> None:
    details = {"cache_key": "k", "deferred": False, "retriable": False, "pause_reschedule": True}
    id = await api.flow_run({"type": "PENDING", "state_details": details})
    [state] = await api.states("flow_run", id)
    assert state["state_details"].items() >= details.items()
    assert state["state_details"]["untrackable_result"] is False
    assert state["state_details"]["run_input_keyset"] is None
