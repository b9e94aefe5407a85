"""Prefect's task workers are given background tasks, each to one of them, over the contract's WebSocket (§2)."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from headrace.server.store import make_store
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.streams.listening import client
from tests.server.task_queue.background import (
    PEER_PATH,
    QUEUED,
    delay,
    entered,
    peer_worker,
    serving,
    take,
    until_later,
)


async def test_a_worker_is_given_the_runs_of_its_tasks_in_the_order_in_which_they_came(
    api: Api, store: Store, database_settings: Settings
) -> None:
    ids = [await delay(api) for _ in range(3)]
    await delay(api, "other")
    async with serving(store, database_settings) as url, peer_worker(url, "grind") as mill:
        run = await mill.receive()
        assert run["id"] == ids[0]
        assert run["state"]["state_details"]["deferred"] is True
        assert run["state"]["state_details"]["task_parameters_id"] is not None
        await mill.send({"type": "ack"})
        assert [await take(mill), await take(mill)] == ids[1:]
        ids.append(await delay(api))
        assert await take(mill) == ids[-1]


async def test_tasks_are_served_in_turn(api: Api, store: Store, database_settings: Settings) -> None:
    for key in ("a", "a", "b", "b", "c"):
        await delay(api, key)
    async with serving(store, database_settings) as url, peer_worker(url, "c", "a", "b") as mill:
        keys = []
        for _ in range(5):
            keys.append((await mill.receive())["task_key"])
            await mill.send({"type": "ack"})
    assert keys == ["c", "a", "b", "a", "b"]


async def test_a_retry_comes_before_new_work(api: Api, store: Store, database_settings: Settings) -> None:
    failed = await delay(api, state_details={"deferred": True})
    await api.propose("task_runs", failed, "PENDING", state_details={"deferred": True})
    await delay(api)
    retry = {"name": "AwaitingRetry", "state_details": {"deferred": True}}
    assert (await api.propose("task_runs", failed, "SCHEDULED", **retry)).json["status"] == "ACCEPT"
    async with serving(store, database_settings) as url, peer_worker(url, "grind") as mill:
        assert await take(mill) == failed


async def test_each_run_goes_to_one_worker_of_several_servers(
    api: Api, store: Store, database_settings: Settings
) -> None:
    ids = {await delay(api) for _ in range(30)}
    given: list[str] = []

    async def work(url: str) -> None:
        async with peer_worker(url, "grind") as mill:
            while len(given) < len(ids):
                try:
                    async with asyncio.timeout(0.5):
                        frame = msgspec.json.decode(await mill.connection.recv())
                except TimeoutError:
                    continue
                given.append(frame["id"])
                await mill.send({"type": "ack"})

    async with serving(store, database_settings) as one, serving(store, database_settings) as two:
        await asyncio.gather(work(one), work(two), work(two))
    assert sorted(given) == sorted(ids)


async def test_what_another_server_queues_is_found(api: Api, store: Store, database_settings: Settings) -> None:
    other = make_store(database_settings)
    await other.open()
    try:
        async with serving(store, database_settings) as url, peer_worker(url, "grind") as mill:
            for _ in range(3):
                id = await delay(api.over(other))
                assert await take(mill) == id
    finally:
        await other.close()


async def test_a_run_is_not_delivered_before_its_time(api: Api, store: Store, database_settings: Settings) -> None:
    due = now() + timedelta(seconds=0.6)
    later = await delay(api, state_details={"scheduled_time": due.isoformat()})
    soon = await delay(api)
    async with serving(store, database_settings) as url, peer_worker(url, "grind") as mill:
        assert [await take(mill), await take(mill)] == [soon, later]
        assert now() >= due


async def test_what_is_not_scheduled_any_more_is_not_delivered(
    api: Api, store: Store, database_settings: Settings
) -> None:
    deleted, cancelled, begun, waiting = [await delay(api) for _ in range(4)]
    await api.delete(f"/task_runs/{deleted}")
    await api.propose("task_runs", cancelled, "CANCELLED", force=True)
    await api.post("/events", [entered(begun, "RUNNING")])
    assert [str(row[0]) for row in await store.fetch(QUEUED)] == [waiting]
    async with serving(store, database_settings) as url, peer_worker(url, "grind") as mill:
        assert await take(mill) == waiting


async def test_a_run_that_was_not_acknowledged_is_anothers_as_soon_as_its_worker_is_gone(
    api: Api, store: Store, database_settings: Settings
) -> None:
    id = await delay(api)
    async with serving(store, database_settings) as url:
        async with peer_worker(url, "grind") as lost:
            assert (await lost.receive())["id"] == id
        async with peer_worker(url, "grind") as mill:
            assert await take(mill) == id
    assert [row[1] for row in await store.fetch(QUEUED)] == [2]


async def test_a_run_that_was_acknowledged_and_never_began_is_delivered_again_when_its_worker_is_gone(
    api: Api, store: Store, database_settings: Settings
) -> None:
    id = await delay(api)
    async with serving(store, database_settings, begin_timeout=1.0) as url:
        async with peer_worker(url, "grind") as lost:
            assert await take(lost) == id
        async with peer_worker(url, "grind") as mill:
            assert await take(mill) == id


async def test_a_connected_worker_keeps_the_last_run_that_it_acknowledged(
    api: Api, store: Store, database_settings: Settings
) -> None:
    """It may be full, and begin the run when it has room."""
    id = await delay(api)
    async with serving(store, database_settings, begin_timeout=1.0) as url, peer_worker(url, "grind") as full:
        assert await take(full) == id
        async with peer_worker(url, "grind", name="mill-2"), asyncio.timeout(20):
            for _ in range(4):  # by then it would have been delivered again
                await until_later(store)
    assert [row[1] for row in await store.fetch(QUEUED)] == [1]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"type": "hello"}, "'subscribe' message"),
        ("no json", "'subscribe' message"),
        ({"type": "subscribe", "client_id": "a"}, "'keys'"),
        ({"type": "subscribe", "keys": [], "client_id": "a"}, "'keys'"),
        ({"type": "subscribe", "keys": ["a"]}, "'client_id'"),
    ],
)
async def test_a_wrong_first_frame_ends_the_conversation(
    api: Api, store: Store, database_settings: Settings, frame: Any, expected: str
) -> None:
    async with serving(store, database_settings) as url, client(url + PEER_PATH) as stranger:
        await stranger.send(frame)
        code, reason = await stranger.closed()
    assert code == 4001
    assert reason.startswith("Protocol violation: expected ")
    assert expected in reason


async def test_a_worker_may_say_goodbye_and_nothing_else_but_ack(
    api: Api, store: Store, database_settings: Settings
) -> None:
    async with serving(store, database_settings) as url:
        async with peer_worker(url, "grind") as polite:
            await polite.send({"type": "quit"})
            assert (await polite.closed())[0] == 1000
        id = await delay(api)
        async with peer_worker(url, "grind") as odd:
            await odd.receive()
            await odd.send({"type": "nack"})
            assert (await odd.closed())[0] == 4001
        async with peer_worker(url, "grind") as mill:
            assert await take(mill) == id


async def test_connected_workers_are_listed_by_any_server(api: Api, store: Store, database_settings: Settings) -> None:
    async def listed(*keys: str) -> list[tuple[str, list[str]]]:
        body = {"task_worker_filter": {"task_keys": list(keys)} if keys else None}
        found = (await api.post("/task_workers/filter", body)).json
        return [(one["identifier"], one["task_keys"]) for one in found]

    async with (
        serving(store, database_settings) as url,
        peer_worker(url, "a", "b", name="one-1") as one,
        peer_worker(url, "b", name="two-2") as two,
    ):
        for each, key in ((one, "a"), (two, "b")):  # a worker that was given a run is known
            await delay(api, key)
            await take(each)
        assert await listed() == [("one-1", ["a", "b"]), ("two-2", ["b"])]
        assert await listed("a") == [("one-1", ["a", "b"])]
        assert await listed("c") == []
    assert await listed() == []
