"""Task runs are recorded from their client's events, in whatever way these come (contract §7)."""

import asyncio
import logging
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.store.base import Statement
from tests.server.api import Api
from tests.server.events.reported import event, lifecycle, role

_SENT = Statement("SELECT count(*) FROM events WHERE event LIKE 'prefect.task-run.%' OR event = 'said'")
ONE, TWO = UUID(int=1001), UUID(int=1002)


async def send(api: Api, *events: Any) -> None:
    answer = await api.post("/events", list(events))
    assert (answer.status, answer.json) == (204, "")


async def task_run(api: Api, id: UUID) -> dict[str, Any]:
    return (await api.get(f"/task_runs/{id}")).json


async def recorded(api: Api) -> list[Any]:
    """Everything that recording writes, without the times of writing."""
    rows: list[Any] = []
    for run in sorted((await api.post("/task_runs/filter", {})).json, key=lambda run: run["id"]):
        history = await api.states("task_run", run["id"])
        kept = {name: value for name, value in run.items() if name not in ("created", "updated")}
        rows.append([{name: value for name, value in kept.items() if not name.startswith("estimated")}, history])
    return rows


async def test_a_task_run_is_made_and_followed_by_its_events(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    events = lifecycle(1, ONE, flow_run_id)
    await send(api, *events[:2])
    run = await task_run(api, ONE)
    assert (run["state_type"], run["run_count"], run["flow_run_id"]) == ("RUNNING", 1, flow_run_id)
    await send(api, *events[2:])
    run = await task_run(api, ONE)
    assert (run["name"], run["task_key"], run["dynamic_key"]) == ("t-0", "t", str(ONE))
    assert (run["run_count"], run["flow_run_run_count"], run["total_run_time"]) == (2, 1, 2.5)
    assert (run["tags"], run["end_time"]) == (["x"], "2026-01-01T00:00:00Z")
    assert run["task_inputs"] == {"n": [{"input_type": "task_run", "id": str(UUID(int=99))}]}
    assert run["empirical_policy"]["retries"] == 1
    history = await api.states("task_run", str(ONE))
    assert [state["name"] for state in history] == ["Pending", "Running", "AwaitingRetry", "Retrying", "Completed"]
    assert history[-1] == run["state"]
    assert run["state"]["id"] == events[-1]["id"]
    assert run["state"]["timestamp"] == "2026-01-01T00:00:04Z"
    assert run["state"]["state_details"]["task_run_id"] == str(ONE)
    assert run["state"]["state_details"]["flow_run_id"] == flow_run_id


async def test_what_a_state_carries_is_kept(api: Api) -> None:
    details = {"cache_key": "k", "task_parameters_id": str(uuid4()), "unheard_of": 1}
    carried = {"message": "m", "data": {"storage_key": "s", "n": [1.5, None]}, "state_details": details}
    await send(api, event(1, ONE, None, type="COMPLETED", state=carried))
    state = (await task_run(api, ONE))["state"]
    assert (state["message"], state["data"]) == ("m", carried["data"])
    assert state["state_details"]["task_parameters_id"] == details["task_parameters_id"]
    assert "unheard_of" not in state["state_details"]


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_order_repetition_interleaving_and_batches_make_no_difference(api: Api, data: st.DataObject) -> None:
    await forget(api)
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    events = lifecycle(1, ONE, flow_run_id) + lifecycle(11, TWO, flow_run_id, cache_key="k")
    partial = data.draw(st.lists(st.sampled_from(["tags", "start_time", "run_count"]), unique=True), "left out")
    for told in events[3::5]:
        for field in partial:
            told["payload"]["task_run"].pop(field, None)
    for one in events:
        await send(api, one)
    in_order = await recorded(api)
    await forget(api)
    others = [other(n) for n in range(100, 103)]
    repeated = data.draw(st.lists(st.sampled_from([*events, *others]), max_size=5))
    arrivals = data.draw(st.permutations([*events, *others, *repeated]), "order")
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)))
        await send(api, *arrivals[:size])
        arrivals = arrivals[size:]
    assert await recorded(api) == in_order
    logged = await api.store.fetch(_SENT)
    assert logged[0][0] == len(events) + len(others)


