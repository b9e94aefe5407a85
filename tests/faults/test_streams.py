"""Streams through real faults: the server is killed, there are two of them, the client stops reading."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from headrace.wire.times import now
from tests.processes import ServerProcess, serving

PATIENCE = 60.0
Json = Any


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """What servers are given: a file of their home, or a database of its own."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def post(server: ServerProcess, path: str, body: Json) -> None:
    """Send a request; it is done when this returns, and may be if this raises."""
    request = urllib.request.Request(
        server.api_url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE):
        pass


def events(first: int, count: int, **payload: Json) -> list[Json]:
    """Events named by their number."""
    return [
        {
            "id": str(uuid4()),
            "occurred": now().isoformat(),
            "event": f"e{number}",
            "resource": {"prefect.resource.id": "mill"},
            "payload": payload,
        }
        for number in range(first, first + count)
    ]


@asynccontextmanager
async def stream(server: ServerProcess, *subscriptions: Json, **options: Json) -> AsyncIterator[ClientConnection]:
    """A client of `/x/stream` with these subscriptions under way."""
    url = server.api_url.replace("http", "ws", 1) + "/x/stream"
    async with connect(url, subprotocols=[Subprotocol("prefect")], max_size=None, close_timeout=1, **options) as socket:
        await socket.send('{"type":"auth","token":null}')
        assert json.loads(await socket.recv()) == {"type": "auth_success"}
        for subscription in subscriptions:
            await socket.send(json.dumps({"type": "subscribe"} | subscription))
            assert json.loads(await socket.recv())["type"] == "subscribed"
        yield socket


class Reader:
    """Keeps what came and the place behind it, over as many connections as it takes."""

    def __init__(self, channel: str = "events", cursor: str = "0") -> None:
        self.channel, self.cursor = channel, cursor
        self.items: list[Json] = []

    @property
    def names(self) -> list[str]:
        return [item["event"] for item in self.items]

    async def follow(self, server: ServerProcess, until: Callable[[], bool], **options: Json) -> None:
        """Read on until that holds, or the connection breaks."""
        asked = {"id": "r", "channel": self.channel, "cursor": self.cursor}
        async with asyncio.timeout(PATIENCE), stream(server, asked, **options) as socket:
            while not until():
                frame = json.loads(await socket.recv())
                assert frame["type"] in ("items", "heartbeat"), frame
                if frame["type"] == "items":
                    self.items += frame["items"]
                    self.cursor = frame["cursor"]


async def test_a_client_that_comes_back_with_its_cursor_after_a_kill_misses_nothing_and_gets_nothing_twice(
    home: Path, database_url: str | None
) -> None:
    reader, sent = Reader(), 0
    for _ in range(3):
        with serving(home, database_url) as server:
            following = asyncio.create_task(reader.follow(server, lambda: False, max_queue=None))
            for _ in range(10):
                await asyncio.to_thread(post, server, "/events", events(sent, 20))
                sent += 20
            server.process.kill()
            server.process.wait()
            with pytest.raises((ConnectionClosed, OSError)):
                await following
    with serving(home, database_url) as server:
        await reader.follow(server, lambda: len(reader.items) >= sent, max_queue=None)
    assert reader.names == [f"e{number}" for number in range(sent)]


class TestTwoServers:
    @pytest.fixture
    def servers(self, tmp_path: Path, postgres_url: str) -> Iterator[tuple[ServerProcess, ServerProcess]]:
        homes = [tmp_path / "one", tmp_path / "other"]
        for place in homes:
            place.mkdir()
        with serving(homes[0], postgres_url) as one, serving(homes[1], postgres_url) as other:
            yield one, other

    async def test_what_one_writes_reaches_the_clients_of_the_other(
        self, servers: tuple[ServerProcess, ServerProcess]
    ) -> None:
        one, other = servers
        line = {"name": "mill", "level": 20, "message": "ground", "timestamp": now().isoformat()}
        channels = [{"id": "e", "channel": "events"}, {"id": "l", "channel": "logs"}]
        async with asyncio.timeout(PATIENCE), stream(other, *channels) as socket:
            await asyncio.to_thread(post, one, "/events", events(0, 3))
            await asyncio.to_thread(post, one, "/logs/", [line])
            got: dict[str, list[Json]] = {"e": [], "l": []}
            while len(got["e"]) < 3 or not got["l"]:
                frame = json.loads(await socket.recv())
                got[frame["id"]] += frame["items"]
        assert [event["event"] for event in got["e"]] == ["e0", "e1", "e2"]
        assert [log["message"] for log in got["l"]] == ["ground"]

    async def test_a_cursor_of_one_is_good_at_the_other_while_both_write(
        self, servers: tuple[ServerProcess, ServerProcess]
    ) -> None:
        async def write(server: ServerProcess, first: int) -> None:
            for batch in range(30):
                await asyncio.to_thread(post, server, "/events", events(first + 10 * batch, 10))

        reader, turn = Reader(), 0
        writing = asyncio.gather(*(write(server, 1000 * place) for place, server in enumerate(servers)))
        while len(reader.items) < 600:
            enough = min(600, len(reader.items) + 60)
            await reader.follow(servers[turn % 2], lambda enough=enough: len(reader.items) >= enough)
            turn += 1
        await writing
        wanted = [f"e{first + number}" for first in (0, 1000) for number in range(300)]
        assert sorted(reader.names) == sorted(wanted)
        assert turn > 2


async def test_a_client_that_stops_reading_costs_no_memory_and_loses_nothing(home: Path) -> None:
    reader, text, sent = Reader(), "x" * 4_000, 0
    with serving(home) as server:
        async with stream(server, {"id": "r", "channel": "events"}, max_queue=1, ping_interval=None):
            memory: list[int] = []
            for batches in (10, 25):  # at first it fills what it keeps for everybody
                for _ in range(batches):
                    await asyncio.to_thread(post, server, "/events", events(sent, 500, text=text))
                    sent += 500
                memory.append(_own_memory(server))
        while len(reader.items) < sent:
            await reader.follow(server, lambda: len(reader.items) >= sent)
    assert reader.names == [f"e{number}" for number in range(sent)]
    grown = (memory[1] - memory[0]) / 2**20
    assert grown < 20, f"{grown:.0f} MiB more for {25 * 500 * len(text) / 2**20:.0f} MiB of events"


def _own_memory(server: ServerProcess) -> int:
    """Bytes that belong to the process alone: what it has mapped of its database does not count."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) * 1024
