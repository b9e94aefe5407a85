"""Flow runs from state to state, as a client sees it (contract §4.2 to §4.6)."""

import asyncio
from typing import Any
from uuid import uuid4

from headrace.server.store import make_store
from headrace.server.store.base import Statement
from headrace.settings import Settings
from tests.server.api import Api

RUNS = "flow_runs"


async def run_of(api: Api, id: str) -> dict[str, Any]:
    return (await api.get(f"/flow_runs/{id}")).json


async def test_a_run_lives_from_pending_to_completed_and_its_books_are_kept(api: Api) -> None:
    id = await api.flow_run()
    running = await api.propose(RUNS, id, "RUNNING")
    assert (running.status, running.json["status"]) == (201, "ACCEPT")
    assert running.json["details"] == {"type": "accept_details"}
    completed = await api.propose(RUNS, id, "COMPLETED", data={"k": 1}, message="All good")
    run = await run_of(api, id)
    assert run["state"] == completed.json["state"]
    assert (run["state"]["data"], run["state"]["message"]) == ({"k": 1}, "All good")
    assert (run["run_count"], run["start_time"]) == (1, running.json["state"]["timestamp"])
    assert run["end_time"] == completed.json["state"]["timestamp"]
    assert run["total_run_time"] > 0
    history = await api.states("flow_run", id)
    assert [state["type"] for state in history] == ["PENDING", "RUNNING", "COMPLETED"]
    assert history[-1] == (await api.get(f"/flow_run_states/{run['state_id']}")).json == run["state"]


async def test_a_refused_proposal_writes_nothing_and_answers_with_the_current_state(api: Api) -> None:
    id = await api.flow_run({"type": "RUNNING"})
    before = await run_of(api, id)
    refused = await api.propose(RUNS, id, "PENDING")
    assert (refused.status, refused.json["status"]) == (200, "ABORT")
    assert refused.json["state"] == before["state"]
    assert refused.json["details"]["type"] == "abort_details"
    assert "cannot transition to a PENDING state" in refused.json["details"]["reason"]
    assert (await run_of(api, id))["updated"] == before["updated"]


async def test_a_run_that_is_not_due_has_to_wait(api: Api) -> None:
    due = "2100-01-01T00:00:00Z"
    id = await api.flow_run({"type": "SCHEDULED", "state_details": {"scheduled_time": due}})
    waiting = await api.propose(RUNS, id, "RUNNING")
    assert (waiting.status, waiting.json["status"]) == (200, "WAIT")
    assert waiting.json["details"]["delay_seconds"] > 1_000_000
    assert waiting.json["state"]["type"] == "SCHEDULED"
    forced = await api.propose(RUNS, id, "RUNNING", force=True)
    assert (forced.status, forced.json["status"]) == (201, "ACCEPT")


async def test_a_failure_is_retried_as_often_as_the_policy_says(api: Api) -> None:
    id = await api.flow_run({"type": "RUNNING"}, empirical_policy={"retries": 1, "retry_delay": 0})
    retried = await api.propose(RUNS, id, "FAILED", message="boom")
    assert (retried.status, retried.json["status"]) == (201, "REJECT")
    assert retried.json["details"] == {"type": "reject_details", "reason": "Retrying"}
    state = retried.json["state"]
    assert (state["type"], state["name"], state["message"]) == ("SCHEDULED", "AwaitingRetry", "boom")
    run = await run_of(api, id)
    assert run["empirical_policy"]["retry_type"] == "in_process"
    assert run["next_scheduled_start_time"] == state["state_details"]["scheduled_time"]
    assert (await api.propose(RUNS, id, "RUNNING")).json["status"] == "ACCEPT"
    failed = await api.propose(RUNS, id, "FAILED")
    assert (failed.json["status"], failed.json["state"]["type"]) == ("ACCEPT", "FAILED")
    run = await run_of(api, id)
    assert (run["run_count"], run["empirical_policy"]["retry_type"]) == (2, None)
    names = [state["name"] for state in await api.states("flow_run", id)]
    assert names == ["Running", "AwaitingRetry", "Running", "Failed"]


