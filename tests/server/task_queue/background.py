"""Background task runs for tests, and workers of both kinds that wait for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.settings.model import ServerTasksSettings
from headrace.wire.ids import uuid7
from tests.server.api import Api
from tests.server.streams.listening import Client, client, event, listening

PEER_PATH, PATH = "/task_runs/subscriptions/scheduled", "/x/task_runs/deliveries"
QUEUED = Statement("SELECT task_run_id, deliveries FROM task_queue")
_DUE = Statement("SELECT available_at FROM task_queue")


@asynccontextmanager
async def serving(store: Store, settings: Settings, begin_timeout: float = 30.0) -> AsyncIterator[str]:
    """The URL of a server that delivers a task again if it does not begin in time."""
    server = msgspec.structs.replace(settings.server, tasks=ServerTasksSettings(begin_timeout=begin_timeout))
    async with listening(store, msgspec.structs.replace(settings, server=server)) as url:
        yield url


@asynccontextmanager
async def peer_worker(url: str, *keys: str, name: str = "mill-1") -> AsyncIterator[Client]:
    """A worker that speaks as Prefect's do."""
    async with client(url + PEER_PATH) as it:
        await it.send({"type": "subscribe", "keys": list(keys), "client_id": name})
        yield it


@asynccontextmanager
async def worker(url: str, *keys: str, room: int = 0, name: str = "mill-1") -> AsyncIterator[Client]:
    """A worker that speaks as headrace's do."""
    async with client(url + PATH) as it:
        await it.send({"type": "subscribe", "task_keys": list(keys), "worker": name})
        assert await it.receive() == {"type": "subscribed"}
        if room:
            await it.send({"type": "ready", "room": room})
        yield it


async def delay(api: Api, key: str = "grind", policy: Any = None, **state: Any) -> str:
    """A background task run's id."""
    details = {"deferred": True, "task_parameters_id": str(uuid7())}
    details |= state.pop("state_details", {})
    made = {"type": "SCHEDULED", "state_details": details, **state}
    return await api.task_run(None, task_key=key, state=made, empirical_policy=policy or {})


async def take(it: Client) -> str:
    """The id of the next run that a worker such as Prefect's is given and acknowledges."""
    run = await it.receive()
    await it.send({"type": "ack"})
    return run["id"]


async def until_later(store: Store) -> None:
    """Wait until whoever has the run that is queued is given more time."""
    due = (await store.fetch(_DUE))[0][0]
    while (await store.fetch(_DUE))[0][0] == due:  # noqa: ASYNC110 (nobody tells of it)
        await asyncio.sleep(0.02)


def entered(id: str, type: str, key: str = "grind", details: Any = None, **run: Any) -> Any:
    """The event by which a worker reports a state."""
    state = {"type": type, "state_details": {"deferred": True} | (details or {})}
    return event(
        f"prefect.task-run.{type.capitalize()}",
        {"prefect.resource.id": f"prefect.task-run.{id}", "prefect.orchestration": "client"},
        payload={"validated_state": state, "task_run": {"name": "g", "task_key": key, "dynamic_key": "x", **run}},
    )