def other(number: int) -> dict[str, Any]:
    """An event that records nothing, or that claims to and cannot."""
    told = event(number, UUID(int=3000), None, task_run={"run_count": "many"})
    return told if number % 2 else told | {"event": "said"}


async def forget(api: Api) -> None:
    await api.store.execute(Statement("DELETE FROM task_runs"))


async def test_concurrent_batches_about_the_same_runs_all_count(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    events = [told for n in range(4) for told in lifecycle(10 * n + 1, UUID(int=2000 + n), flow_run_id)]
    batches = [events[n::6] for n in range(6)] + [list(reversed(events))]
    await asyncio.gather(*(send(api, *batch) for batch in batches))
    rows = await recorded(api)
    assert [run["state_type"] for run, _ in rows] == ["COMPLETED"] * 4
    assert [len(history) for _, history in rows] == [5] * 4


async def test_a_task_that_comes_back_under_a_new_id_goes_on_in_the_row_of_its_natural_key(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    key = {"dynamic_key": "0"}
    await send(api, event(1, ONE, flow_run_id, second=1, type="FAILED", task_run=key | {"run_count": 1}))
    await send(api, event(2, TWO, flow_run_id, second=2, task_run=key | {"run_count": 2}))
    await send(api, event(3, TWO, flow_run_id, second=3, type="COMPLETED", task_run=key))
    assert (await api.get(f"/task_runs/{TWO}")).status == 404
    run = await task_run(api, ONE)
    assert (run["state_type"], run["run_count"]) == ("COMPLETED", 2)
    history = await api.states("task_run", str(ONE))
    assert [state["type"] for state in history] == ["FAILED", "RUNNING", "COMPLETED"]
    assert {state["state_details"]["task_run_id"] for state in history} == {str(ONE)}


async def test_tasks_outside_a_flow_have_a_natural_key_too(api: Api) -> None:
    key = {"dynamic_key": "0"}
    await send(api, event(1, ONE, None, second=1, task_run=key), event(2, TWO, None, second=2, task_run=key))
    assert len(await api.states("task_run", str(ONE))) == 2


async def test_a_run_made_over_http_is_updated_by_events_and_by_proposals_in_turn(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    id = UUID(await api.task_run(flow_run_id, dynamic_key="0", name="by hand"))
    first = (await task_run(api, id))["state"]
    old = event(1, id, flow_run_id, type="CRASHED", task_run={"dynamic_key": "0"})
    await send(api, old)
    run = await task_run(api, id)
    assert (run["state"], run["name"]) == (first, "by hand")
    assert len(await api.states("task_run", str(id))) == 2
    await api.propose("task_runs", str(id), "RUNNING")
    newer = event(2, id, flow_run_id, second=10**9, type="COMPLETED", task_run={"total_run_time": 3.0})
    await send(api, newer)
    run = await task_run(api, id)
    assert (run["state_type"], run["total_run_time"], run["run_count"]) == ("COMPLETED", 3.0, 1)


async def test_events_about_a_flow_run_that_does_not_exist_are_left_out_alone(api: Api) -> None:
    flow_run_id = await api.flow_run({"type": "RUNNING"})
    await send(api, event(1, ONE, str(uuid4())), event(2, TWO, flow_run_id))
    assert (await api.get(f"/task_runs/{ONE}")).status == 404
    assert (await task_run(api, TWO))["state_type"] == "RUNNING"


def without(path: str) -> dict[str, Any]:
    """An event that lacks one part of its payload."""
    told = event(1, ONE, None)
    *parents, last = path.split(".")
    place = told["payload"]
    for parent in parents:
        place = place[parent]
    del place[last]
    return told


def with_resource_id(id: str) -> dict[str, Any]:
    told = event(1, ONE, None)
    told["resource"]["prefect.resource.id"] = id
    return told


MALFORMED = {
    "no state": (without("validated_state"), "validated_state"),
    "no type": (without("validated_state.type"), "type"),
    "no task run": (without("task_run"), "task_run"),
    "no key": (without("task_run.dynamic_key"), "dynamic_key"),
    "wrong type": (event(1, ONE, None, task_run={"run_count": "many"}), "task_run.run_count"),
    "too large": (event(1, ONE, None, task_run={"run_count": 2**31}), "task_run.run_count"),
    "unknown state": (event(1, ONE, None, state={"type": "DREAMING"}), "DREAMING"),
    "no id": (with_resource_id("prefect.task-run.nobody"), "nobody"),
    "another resource": (with_resource_id("prefect.flow-run." + str(ONE)), "prefect.flow-run"),
    "outside the calendar": (
        event(1, ONE, None, task_run={"start_time": "0001-01-01T00:00:00+02:00"}),
        "start_time lies outside",
    ),
    "flow run without id": (event(1, ONE, None) | {"related": [role("flow-run", "prefect.flow-run.x")]}, "flow-run.x"),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_event_is_logged_with_its_reason_and_skipped_alone(
    api: Api, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    told, reason = MALFORMED[case]
    with caplog.at_level(logging.WARNING, "headrace.server.events"):
        await send(api, event(2, TWO, None), told, event(3, TWO, None, second=1, type="COMPLETED"))
    assert (await api.get(f"/task_runs/{ONE}")).status == 404
    assert (await task_run(api, TWO))["state_type"] == "COMPLETED"
    assert [told["id"] in record.getMessage() and reason in record.getMessage() for record in caplog.records] == [True]


async def test_characters_that_a_database_cannot_keep_are_dropped_and_the_rest_is_kept(api: Api) -> None:
    told = {"name": "a\x00b", "tags": ["x\x00"], "task_version": "\\u0000"}
    await send(api, event(1, ONE, None, task_run=told, state={"message": "\x00m", "data": {"k\x00": "\\\x00"}}))
    run = await task_run(api, ONE)
    assert (run["name"], run["tags"], run["task_version"]) == ("ab", ["x"], "\\u0000")
    assert (run["state"]["message"], run["state"]["data"]) == ("m", {"k": "\\"})


async def test_an_event_that_the_database_refuses_is_left_out_alone(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await api.store.execute(Statement("CREATE UNIQUE INDEX one_of_a_name ON task_runs (name)"))
    try:
        names = [(ONE, "same"), (TWO, "same"), (UUID(int=1003), "other")]
        await send(api, *(event(n, id, None, task_run={"name": name}) for n, (id, name) in enumerate(names)))
    finally:
        await api.store.execute(Statement("DROP INDEX one_of_a_name"))
    assert [run["name"] for run, _ in await recorded(api)] == ["same", "other"]
    assert str(UUID(int=1)) in caplog.text


async def test_other_events_are_taken_and_record_nothing(api: Api) -> None:
    other = event(1, ONE, None) | {"event": "shop.sale", "payload": {"n": 1}}
    server_made = event(2, TWO, None)
    del server_made["resource"]["prefect.orchestration"]
    await send(api, other, server_made)
    assert await recorded(api) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"resource": {"no": "id"}},
        {"resource": {"prefect.resource.id": ""}},
        {"related": [{"prefect.resource.id": "x"}]},
        {"related": [role("a", f"r{n}") for n in range(101)]},
        {"resource": {"prefect.resource.id": "x"} | {f"l{n}": "" for n in range(500)}},
        {"event": "x" * 1025},
        {"id": "1"},
        {"occurred": "yesterday"},
        {"occurred": "0001-01-01T00:00:00+02:00"},
    ],
    ids=lambda broken: next(iter(broken)),
)
async def test_a_request_with_something_that_is_no_event_is_refused_whole(api: Api, broken: dict[str, Any]) -> None:
    refused = await api.post("/events", [event(1, ONE, None), event(2, TWO, None) | broken])
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"][:2] == ["body", 1]
    assert await recorded(api) == []