async def test_clients_before_0_8_3_find_their_failed_task_runs_awaiting_the_retry(api: Api) -> None:
    id = await api.flow_run({"type": "RUNNING"}, empirical_policy={"retries": 1, "retry_delay": 30})
    failed = await api.task_run(id, state={"type": "FAILED"})
    passed = await api.task_run(id, state={"type": "COMPLETED"})
    api.headers[b"x-prefect-api-version"] = b"0.8.2"
    retried = await api.propose(RUNS, id, "FAILED")
    task_run = (await api.get(f"/task_runs/{failed}")).json
    assert task_run["state_name"] == "AwaitingRetry"
    assert task_run["next_scheduled_start_time"] == retried.json["state"]["state_details"]["scheduled_time"]
    assert (await api.get(f"/task_runs/{passed}")).json["state_type"] == "COMPLETED"


async def test_a_replayed_proposal_changes_nothing(api: Api) -> None:
    id = await api.flow_run()
    state = {"type": "RUNNING", "state_details": {"transition_id": str(uuid4())}}
    first = await api.post(f"/flow_runs/{id}/set_state", {"state": state})
    again = await api.post(f"/flow_runs/{id}/set_state", {"state": state})
    assert (first.status, again.status) == (201, 200)
    assert (again.json["status"], again.json["state"]) == ("REJECT", first.json["state"])
    assert (await run_of(api, id))["run_count"] == 1


async def test_a_scheduled_run_without_infrastructure_is_cancelled_at_once(api: Api) -> None:
    id = await api.flow_run({"type": "SCHEDULED"})
    answer = await api.propose(RUNS, id, "CANCELLING")
    assert (answer.status, answer.json["status"]) == (201, "REJECT")
    assert answer.json["state"]["type"] == (await run_of(api, id))["state_type"] == "CANCELLED"


async def test_a_cancelling_run_can_only_become_cancelled(api: Api) -> None:
    id = await api.flow_run({"type": "RUNNING"})
    assert (await api.propose(RUNS, id, "CANCELLING")).json["status"] == "ACCEPT"
    assert (await api.propose(RUNS, id, "COMPLETED")).json["status"] == "REJECT"
    assert (await api.propose(RUNS, id, "CANCELLED")).json["status"] == "ACCEPT"


async def test_a_pause_fires_once_and_resume_lets_the_run_go_on(api: Api) -> None:
    id = await api.flow_run({"type": "RUNNING"})
    details = {"pause_key": "p", "pause_timeout": "2100-01-01T00:00:00Z"}
    paused = await api.propose(RUNS, id, "PAUSED", state_details=details)
    assert paused.json["status"] == "ACCEPT"
    assert (await run_of(api, id))["empirical_policy"]["pause_keys"] == ["p"]
    resumed = await api.post(f"/flow_runs/{id}/resume")
    assert (resumed.status, resumed.json["status"]) == (201, "ACCEPT")
    assert resumed.json["state"]["type"] == "RUNNING"
    refused = await api.propose(RUNS, id, "PAUSED", state_details=details)
    assert (refused.status, refused.json["status"]) == (200, "REJECT")
    assert refused.json["state"]["type"] == "RUNNING"


async def test_a_pause_that_has_timed_out_fails_the_run(api: Api) -> None:
    id = await api.flow_run({"type": "RUNNING"})
    await api.propose(RUNS, id, "PAUSED", state_details={"pause_timeout": "2020-01-01T00:00:00Z"})
    late = await api.post(f"/flow_runs/{id}/resume", {})
    assert (late.status, late.json["status"]) == (201, "REJECT")
    assert (await run_of(api, id))["state_type"] == "FAILED"


async def test_a_suspended_run_resumes_by_being_scheduled_and_is_not_counted_again(api: Api) -> None:
    id = await api.flow_run({"type": "RUNNING"}, deployment_id=str(uuid4()))
    suspended = {"name": "Suspended", "state_details": {"pause_reschedule": True}}
    assert (await api.propose(RUNS, id, "PAUSED", **suspended)).json["status"] == "ACCEPT"
    resumed = await api.post(f"/flow_runs/{id}/resume")
    assert (resumed.json["state"]["type"], resumed.json["state"]["name"]) == ("SCHEDULED", "Resuming")
    await api.propose(RUNS, id, "PENDING", force=True)
    await api.propose(RUNS, id, "RUNNING", force=True)
    run = await run_of(api, id)
    assert (run["run_count"], run["empirical_policy"]["resuming"]) == (1, False)


