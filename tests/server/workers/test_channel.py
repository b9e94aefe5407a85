"""The channel of workers: heartbeats in, the pool's changes out, and each refusal with its code (contract §2)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from headrace.server.store.base import Store
from headrace.server.work_pools import service as work_pools
from headrace.server.workers import channel
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable
from tests.server.api import Api
from tests.server.streams.listening import Client, Json, client, listening

VERSION = "work_pool_worker_channel.v1"
CAPABILITIES = ["worker_heartbeat.v1", "work_pool_snapshot.v1"]
TEMPLATE = {"job_configuration": {"command": "{{ command }}"}, "variables": {"properties": {"command": {}}}}
CONSUMER = str(uuid4())


@pytest.fixture
async def base(store: Store, database_settings: Settings) -> AsyncIterator[str]:
    async with listening(store, database_settings) as url:
        yield url


@pytest.fixture
async def url(base: str, api: Api) -> str:
    """The channel of a pool that exists."""
    await api.post("/work_pools/", {"name": "mill", "type": "process"})
    return f"{base}/work_pools/mill/workers/connect"


def frame(type: str, payload: Json, **more: Json) -> Json:
    return {"type": type, "id": str(uuid4()), "sent_at": "2026-01-02T03:04:05Z", "payload": payload, **more}


def hello(**fields: Json) -> Json:
    payload = {
        "consumer_id": CONSUMER,
        "worker_name": "miller",
        "worker_type": "process",
        "heartbeat_interval_seconds": 7,
        "supported_channel_versions": [VERSION],
        "requested_capabilities": CAPABILITIES,
    }
    return frame("worker.hello.v1", payload | fields)


def beat(**fields: Json) -> Json:
    payload = {"consumer_id": CONSUMER, "worker_name": "miller", "heartbeat_interval_seconds": 9}
    return frame("worker.heartbeat.v1", payload | fields)


async def ready(worker: Client, **fields: Json) -> Json:
    """Say hello; the payload of the answer."""
    await worker.send(hello(**fields))
    answer = await worker.receive()
    assert set(answer) == {"type", "id", "sent_at", "payload"}
    assert answer["type"] == "worker.ready.v1"
    return answer["payload"]


async def workers(api: Api) -> list[tuple[str, int, str]]:
    found = (await api.post("/work_pools/mill/workers/filter")).json
    return [(each["name"], each["heartbeat_interval_seconds"], each["status"]) for each in found]


async def test_a_worker_is_told_what_was_agreed_and_is_online(url: str, api: Api) -> None:
    queue = (await api.post("/work_pools/mill/queues", {"name": "urgent"})).json
    asked = [*CAPABILITIES, "cleanup_delivery.v1", "tomorrow.v1"]
    async with client(url) as worker:
        answer = await ready(
            worker,
            requested_capabilities=asked,
            work_queue_names=["urgent"],
            handled_cleanup_kinds=["pending_claim_teardown.v1"],
            max_cleanup_concurrency=3,
            worker_metadata={"integrations": []},
        )
        assert await workers(api) == [("miller", 7, "ONLINE")]
    snapshot = answer.pop("initial_snapshot")
    assert answer == {
        "consumer_id": CONSUMER,
        "worker_id": None,
        "selected_channel_version": VERSION,
        "effective_heartbeat_interval_seconds": 7,
        "accepted_capabilities": sorted(CAPABILITIES),
        "rejected_capabilities": ["cleanup_delivery.v1", "tomorrow.v1"],
        "effective_max_cleanup_concurrency": 0,
        "resolved_work_queues": [{"id": queue["id"], "name": "urgent"}],
    }
    assert (snapshot["snapshot_sequence"], snapshot["reason"]) == (1, "initial")
    assert (snapshot["work_pool"]["name"], snapshot["work_pool"]["status"]) == ("mill", "READY")


async def test_heartbeats_are_recorded(url: str, api: Api) -> None:
    async with client(url) as worker:
        await ready(worker)
        await worker.send(beat())
        async with asyncio.timeout(20):
            await (await worker.connection.ping())
        # The pong says that what came before the ping was dealt with.
        assert await workers(api) == [("miller", 9, "ONLINE")]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_paused": True}, lambda pool: pool["is_paused"]),
        ({"concurrency_limit": 4}, lambda pool: pool["concurrency_limit"] == 4),
        ({"base_job_template": TEMPLATE}, lambda pool: pool["base_job_template"] == TEMPLATE),
    ],
)
async def test_a_change_of_the_pool_is_told_at_once(
    url: str, api: Api, monkeypatch: pytest.MonkeyPatch, change: Json, told: Callable[[Json], bool]
) -> None:
    monkeypatch.setattr(channel, "LOOK_SECONDS", 3600.0)
    async with client(url) as worker:
        await ready(worker)
        await api.patch("/work_pools/mill", change)
        answer = await worker.receive()
    assert answer["type"] == "work_pool.snapshot.v1"
    assert (answer["payload"]["snapshot_sequence"], answer["payload"]["reason"]) == (2, "updated")
    assert told(answer["payload"]["work_pool"])


async def test_what_follows_at_once_is_told_as_one(url: str, api: Api) -> None:
    async with client(url) as worker:
        await ready(worker)
        await api.patch("/work_pools/mill", {"description": "a worker need not know"})
        await asyncio.gather(*(api.patch("/work_pools/mill", {"concurrency_limit": n}) for n in range(1, 4)))
        await api.patch("/work_pools/mill", {"concurrency_limit": 9})
        limits: list[int] = []
        while limits[-1:] != [9]:
            limits.append((await worker.receive())["payload"]["work_pool"]["concurrency_limit"])
    assert len(limits) < 4


async def test_what_another_server_changes_is_noticed(
    url: str, store: Store, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(type(store), "announce", lambda *_: None)
    async with client(url) as worker:
        await ready(worker)
        await api.patch("/work_pools/mill", {"is_paused": True})
        assert (await worker.receive())["payload"]["work_pool"]["is_paused"]


async def test_a_pool_is_made_on_demand(base: str, api: Api) -> None:
    async with client(f"{base}/work_pools/new pool/workers/connect".replace(" ", "%20")) as worker:
        answer = await ready(worker, create_pool_if_not_found=True, default_base_job_template=TEMPLATE)
    made = (await api.get("/work_pools/new pool")).json
    assert (made["type"], made["base_job_template"]) == ("process", TEMPLATE)
    assert answer["initial_snapshot"]["work_pool"]["id"] == made["id"]


async def test_a_pool_without_a_template_is_given_the_workers(url: str, api: Api) -> None:
    async with client(url) as worker:
        answer = await ready(worker, default_base_job_template=TEMPLATE)
    assert answer["initial_snapshot"]["work_pool"]["base_job_template"] == TEMPLATE
    assert (await api.get("/work_pools/mill")).json["base_job_template"] == TEMPLATE


AUTHENTICATION, AUTHORIZATION = (1008, "authentication_failed"), (1008, "authorization_failed")
PROTOCOL, OLD = (1002, "protocol_error"), (1008, "unsupported_version")
REFUSED: list[tuple[str, Any, tuple[int, str]]] = [
    ("mill", "no JSON", PROTOCOL),
    ("mill", b"\xff", PROTOCOL),
    ("mill", beat(), PROTOCOL),
    ("mill", hello(colour="red"), PROTOCOL),
    ("mill", hello() | {"colour": "red"}, PROTOCOL),
    ("mill", hello(heartbeat_interval_seconds=0), PROTOCOL),
    ("mill", hello(requested_capabilities=CAPABILITIES[:1]), PROTOCOL),
    ("mill", hello(default_base_job_template={"job_configuration": {}}), PROTOCOL),
    ("mill", hello(supported_channel_versions=["work_pool_worker_channel.v2"]), OLD),
    ("mill", hello(work_queue_names=["none"]), AUTHORIZATION),
    ("none", hello(), AUTHORIZATION),
    ("prefect-mill", hello(create_pool_if_not_found=True), AUTHORIZATION),
]


@pytest.mark.parametrize(("pool", "first", "end"), REFUSED)
async def test_a_hello_that_cannot_be_is_refused(url: str, pool: str, first: Json, end: tuple[int, str]) -> None:
    async with client(url.replace("/mill/", f"/{pool}/")) as worker:
        await worker.send(first)
        assert await worker.closed() == end


@pytest.mark.parametrize(
    "wrong",
    [
        beat(worker_name="another"),
        beat(consumer_id=str(uuid4())),
        beat(colour="red"),
        hello(),
        frame("cleanup.ack.v1", {"message_id": str(uuid4()), "reservation_token": "x"}),
    ],
)
async def test_a_frame_that_was_not_agreed_on_ends_the_channel(url: str, wrong: Json) -> None:
    async with client(url) as worker:
        await ready(worker)
        await worker.send(wrong)
        assert await worker.closed() == PROTOCOL


async def test_a_worker_that_says_nothing_is_let_go(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "HELLO_SECONDS", 0.05)
    async with client(url) as worker:
        assert await worker.closed() == PROTOCOL


async def test_the_channel_of_a_pool_that_is_deleted_ends(url: str, api: Api) -> None:
    async with client(url) as worker:
        await ready(worker)
        await api.delete("/work_pools/mill")
        assert await worker.closed() == AUTHORIZATION


async def test_a_heartbeat_that_is_not_kept_ends_the_channel_for_a_while(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise ServiceUnavailable("The database is busy.")

    async with client(url) as worker:
        await ready(worker)
        monkeypatch.setattr(work_pools, "hear", busy)
        await worker.send(beat())
        assert await worker.closed() == (1011, "heartbeat_persistence_failed")


async def test_a_database_that_is_away_ends_the_channel_for_a_while(
    url: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise ServiceUnavailable("The database is busy.")

    async with client(url) as worker:
        await ready(worker)
        monkeypatch.setattr(work_pools, "read", busy)
        await api.patch("/work_pools/mill", {"is_paused": True})
        assert await worker.closed() == (1011, "transient_server_error")


async def test_who_does_not_offer_the_protocol_is_refused(url: str) -> None:
    async with connect(url) as connection:
        assert await Client(connection).closed() == PROTOCOL


@pytest.mark.parametrize("token", [None, "wrong:token"])
async def test_credentials_are_asked_for(store: Store, database_settings: Settings, token: str | None) -> None:
    guarded = replace(database_settings.server.api, auth_string="mill:secret")
    settings = replace(database_settings, server=replace(database_settings.server, api=guarded))
    async with listening(store, settings) as base:
        url = f"{base}/work_pools/mill/workers/connect"
        async with connect(url, subprotocols=[Subprotocol("prefect")]) as connection:
            worker = Client(connection)
            await worker.send({"type": "auth", "token": token})
            assert await worker.closed() == AUTHENTICATION
        async with client(url, "mill:secret") as worker:
            await ready(worker, create_pool_if_not_found=True)
