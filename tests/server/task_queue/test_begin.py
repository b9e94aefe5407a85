"""headrace's own workers are given as many runs as they have room for, begin each once, and hold them by a lease."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from headrace.server.states.proposals import Asker
from headrace.server.store.base import Store
from headrace.server.task_queue.leases import TaskLeases
from headrace.server.task_runs import background
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Answered, Api
from tests.server.streams.listening import client
from tests.server.task_queue.background import PATH, QUEUED, delay, entered, peer_worker, serving, take, worker


async def begin(api: Api, delivery: Any, seconds: float = 30.0) -> Answered:
    body = {"delivery_id": delivery["delivery_id"], "seconds": seconds}
    return await api.post(f"/x/task_runs/{delivery['task_run']['id']}/begin", body)


async def deliver(api: Api, store: Store, settings: Settings, **run: Any) -> Any:
    """A run in the hands of a worker that has not begun it, and stays connected no longer."""
    await delay(api, **run)
    async with serving(store, settings) as url, worker(url, "grind", room=1) as mill:
        return await mill.receive()


async def begun(api: Api, store: Store, settings: Settings, **run: Any) -> tuple[str, str]:
    """A run that a worker has begun: its id and the delivery's."""
    await delay(api, **run)
    async with serving(store, settings) as url, worker(url, "grind", room=1) as mill:
        delivery = await mill.receive()
        assert (await begin(api, delivery)).json["status"] == "ACCEPT"
    return delivery["task_run"]["id"], delivery["delivery_id"]


async def lose(store: Store, after: float = 60.0) -> int:
    """Look for lost workers after so many seconds; how many leases have ended."""
    return await background.end_leases(store, Asker(now() + timedelta(seconds=after)), 50)


async def names(api: Api, id: str) -> list[str]:
    return [state["name"] for state in await api.states("task_run", id)]


async def test_a_worker_is_given_as_many_runs_as_it_has_room_for(
    api: Api, store: Store, database_settings: Settings
) -> None:
    ids = [await delay(api) for _ in range(4)]
    async with serving(store, database_settings) as url, worker(url, "grind", room=2) as mill:
        given = [frame["task_run"]["id"] for frame in await mill.take(2)]
        async with worker(url, "grind", room=1, name="mill-2") as other:
            given.append((await other.receive())["task_run"]["id"])
        await mill.send({"type": "ready"})
        given.append((await mill.receive())["task_run"]["id"])
    assert given[:2] == ids[:2]
    assert set(given) <= set(ids)


async def test_a_run_begins_once_and_whoever_asks_again_hears_the_same(
    api: Api, store: Store, database_settings: Settings
) -> None:
    parameters = str(uuid4())
    await delay(api, state_details={"task_parameters_id": parameters})
    async with serving(store, database_settings) as url, worker(url, "grind", room=1) as mill:
        delivery = await mill.receive()
        first, again = await begin(api, delivery), await begin(api, delivery)
    assert first.json["status"] == again.json["status"] == "ACCEPT"
    assert first.json["state"] == again.json["state"]
    state = first.json["state"]
    assert (state["type"], state["state_details"]["deferred"]) == ("PENDING", True)
    assert state["state_details"]["task_parameters_id"] == parameters
    assert await store.fetch(QUEUED) == []
    told = (await api.post("/events/filter", {"filter": {"event": {"prefix": ["prefect.task-run."]}}})).json["events"]
    assert [(one["event"], one["id"]) for one in told] == [("prefect.task-run.Pending", state["id"])]


async def test_of_two_workers_that_were_given_a_run_one_begins_it(
    api: Api, store: Store, database_settings: Settings
) -> None:
    await delay(api)
    async with (
        serving(store, database_settings, begin_timeout=1.0) as url,
        worker(url, "grind", room=1) as slow,
        worker(url, "grind", room=1, name="mill-2") as quick,
    ):
        both = await asyncio.gather(slow.receive(), quick.receive())
        answers = [(await begin(api, delivery)).json for delivery in both]
    assert sorted(answer["status"] for answer in answers) == ["ABORT", "ACCEPT"]
    refused = next(answer for answer in answers if answer["status"] == "ABORT")
    assert "given to another worker" in refused["details"]["reason"]