async def test_only_a_paused_run_can_be_resumed(api: Api) -> None:
    answer = await api.post(f"/flow_runs/{await api.flow_run()}/resume")
    assert (answer.status, answer.json["status"], answer.json["state"]) == (200, "ABORT", None)
    assert answer.json["details"]["reason"] == "Cannot resume a flow run that is not paused."


async def waiting_for_input(api: Api, schema: str | None) -> str:
    id = await api.flow_run({"type": "RUNNING"})
    keyset = {"schema": "p-1-schema", "response": "p-1-response"}
    await api.propose(RUNS, id, "PAUSED", state_details={"pause_key": "p", "run_input_keyset": keyset})
    if schema is not None:
        await api.post(f"/flow_runs/{id}/input", {"key": "p-1-schema", "value": schema})
    return id


async def test_input_that_fits_the_schema_is_kept_for_the_run(api: Api) -> None:
    id = await waiting_for_input(api, '{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}')
    await api.post("/variables/", {"name": "five", "value": 5})
    body = {"run_input": {"n": {"__prefect_kind": "workspace_variable", "variable_name": "five"}}}
    resumed = await api.post(f"/flow_runs/{id}/resume", body)
    assert (resumed.status, resumed.json["status"]) == (201, "ACCEPT")
    kept = await api.get(f"/flow_runs/{id}/input/p-1-response")
    assert (kept.json, kept.media_type) == ('{"n":5}', "text/plain; charset=utf-8")


async def test_input_that_does_not_fit_leaves_the_run_paused_and_keeps_nothing(api: Api) -> None:
    for schema, given, reason in (
        ('{"required":["n"]}', {}, "Reason: 'n' is a required property"),
        ('{"properties":{"n":{"type":"integer"}}}', {"n": "5"}, "Reason: n: '5' is not of type 'integer'"),
        ('{"$ref":"#"}', {}, "Invalid schema: Unable to validate schema with circular references."),
        ("{", {}, "Run input schema is not valid JSON."),
        (None, {}, "Run input schema not found."),
        ("{}", {"n": {"__prefect_kind": "json", "value": "{"}}, "Error hydrating run input: Invalid JSON"),
    ):
        id = await waiting_for_input(api, schema)
        answer = await api.post(f"/flow_runs/{id}/resume", {"run_input": given})
        assert (answer.status, answer.json["status"]) == (200, "REJECT")
        assert answer.json["details"]["type"] == "abort_details"
        assert answer.json["details"]["reason"].startswith(reason)
        assert (await run_of(api, id))["state_type"] == "PAUSED"
        assert (await api.get(f"/flow_runs/{id}/input/p-1-response")).status == 404


async def test_a_run_does_not_resume_if_its_input_cannot_be_kept(api: Api) -> None:
    id = await waiting_for_input(api, "{}")
    await api.post(f"/flow_runs/{id}/input", {"key": "p-1-response", "value": "1"})
    assert (await api.post(f"/flow_runs/{id}/resume", {"run_input": {"n": 1}})).status == 409
    assert (await run_of(api, id))["state_type"] == "PAUSED"
    assert len(await api.states("flow_run", id)) == 2


async def test_every_state_of_a_subflow_is_mirrored_onto_the_task_run_that_tracks_it(api: Api) -> None:
    parent = await api.flow_run({"type": "RUNNING"})
    tracker = await api.task_run(parent)
    child = await api.flow_run(parent_task_run_id=tracker)
    await api.propose(RUNS, child, "RUNNING")
    await api.propose(RUNS, child, "FAILED", message="boom", data={"k": 1})
    states = await api.states("task_run", tracker)
    assert [state["type"] for state in states] == ["PENDING", "PENDING", "RUNNING", "FAILED"]
    assert {state["state_details"]["child_flow_run_id"] for state in states[1:]} == {child}
    assert {state["state_details"]["task_run_id"] for state in states} == {tracker}
    assert {state["state_details"]["flow_run_id"] for state in states} == {parent}
    task_run = (await api.get(f"/task_runs/{tracker}")).json
    assert (task_run["state"]["message"], task_run["state"]["data"]) == ("boom", {"k": 1})
    assert (task_run["run_count"], task_run["state_type"]) == (1, "FAILED")
    assert (await run_of(api, child))["state"]["state_details"]["task_run_id"] == tracker


