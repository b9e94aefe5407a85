"""What the log says of the states of flow runs (contract §6.3)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from headrace.server.flow_runs import relations, service
from headrace.server.states.proposals import Asker, proposed
from headrace.server.store import make_store
from headrace.server.store.base import Connection
from headrace.settings import Settings
from headrace.wire.states import StateCreate, StateType
from tests.server.api import Api
from tests.server.told import Told, found_by, names, told


async def last(api: Api) -> Told:
    return (await told(api.store, "flow-run"))[-1]


async def test_each_state_of_a_run_leaves_an_event_that_follows_the_one_before(api: Api) -> None:
    run = await api.flow_run({"type": "PENDING", "message": "soon"}, name="mine")
    await api.propose("flow_runs", run, "RUNNING")
    await api.propose("flow_runs", run, "COMPLETED", name="Fine")

    events = await told(api.store, "flow-run")
    states = await api.states("flow_run", run)
    assert [event.event for event in events] == [f"prefect.flow-run.{name}" for name in ("Pending", "Running", "Fine")]
    assert [str(event.id) for event in events] == [state["id"] for state in states]
    assert [event.follows for event in events] == [None, events[0].id, events[1].id]
    assert [event.occurred for event in events] == [datetime.fromisoformat(state["timestamp"]) for state in states]


async def test_an_event_says_what_the_run_entered_and_left(api: Api) -> None:
    run = await api.flow_run({"type": "PENDING", "message": "soon"}, name="mine")
    await api.propose("flow_runs", run, "RUNNING")

    event = await last(api)
    assert event.resource == {
        "prefect.resource.id": f"prefect.flow-run.{run}",
        "prefect.resource.name": "mine",
        "prefect.run-count": "1",
        "prefect.state-message": "",
        "prefect.state-name": "Running",
        "prefect.state-timestamp": event.occurred.isoformat(),
        "prefect.state-type": "RUNNING",
    }
    assert event.payload == {
        "intended": {"from": "PENDING", "to": "RUNNING"},
        "initial_state": {"type": "PENDING", "name": "Pending", "message": "soon"},
        "validated_state": {"type": "RUNNING", "name": "Running"},
    }


async def test_the_first_event_of_a_run_has_nothing_before_it(api: Api) -> None:
    await api.flow_run({"type": "PENDING"})

    event = await last(api)
    assert event.payload["intended"] == {"from": None, "to": "PENDING"}
    assert event.payload["initial_state"] is None


async def test_a_paused_state_says_whether_the_run_is_to_be_scheduled_again(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    await api.propose("flow_runs", run, "PAUSED", state_details={"pause_reschedule": True}, force=True)

    paused = {"type": "PAUSED", "name": "Paused", "pause_reschedule": "true"}
    assert (await last(api)).payload["validated_state"] == paused


async def test_a_run_is_related_to_all_around_it_in_the_order_of_the_contract(api: Api) -> None:
    flow = await api.flow(name="brew", tags=["of-flow"])
    await api.post("/work_pools/", {"name": "pool", "type": "process"})
    deployment = await api.post(
        "/deployments/",
        {"name": "daily", "flow_id": flow, "work_pool_name": "pool", "work_queue_name": "fast", "tags": ["of-dep"]},
    )
    await api.post(f"/deployments/{deployment.json['id']}/create_flow_run", {"tags": ["own", "a b", "own"]})

    event = await last(api)
    assert event.around == [
        ("flow", "brew"),
        ("deployment", "daily"),
        ("work-queue", "fast"),
        ("work-pool", "pool"),
        *[("tag", None)] * 4,
    ]
    assert event.related[1]["prefect.resource.id"] == f"prefect.deployment.{deployment.json['id']}"
    assert event.related[3]["prefect.work-pool.type"] == "process"
    tags = [one["prefect.resource.id"] for one in event.related[4:]]
    assert tags == ["prefect.tag.a b", "prefect.tag.of-dep", "prefect.tag.of-flow", "prefect.tag.own"]


async def test_a_run_with_more_tags_than_an_event_may_name_is_told_of_with_the_first(api: Api) -> None:
    run = await api.flow_run({"type": "PENDING"}, tags=[f"t{number:03}" for number in range(20_000)])
    await api.propose("flow_runs", run, "RUNNING")

    event = await last(api)
    assert event.around[0][0] == "flow"
    assert [one["prefect.resource.id"] for one in event.related[1:]] == [f"prefect.tag.t{n:03}" for n in range(99)]


async def test_an_event_is_found_by_the_run_and_by_all_that_it_is_related_to(api: Api) -> None:
    flow = await api.flow(tags=["t"])
    run = await api.flow_run({"type": "PENDING"}, flow_id=flow)

    assert await found_by(api.store, await last(api)) == [
        (f"prefect.flow-run.{run}", None),
        (f"prefect.flow.{flow}", "flow"),
        ("prefect.tag.t", "tag"),
    ]


async def test_a_subflow_run_is_related_to_the_task_run_that_tracks_it(api: Api) -> None:
    parent = await api.flow_run({"type": "RUNNING"})
    tracking = await api.task_run(parent, name="child-0", tags=["of-task"])
    child = await api.flow_run({"type": "PENDING"}, parent_task_run_id=tracking)
    await api.propose("flow_runs", child, "RUNNING")

    event = await last(api)
    assert event.around[1:] == [("task-run", "child-0"), ("tag", None)]
    assert event.related[2]["prefect.resource.id"] == "prefect.tag.of-task"
    assert await names(api.store, "task-run") == []


async def test_a_forced_state_and_one_of_many_are_told_like_any_other(api: Api) -> None:
    run = await api.flow_run({"type": "COMPLETED"})
    await api.propose("flow_runs", run, "RUNNING", force=True)
    await api.post(
        "/flow_runs/bulk_set_state",
        {"flow_runs": {"id": {"any_": [run]}}, "state": {"type": "CRASHED", "name": "Lost"}},
    )

    assert await names(api.store, "flow-run") == [
        f"prefect.flow-run.{name}" for name in ("Completed", "Running", "Lost")
    ]


async def test_what_the_rules_put_in_the_place_of_a_proposal_is_what_is_told(api: Api) -> None:
    run = await api.flow_run({"type": "RUNNING"}, empirical_policy={"retries": 1, "retry_delay": 5})
    await api.propose("flow_runs", run, "FAILED", message="no")

    event = await last(api)
    assert event.event == "prefect.flow-run.AwaitingRetry"
    assert event.payload["intended"] == {"from": "RUNNING", "to": "SCHEDULED"}


@pytest.mark.parametrize(("first", "then"), [("COMPLETED", "CANCELLING"), ("CANCELLING", "RUNNING")])
async def test_a_refused_proposal_leaves_no_event(api: Api, first: str, then: str) -> None:
    run = await api.flow_run({"type": first})
    refused = await api.propose("flow_runs", run, then)

    assert refused.json["status"] in ("ABORT", "REJECT")
    assert len(await told(api.store, "flow-run")) == 1


async def test_a_run_that_cannot_be_made_leaves_no_event(api: Api) -> None:
    refused = await api.post("/flow_runs/", {"flow_id": str(uuid4())})

    assert refused.status == 409
    assert await told(api.store, "flow-run") == []


async def test_a_run_that_is_found_by_its_key_leaves_no_second_event(api: Api) -> None:
    flow = await api.flow()
    for _ in range(2):
        await api.post("/flow_runs/", {"flow_id": flow, "idempotency_key": "k", "state": {"type": "PENDING"}})

    assert await names(api.store, "flow-run") == ["prefect.flow-run.Pending"]


async def test_a_state_whose_transaction_fails_leaves_no_event(api: Api) -> None:
    run = await api.flow_run({"type": "PENDING"})

    async def fail(transaction: Connection) -> None:
        raise RuntimeError("the power went")

    state = proposed(StateCreate(type=StateType.RUNNING), Asker.server(Settings()).now)
    with pytest.raises(RuntimeError, match="power"):
        await service.set_state(api.store, UUID(run), state, force=False, asker=Asker.server(Settings()), with_it=fail)

    assert await names(api.store, "flow-run") == ["prefect.flow-run.Pending"]
    assert len(await api.states("flow_run", run)) == 1


async def test_deleting_a_run_leaves_no_event(api: Api) -> None:
    run = await api.flow_run({"type": "PENDING"})
    await api.delete(f"/flow_runs/{run}")

    assert len(await told(api.store, "flow-run")) == 1


async def test_a_change_of_the_flow_is_in_the_next_event(api: Api) -> None:
    flow = await api.flow(tags=["old"])
    run = await api.flow_run({"type": "PENDING"}, flow_id=flow)
    await api.patch(f"/flows/{flow}", {"tags": ["new"]})
    await api.propose("flow_runs", run, "RUNNING")

    assert (await last(api)).related[-1]["prefect.resource.id"] == "prefect.tag.new"


async def test_a_change_by_another_server_is_in_the_events_once_what_was_looked_up_has_aged(
    api: Api, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relations, "_SECONDS", 0.0)
    flow = await api.flow(tags=["old"])
    run = await api.flow_run({"type": "PENDING"}, flow_id=flow)
    other = make_store(database_settings)
    await other.open()
    try:
        await api.over(other).patch(f"/flows/{flow}", {"tags": ["new"]})
    finally:
        await other.close()
    await api.propose("flow_runs", run, "RUNNING")

    assert (await last(api)).related[-1]["prefect.resource.id"] == "prefect.tag.new"


async def test_a_new_name_of_the_tracking_task_run_is_in_the_next_event(api: Api) -> None:
    tracking = await api.task_run(await api.flow_run({"type": "RUNNING"}), name="old")
    child = await api.flow_run({"type": "PENDING"}, parent_task_run_id=tracking)
    await api.patch(f"/task_runs/{tracking}", {"name": "new"})
    await api.propose("flow_runs", child, "RUNNING")

    assert ("task-run", "new") in (await last(api)).around


async def test_a_new_name_and_new_tags_of_the_run_are_in_the_next_event(api: Api) -> None:
    run = await api.flow_run({"type": "PENDING"}, name="old")
    await api.patch(f"/flow_runs/{run}", {"name": "new", "tags": ["t"]})
    await api.propose("flow_runs", run, "RUNNING")

    event = await last(api)
    assert event.name == "new"
    assert event.related[-1]["prefect.resource.id"] == "prefect.tag.t"


async def test_runs_that_a_schedule_makes_leave_no_event_and_nothing_waits_for_one(api: Api) -> None:
    deployment = await api.post(
        "/deployments/",
        {"name": "d", "flow_id": await api.flow(), "schedules": [{"schedule": {"interval": 3600}, "active": True}]},
    )
    await api.post(f"/deployments/{deployment.json['id']}/schedule", {"min_runs": 1, "max_runs": 1})
    run = (await api.post("/flow_runs/filter", {})).json[0]["id"]
    assert await told(api.store, "flow-run") == []

    await api.propose("flow_runs", run, "PENDING")
    await api.propose("flow_runs", run, "RUNNING", force=True)
    pending, running = await told(api.store, "flow-run")
    assert (pending.follows, running.follows) == (None, pending.id)


async def test_an_event_long_after_the_one_before_follows_none(api: Api) -> None:
    run = UUID(await api.flow_run({"type": "PENDING"}))
    for minutes in (4.9, 10.0):
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        state = proposed(StateCreate(type=StateType.RUNNING), moment)
        await service.set_state(api.store, run, state, force=True, asker=Asker(moment))

    first, second, third = await told(api.store, "flow-run")
    assert (second.follows, third.follows) == (first.id, None)


async def test_a_message_of_a_megabyte_is_repeated_in_part(api: Api) -> None:
    await api.flow_run({"type": "PENDING", "message": "m" * 1_000_000})

    event = await last(api)
    assert len(event.resource["prefect.state-message"]) == 100_000
    assert len(event.payload["validated_state"]["message"]) == 100_000


async def test_a_name_longer_than_an_event_may_have_is_cut(api: Api) -> None:
    await api.flow_run({"type": "PENDING", "name": "n" * 2_000})

    assert (await told(api.store))[-1].event == "prefect.flow-run." + "n" * (1024 - len("prefect.flow-run."))