async def test_what_a_lost_worker_has_not_begun_is_anothers_at_once(
    api: Api, store: Store, database_settings: Settings
) -> None:
    ids = {await delay(api) for _ in range(3)}
    async with serving(store, database_settings) as url:
        async with worker(url, "grind", room=3) as lost:
            deliveries = await lost.take(3)
            assert (await begin(api, deliveries[0])).json["status"] == "ACCEPT"
        async with peer_worker(url, "grind") as mill:
            given = {await take(mill), await take(mill)}
        assert given == ids - {deliveries[0]["task_run"]["id"]}
        assert (await begin(api, deliveries[1])).json["status"] == "ABORT"


async def test_a_deleted_run_cannot_begin(api: Api, store: Store, database_settings: Settings) -> None:
    delivery = await deliver(api, store, database_settings)
    await api.delete(f"/task_runs/{delivery['task_run']['id']}")
    assert (await begin(api, delivery)).status == 404


async def test_a_run_that_was_cancelled_meanwhile_does_not_begin(
    api: Api, store: Store, database_settings: Settings
) -> None:
    await delay(api)
    async with serving(store, database_settings) as url, worker(url, "grind", room=1) as mill:
        delivery = await mill.receive()
        await api.propose("task_runs", delivery["task_run"]["id"], "CANCELLED", force=True)
        assert (await begin(api, delivery)).json["status"] == "ABORT"
    assert await names(api, delivery["task_run"]["id"]) == ["Scheduled", "Cancelled"]


async def test_a_lease_lasts_as_long_as_it_is_renewed(api: Api, store: Store, database_settings: Settings) -> None:
    id, delivery_id = await begun(api, store, database_settings)
    other = str(uuid4())
    renewal = {"leases": {id: delivery_id, other: str(uuid4())}, "seconds": 3000}
    assert (await api.post("/x/task_runs/leases", renewal)).json == {"ended": [other]}
    assert await lose(store) == 0
    assert await lose(store, 4000) == 1
    assert (await api.post("/x/task_runs/leases", renewal)).json == {"ended": [id, other]}


async def test_a_run_whose_worker_is_lost_before_its_function_is_called_goes_to_another(
    api: Api, store: Store, database_settings: Settings
) -> None:
    id, _ = await begun(api, store, database_settings)
    assert await lose(store) == 1
    assert await names(api, id) == ["Scheduled", "Pending", "AwaitingRetry"]
    assert [str(row[0]) for row in await store.fetch(QUEUED)] == [id]


async def test_a_run_that_is_lost_while_it_is_executed_crashes_and_the_world_hears_of_it(
    api: Api, store: Store, database_settings: Settings
) -> None:
    id, _ = await begun(api, store, database_settings)
    await api.post("/events", [entered(id, "RUNNING", run_count=1)])
    assert await lose(store) == 1
    assert await names(api, id) == ["Scheduled", "Pending", "Running", "Crashed"]
    wanted = {"event": {"name": ["prefect.task-run.Crashed"]}, "occurred": {"until": "2100-01-01T00:00:00Z"}}
    told = (await api.post("/events/filter", {"filter": wanted})).json
    assert [one["resource"]["prefect.resource.id"] for one in told["events"]] == [f"prefect.task-run.{id}"]
    assert await store.fetch(QUEUED) == []