async def test_a_subflow_goes_on_when_its_tracking_task_run_is_gone(api: Api) -> None:
    tracker = await api.task_run(await api.flow_run())
    child = await api.flow_run(parent_task_run_id=tracker)
    await api.delete(f"/task_runs/{tracker}")
    assert (await api.propose(RUNS, child, "RUNNING")).json["status"] == "ACCEPT"


async def test_nothing_is_written_when_the_mirror_fails(api: Api) -> None:
    tracker = await api.task_run(await api.flow_run())
    child = await api.flow_run(parent_task_run_id=tracker)
    before = await run_of(api, child)
    await api.store.execute(Statement("ALTER TABLE task_run_states RENAME COLUMN message TO text"))
    try:
        assert (await api.propose(RUNS, child, "RUNNING")).status == 500
    finally:
        await api.store.execute(Statement("ALTER TABLE task_run_states RENAME COLUMN text TO message"))
    assert (await run_of(api, child))["updated"] == before["updated"]
    assert len(await api.states("flow_run", child)) == 1


async def test_racing_proposals_are_put_in_order_and_each_is_decided_on_what_went_before(api: Api) -> None:
    id = await api.flow_run()
    answers = await asyncio.gather(*(api.propose(RUNS, id, "RUNNING") for _ in range(12)))
    assert {answer.json["status"] for answer in answers} == {"ACCEPT"}
    run = await run_of(api, id)
    history = await api.states("flow_run", id)
    assert run["run_count"] == 12
    assert len(history) == 13
    assert sorted({state["timestamp"] for state in history}) == [state["timestamp"] for state in history]
    assert run["state_id"] == history[-1]["id"]


async def test_of_racing_pending_proposals_one_wins(api: Api) -> None:
    id = await api.flow_run({"type": "SCHEDULED"})
    answers = await asyncio.gather(*(api.propose(RUNS, id, "PENDING") for _ in range(8)))
    assert sorted(answer.json["status"] for answer in answers) == ["ABORT"] * 7 + ["ACCEPT"]
    assert len(await api.states("flow_run", id)) == 2


async def test_racing_changes_of_labels_and_states_are_all_kept(api: Api) -> None:
    id = await api.flow_run()
    changes = [api.patch(f"/flow_runs/{id}/labels", {f"l{n}": n}) for n in range(6)]
    states = [api.propose(RUNS, id, "RUNNING") for _ in range(6)]
    await asyncio.gather(*(one for pair in zip(changes, states, strict=True) for one in pair))
    run = await run_of(api, id)
    assert run["run_count"] == 6
    assert {f"l{n}" for n in range(6)} <= run["labels"].keys()


async def test_what_another_process_writes_is_never_overlooked(api: Api, database_settings: Settings) -> None:
    """Each process remembers the runs it has written; the other one's writes count all the same."""
    other_store = make_store(database_settings)
    await other_store.open()
    try:
        other = api.over(other_store)
        id = await api.flow_run()
        assert (await other.propose(RUNS, id, "RUNNING")).json["status"] == "ACCEPT"
        refused = await api.propose(RUNS, id, "PENDING")
        assert (refused.json["status"], refused.json["state"]["type"]) == ("ABORT", "RUNNING")
        await other.patch(f"/flow_runs/{id}", {"empirical_policy": {"retries": 1, "retry_delay": 0}})
        assert (await api.propose(RUNS, id, "FAILED")).json["state"]["name"] == "AwaitingRetry"
        assert (await other.propose(RUNS, id, "RUNNING")).json["status"] == "ACCEPT"
        assert (await run_of(api, id))["run_count"] == 2
        await other.delete(f"/flow_runs/{id}")
        assert (await api.propose(RUNS, id, "COMPLETED")).json["status"] == "ABORT"
    finally:
        await other_store.close()


async def test_racing_proposals_through_two_processes_are_put_in_order(api: Api, database_settings: Settings) -> None:
    other_store = make_store(database_settings)
    await other_store.open()
    try:
        id, other = await api.flow_run(), api.over(other_store)
        await asyncio.gather(*(one.propose(RUNS, id, "RUNNING") for _ in range(6) for one in (api, other)))
        history = await api.states("flow_run", id)
        assert ((await run_of(api, id))["run_count"], len(history)) == (12, 13)
    finally:
        await other_store.close()
