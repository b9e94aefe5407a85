"""Events through real faults: every acknowledged event is there once, whatever happens to server and database."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage
from websockets.typing import Subprotocol

from headrace.server.context import Context
from headrace.server.events.envelope import IncomingEvent
from headrace.server.events.ingest import accept, ingest
from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.wire.errors import StorageFull
from tests.conftest import settings_for
from tests.processes import ServerProcess, serving
from tests.server.events.frames import Sender
from tests.server.events.logged import make_event, numbers, orphans

CHECKPOINT = 250
PATIENCE = 60.0
Json = Any


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """What servers are given: a file of their home, or a database of its own."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def told(number: int, **fields: Json) -> dict[str, Json]:
    return {
        "id": str(UUID(int=number)),
        "occurred": "2026-01-01T00:00:00Z",
        "event": "told",
        "resource": {"prefect.resource.id": f"r.{number}"},
    } | fields


def ask(server: ServerProcess, path: str, body: Json = None, timeout: float = PATIENCE) -> Json:
    """One request and its answer."""
    content = None if body is None else json.dumps(body).encode()
    request = Request(server.api_url + path, content, {"Content-Type": "application/json"})
    with urlopen(request, timeout=timeout) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Client:
    """Sends its events as Prefect's client does: a ping now and then, and again all that no pong has answered."""

    def __init__(self, events: Sequence[int]) -> None:
        self.events, self.acknowledged = events, 0
        self.server: ServerProcess | None = None

    async def run(self) -> None:
        while self.acknowledged < len(self.events):
            with suppress(OSError, ConnectionClosed, InvalidMessage, EOFError):
                await self._send()
            await asyncio.sleep(0.02)

    async def _send(self) -> None:
        if self.server is None:
            return
        url = self.server.api_url.replace("http", "ws", 1) + "/events/in"
        async with connect(url, subprotocols=[Subprotocol("prefect")], close_timeout=1) as socket:
            await socket.send('{"type":"auth","token":null}')
            await socket.recv()
            while self.acknowledged < len(self.events):
                share = self.events[self.acknowledged : self.acknowledged + CHECKPOINT]
                for number in share:
                    await socket.send(json.dumps(told(number)))
                await (await socket.ping())
                self.acknowledged += len(share)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def test_a_server_that_is_killed_while_events_come_loses_none_and_keeps_none_twice(
    tmp_path: Path, database_url: str | None
) -> None:
    clients = [Client(range(1 + part, 6_001, 2)) for part in range(2)]
    sending = asyncio.gather(*(client.run() for client in clients))
    for kills in (1, 2):
        with serving(tmp_path, database_url) as server:
            for client in clients:
                client.server = server
            await until(lambda due=2_000 * kills: sum(client.acknowledged for client in clients) >= due)
            os.kill(server.process.pid, signal.SIGKILL)
    with serving(tmp_path, database_url) as server:
        for client in clients:
            client.server = server
        async with asyncio.timeout(PATIENCE):
            await sending
        log = (await asyncio.to_thread(ask, server, "/x/queues"))["log"]
        assert log["events"] == 6_000
    store = make_store(settings_for(tmp_path, database_url))
    await store.open()
    assert sorted(await numbers(store)) == list(range(1, 6_001))
    assert await orphans(store) == 0
    rows = await store.fetch(Statement("SELECT count(*) FROM event_resources"))
    assert rows[0][0] == 6_000
    await store.close()


@asynccontextmanager
async def between(database_url: str) -> AsyncIterator["Line"]:
    """A line to a database that can be cut."""
    line = Line(database_url)
    await line.mend()
    try:
        yield line
    finally:
        await line.cut()


class Line:
    """Passes bytes on to a database, while it is whole."""

    def __init__(self, database_url: str) -> None:
        self._parts = urlsplit(database_url)
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """How the database is reached over this line."""
        user = f"{self._parts.username}@" if self._parts.username else ""
        return self._parts._replace(netloc=f"{user}127.0.0.1:{self._port}").geturl()

    async def mend(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._writers |= {writer, back}
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        self._writers -= {writer, back}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(2**16):
            writer.write(content)
            await writer.drain()
    writer.transport.abort()


async def test_while_the_database_is_away_events_wait_and_are_there_once_it_is_back(
    tmp_path: Path, postgres_url: str
) -> None:
    async with between(postgres_url) as line:
        starting = serving(tmp_path, line.url)
        server = await asyncio.to_thread(starting.__enter__)
        try:
            await asyncio.to_thread(ask, server, "/events", [told(1)])
            await line.cut()
            client = Client(range(2, 1_000))
            client.server = server
            sending = asyncio.create_task(client.run())
            posting = asyncio.create_task(asyncio.to_thread(ask, server, "/events", [told(1), told(1_000)]))
            await until(lambda: "Events wait for the database" in server.output())
            assert (posting.done(), client.acknowledged) == (False, 0)
            await line.mend()
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(sending, posting)
            log = (await asyncio.to_thread(ask, server, "/x/queues"))["log"]
            assert log["events"] == 1_000
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)


_LIMIT = Statement("PRAGMA max_page_count = 300")
_NO_LIMIT = Statement("PRAGMA max_page_count = 1000000")


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Store]:
    """A store on a disk with little space."""
    store = make_store(settings_for(tmp_path))
    await store.open()
    await store.execute(_LIMIT)
    yield store
    await store.close()


async def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_there_and_all_goes_on_once_there_is_space(
    small: Store, tmp_path: Path
) -> None:
    context = Context(small, settings_for(tmp_path))
    acknowledged = 0
    with pytest.raises(StorageFull, match="free some space"):
        while True:
            await accept(context, batch(acknowledged))
            acknowledged += 50
    assert await numbers(small) == list(range(1, acknowledged + 1))
    assert await orphans(small) == 0
    frames = [json.dumps(told(acknowledged + 1 + number, payload={"x": "x" * 1_000})) for number in range(100)]
    with pytest.raises(StorageFull):
        await ingest(context, Sender(frames))
    assert len(await numbers(small)) == acknowledged
    await small.execute(_NO_LIMIT)
    await accept(context, batch(acknowledged))
    assert await numbers(small) == list(range(1, acknowledged + 51))


def batch(first: int) -> list[IncomingEvent]:
    return [make_event(first + number, payload={"x": "x" * 500}) for number in range(1, 51)]