async def test_a_run_that_is_lost_while_it_is_executed_is_tried_again_if_it_has_retries(
    api: Api, store: Store, database_settings: Settings
) -> None:
    parameters = str(uuid4())
    id, _ = await begun(
        api, store, database_settings, policy={"retries": 1}, state_details={"task_parameters_id": parameters}
    )
    running = entered(id, "RUNNING", details={"task_parameters_id": parameters}, run_count=1)
    await api.post("/events", [running])
    assert await lose(store) == 1
    states = await api.states("task_run", id)
    assert [state["name"] for state in states][-1] == "AwaitingRetry"
    assert states[-1]["state_details"]["deferred"] is True
    assert states[-1]["state_details"]["task_parameters_id"] == parameters
    assert [str(row[0]) for row in await store.fetch(QUEUED)] == [id]


async def test_a_run_that_is_over_is_never_crashed(api: Api, store: Store, database_settings: Settings) -> None:
    by_event, by_call = [(await begun(api, store, database_settings))[0] for _ in range(2)]
    await api.post("/events", [entered(by_event, "COMPLETED")])
    await api.propose("task_runs", by_call, "FAILED", state_details={"deferred": True})
    assert await lose(store) == 0
    assert [(await names(api, id))[-1] for id in (by_event, by_call)] == ["Completed", "Failed"]


async def test_a_run_of_a_worker_that_gives_no_signs_is_never_crashed(
    api: Api, store: Store, database_settings: Settings
) -> None:
    id = await delay(api)
    async with serving(store, database_settings) as url, peer_worker(url, "grind") as mill:
        await take(mill)
    await api.post("/events", [entered(id, "RUNNING", run_count=1)])
    assert await lose(store, 1e7) == 0
    assert (await names(api, id))[-1] == "Running"


async def test_several_servers_end_a_lease_once(api: Api, store: Store, database_settings: Settings) -> None:
    id, _ = await begun(api, store, database_settings)
    await api.post("/events", [entered(id, "RUNNING", run_count=1)])
    await asyncio.gather(*(lose(store) for _ in range(4)))
    assert await names(api, id) == ["Scheduled", "Pending", "Running", "Crashed"]


async def test_a_server_that_has_just_started_waits_for_signs_of_life(
    api: Api, store: Store, database_settings: Settings
) -> None:
    await delay(api)
    async with serving(store, database_settings) as url, worker(url, "grind", room=1) as mill:
        assert (await begin(api, await mill.receive(), 0.01)).json["status"] == "ACCEPT"
    assert await TaskLeases(store, database_settings).tick() is False
    assert await store.fetch(QUEUED) == []
    leases = msgspec.structs.replace(database_settings.server.services.task_leases, grace_seconds=0.0)
    services = msgspec.structs.replace(database_settings.server.services, task_leases=leases)
    server = msgspec.structs.replace(database_settings.server, services=services)
    assert await TaskLeases(store, msgspec.structs.replace(database_settings, server=server)).tick() is False
    assert len(await store.fetch(QUEUED)) == 1


async def test_what_is_queued_is_told_by_task(api: Api, store: Store, database_settings: Settings) -> None:
    await delay(api, "sift")
    for due in (None, "2100-01-01T00:00:00Z", None):
        await delay(api, state_details={"scheduled_time": due})
    async with serving(store, database_settings) as url, worker(url, "grind", room=1) as mill:
        await mill.receive()
        told = (await api.get("/x/task_queue")).json
    counts = ("task_key", "waiting", "later", "delivered", "deliveries")
    assert [[line[count] for count in counts] for line in told] == [["grind", 1, 1, 1, 1], ["sift", 1, 0, 0, 0]]
    assert all(line["oldest"] for line in told)


@pytest.mark.parametrize("frame", [{"type": "ready"}, "no json", {"type": "subscribe", "task_keys": [], "worker": "a"}])
async def test_a_wrong_first_frame_ends_the_conversation(
    api: Api, store: Store, database_settings: Settings, frame: Any
) -> None:
    async with serving(store, database_settings) as url, client(url + PATH) as stranger:
        await stranger.send(frame)
        code, reason = await stranger.closed()
    assert code == 1002
    assert reason.startswith("Expected a 'subscribe' frame")
