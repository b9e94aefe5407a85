"""The real application on a free port, and clients that follow its streams."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headrace.server.app import Server, create_app
from headrace.server.events.envelope import IncomingEvent
from headrace.server.events.log import append
from headrace.server.http.routes import ROUTERS
from headrace.server.process import uvicorn_config
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.times import now

PATIENCE = 20.0
"""Seconds after which what is waited for will not come."""

Json = Any


@asynccontextmanager
async def listening(store: Store, settings: Settings) -> AsyncIterator[str]:
    """Serve that store; gives the WebSocket URL of its API."""
    app = create_app(settings, Server(settings, store, ROUTERS))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn_config(app, settings))
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}{settings.server.api.base_path}"
    finally:
        server.should_exit = True
        await serving


class Client:
    """One WebSocket behind its handshake, speaking JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, frame: Json) -> None:
        await self.connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def receive(self) -> Json:
        """The next frame."""
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self.connection.recv())

    async def take(self, count: int) -> list[Json]:
        """The next frames."""
        return [await self.receive() for _ in range(count)]

    async def names(self, count: int) -> list[str]:
        """The names of the next events of `/events/out`."""
        frames = await self.take(count)
        assert all(frame["type"] == "event" for frame in frames), frames
        return [frame["event"]["event"] for frame in frames]

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the server ends the conversation."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.connection.recv()
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def client(url: str, token: str | None = None) -> AsyncIterator[Client]:
    """Connect to a stream and pass its handshake. With frames unread, the library would be slow to close."""
    async with connect(
        url, subprotocols=[Subprotocol("prefect")], ping_interval=None, max_size=None, max_queue=None
    ) as connection:
        await connection.send(json.dumps({"type": "auth", "token": token}))
        async with asyncio.timeout(PATIENCE):
            assert json.loads(await connection.recv()) == {"type": "auth_success"}
        yield Client(connection)


@asynccontextmanager
async def following(url: str, filter: Json, **extra: Json) -> AsyncIterator[Client]:
    """A client of `/events/out` or `/logs/out` that asks for what a filter says."""
    async with client(url) as follower:
        await follower.send({"type": "filter", "filter": filter, **extra})
        yield follower


def event(
    name: str, resource: str | dict[str, str] = "mill.1", occurred: datetime | None = None, **fields: Json
) -> Json:
    """An event as a client sends it."""
    return {
        "id": str(uuid4()),
        "occurred": (occurred or now()).isoformat(),
        "event": name,
        "resource": {"prefect.resource.id": resource} if isinstance(resource, str) else resource,
        **fields,
    }


def log_line(message: str, **fields: Json) -> Json:
    """A log line as a client sends it."""
    return {"name": "mill", "level": 20, "message": message, "timestamp": now().isoformat(), **fields}


async def write(store: Store, *events: Json) -> None:
    """Commit events in one transaction."""
    decoded = msgspec.json.decode(msgspec.json.encode(events), type=list[IncomingEvent])
    async with store.transaction() as transaction:
        await append(transaction, decoded, now())


async def until_live(store: Store, follower: Client) -> None:
    """Wait until a client that asked for no backfill has its place in the log."""
    tick = asyncio.create_task(follower.receive())
    while not tick.done():
        await write(store, event("tick"))
        await asyncio.wait([tick], timeout=0.02)
    await write(store, event("last-tick"))
    while (await follower.receive())["event"]["event"] != "last-tick":
        pass
