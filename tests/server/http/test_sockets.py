"""WebSockets over a real connection: who is let in, and what a pong promises (contract §2)."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from headrace.server.context import Context
from headrace.server.http.asgi import Application
from headrace.server.http.routing import Dispatcher
from headrace.server.http.sockets import Socket, TextFrame
from headrace.server.process import uvicorn_config
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable
from tests.server.http.example import example_server

MakeSettings = Callable[..., Settings]
Listen = Callable[..., Any]


@dataclass
class Mill:
    """A handler that stores a batch only while its gate is open."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    stored: list[Sequence[str | bytes]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    limit: int = 500

    async def __call__(self, ctx: Context, socket: Socket) -> None:
        while frames := await socket.receive_many(self.limit):
            self.taken.set()
            await self.gate.wait()
            self.stored.append(frames)
        self.ended.set()

    @property
    def frames(self) -> list[str | bytes]:
        return [frame for batch in self.stored for frame in batch]


async def echo(ctx: Context, socket: Socket) -> None:
    while True:
        await socket.send(str(await socket.receive()))


MADE_ONCE = [
    "",
    "short",
    "é" * 62,
    "y" * 125,
    "y" * 126,
    "x" * 65_535,
    "x" * 65_536,
    "ü" * 200_000,
    *map(str, range(500)),
]


async def send_made_once(ctx: Context, socket: Socket) -> None:
    await socket.send_many(TextFrame(text) for text in MADE_ONCE)
    await socket.receive()
    await socket.send("last")


async def be_busy(ctx: Context, socket: Socket) -> None:
    await socket.receive()
    raise ServiceUnavailable("The database is busy.")


async def break_down(ctx: Context, socket: Socket) -> None:
    await socket.receive()
    raise RuntimeError("the wheel is stuck")


@dataclass
class Flood:
    """A handler that sends without end."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, ctx: Context, socket: Socket) -> None:
        try:
            while True:
                await socket.send_many([TextFrame("x" * 10_000)] * 3)
        finally:
            self.ended.set()


@pytest.fixture
def mill() -> Mill:
    return Mill()


@pytest.fixture
def flood() -> Flood:
    return Flood()


@pytest.fixture
def listen(settings_of: MakeSettings, mill: Mill, flood: Flood) -> Listen:
    """Serve the example's sockets on a free port: `async with listen() as url`."""

    @asynccontextmanager
    async def listening(ping_interval: float = 20, **variables: str) -> AsyncIterator[str]:
        settings = settings_of(SERVER_API_PORT="0", **variables)
        server = example_server(settings)
        app = Application(
            server.store,
            settings,
            api=server.api,
            pages=Dispatcher([]),
            sockets={
                "/mill": mill,
                "/echo": echo,
                "/busy": be_busy,
                "/broken": break_down,
                "/flood": flood,
                "/made-once": send_made_once,
            },
            startup=server.open,
            shutdown=server.close,
        )
        config = uvicorn_config(app, settings)
        config.ws_ping_interval = config.ws_ping_timeout = ping_interval
        sock = socket.create_server(("127.0.0.1", 0))
        uvicorn_server = uvicorn.Server(config)
        serving = asyncio.create_task(uvicorn_server.serve([sock]))
        try:
            yield f"ws://127.0.0.1:{sock.getsockname()[1]}/api"
        finally:
            uvicorn_server.should_exit = True
            await serving

    return listening


@asynccontextmanager
async def admitted(url: str, token: str | None = None) -> AsyncIterator[ClientConnection]:
    """A connection behind its handshake."""
    async with connect(url, subprotocols=[Subprotocol("prefect")], ping_interval=None) as connection:
        assert connection.subprotocol == "prefect"
        await connection.send(json.dumps({"type": "auth", "token": token}))
        assert json.loads(await connection.recv()) == {"type": "auth_success"}
        yield connection


async def ended(conversation: Awaitable[object]) -> tuple[int, str]:
    """The code and reason with which the server closes."""
    with pytest.raises(ConnectionClosed) as caught:
        await conversation
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


class TestHandshake:
    @pytest.mark.parametrize(("expected", "given"), [(None, None), (None, "any"), ("a:b", "a:b")])
    async def test_the_right_token_is_let_in(self, listen: Listen, expected: str | None, given: str | None) -> None:
        variables = {} if expected is None else {"SERVER_API_AUTH_STRING": expected}
        async with listen(**variables) as url, admitted(f"{url}/echo", given) as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"

    @pytest.mark.parametrize(
        ("first", "reason"),
        [
            ('{"type":"auth","token":"a:c"}', "Invalid token"),
            ('{"type":"auth","token":null}', "Auth required but no token provided"),
            ('{"type":"auth"}', "Auth required but no token provided"),
            ('{"type":"filter"}', "Expected 'auth' message"),
            ("{", "Expected 'auth' message"),
            (b"\xff", "Expected 'auth' message"),
            ("[" * 100_000, "Expected 'auth' message"),
        ],
    )
    async def test_anything_else_is_sent_away_with_a_reason(
        self, listen: Listen, first: str | bytes, reason: str
    ) -> None:
        async with (
            listen(SERVER_API_AUTH_STRING="a:b") as url,
            connect(f"{url}/echo", subprotocols=[Subprotocol("prefect")]) as connection,
        ):
            await connection.send(first)
            assert await ended(connection.recv()) == (1008, reason)

    async def test_a_client_without_the_subprotocol_is_let_in_where_no_credentials_are_asked(
        self, listen: Listen
    ) -> None:
        async with listen() as url, connect(f"{url}/echo") as connection:
            await connection.send("hello")
            assert await connection.recv() == "hello"

    async def test_otherwise_its_headers_must_hold_them(self, listen: Listen) -> None:
        async with listen(SERVER_API_AUTH_STRING="a:b") as url:
            async with connect(f"{url}/echo") as connection:
                code, _ = await ended(connection.recv())
                assert code == 1002
            async with connect(f"{url}/echo", additional_headers={"Authorization": "Basic YTpi"}) as connection:
                await connection.send("hello")
                assert await connection.recv() == "hello"

    @pytest.mark.parametrize("path", ["/work_pools/mine/workers/connect", "/nothing", "/../echo"])
    async def test_an_unknown_path_is_refused_on_the_upgrade(self, listen: Listen, path: str) -> None:
        async with listen() as url:
            with pytest.raises(InvalidStatus) as caught:
                await connect(url + path, subprotocols=[Subprotocol("prefect")])
            assert caught.value.response.status_code == 404

    async def test_a_client_that_leaves_during_the_handshake_leaves_no_trace(
        self, listen: Listen, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with listen() as url:
            connection = await connect(f"{url}/echo", subprotocols=[Subprotocol("prefect")])
            await connection.close()
            async with admitted(f"{url}/echo") as other:
                await other.send("still here")
                assert await other.recv() == "still here"
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


class TestPongs:
    async def test_a_pong_waits_until_earlier_frames_are_stored(self, listen: Listen, mill: Mill) -> None:
        async with listen() as url, admitted(f"{url}/mill") as connection, admitted(f"{url}/echo") as other:
            for number in range(3):
                await connection.send(str(number))
            pong = await connection.ping()
            await mill.taken.wait()
            for _ in range(5):
                # Whole round trips beside it: the server has had every chance to answer the ping.
                await other.send("tick")
                await other.recv()
            assert not pong.done()
            assert mill.stored == []
            mill.gate.set()
            await pong
            assert mill.frames == ["0", "1", "2"]

    async def test_a_pong_does_not_wait_for_later_frames(self, listen: Listen, mill: Mill) -> None:
        mill.gate.set()
        async with listen() as url, admitted(f"{url}/mill") as connection:
            await connection.send("before")
            await (await connection.ping())
            assert mill.frames == ["before"]
            mill.gate.clear()
            mill.taken.clear()
            pong = await connection.ping()
            await connection.send("after")
            await pong
            await mill.taken.wait()
            assert mill.frames == ["before"]
            mill.gate.set()

    async def test_an_idle_connection_answers_at_once(self, listen: Listen) -> None:
        async with listen() as url, admitted(f"{url}/echo") as connection:
            for _ in range(3):
                await (await connection.ping())

    async def test_a_thousand_frames_and_their_checkpoints_come_in_order(self, listen: Listen, mill: Mill) -> None:
        mill.gate.set()
        async with listen() as url, admitted(f"{url}/mill") as connection:
            for hundred in range(10):
                for number in range(100):
                    await connection.send(str(hundred * 100 + number))
                await (await connection.ping())
                assert len(mill.frames) == (hundred + 1) * 100
        assert mill.frames == [str(number) for number in range(1000)]


class TestBatches:
    async def test_frames_that_have_arrived_come_together_but_never_more_than_asked_for(
        self, listen: Listen, mill: Mill
    ) -> None:
        mill.limit = 7
        async with listen() as url, admitted(f"{url}/mill") as connection:
            for number in range(50):
                await connection.send(str(number))
            pong = await connection.ping()
            mill.gate.set()
            await pong
        assert mill.frames == [str(number) for number in range(50)]
        assert max(map(len, mill.stored)) == 7

    async def test_a_client_may_leave_right_after_sending(self, listen: Listen, mill: Mill) -> None:
        async with listen() as url:
            async with admitted(f"{url}/mill") as connection:
                for number in range(2000):
                    await connection.send(str(number))
                mill.gate.set()
            await mill.ended.wait()
        assert mill.frames == [str(number) for number in range(2000)]


class TestFramesMadeOnce:
    @pytest.mark.parametrize("deflated", [None, "deflate"])
    async def test_they_arrive_as_they_were_made_between_others(self, listen: Listen, deflated: str | None) -> None:
        async with listen() as url, connect(f"{url}/made-once", compression=deflated) as connection:
            for text in MADE_ONCE:
                assert await connection.recv() == text
            await connection.send("go on")
            assert await connection.recv() == "last"

    async def test_without_the_extension_they_are_sent_one_by_one(self) -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise NotImplementedError

        await Socket({}, receive, send).send_many(map(TextFrame, MADE_ONCE))
        assert [message["text"] for message in sent] == MADE_ONCE

    async def test_sending_them_to_a_client_that_has_gone_ends_the_conversation(
        self, listen: Listen, flood: Flood, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with listen() as url:
            async with connect(f"{url}/flood", max_queue=None) as connection:
                await connection.recv()
            await flood.ended.wait()
        assert not [record for record in caplog.records if record.levelname == "ERROR"]


class TestTrouble:
    async def test_a_busy_database_asks_the_client_to_come_back(self, listen: Listen) -> None:
        async with listen() as url, admitted(f"{url}/busy") as connection:
            await connection.send("hello")
            assert await ended(connection.recv()) == (1013, "The database is busy.")

    async def test_a_crash_is_logged_and_closes(self, listen: Listen, caplog: pytest.LogCaptureFixture) -> None:
        async with listen() as url, admitted(f"{url}/broken") as connection:
            await connection.send("hello")
            assert await ended(connection.recv()) == (1011, "")
        (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
        assert (record.getMessage(), record.__dict__["path"]) == ("socket_crashed", "/broken")

    async def test_a_client_that_neither_reads_nor_answers_pings_is_cut_off(
        self, listen: Listen, flood: Flood, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with listen(ping_interval=0.1) as url:
            connection = await connect(f"{url}/flood", ping_interval=None)
            connection.transport.pause_reading()
            await flood.ended.wait()
            connection.transport.abort()
        assert not [record for record in caplog.records if record.levelname == "ERROR"]

    async def test_a_server_that_stops_says_so(self, listen: Listen, mill: Mill) -> None:
        mill.gate.set()
        async with listen() as url:
            connection = await connect(f"{url}/mill", subprotocols=[Subprotocol("prefect")])
            await connection.send('{"type":"auth","token":null}')
            await connection.recv()
        code, _ = await ended(connection.recv())
        assert code == 1012
        assert mill.ended.is_set()
