"""A real WebSocket server that says what a test wrote down, on a free port."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

Talk = Callable[["Line"], Awaitable[None]]


class Line:
    """One client behind its handshake; `filter` is what it asked for."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.filter: dict[str, Any] = {}

    async def say(self, event: dict[str, Any]) -> None:
        await self.socket.send(json.dumps({"type": "event", "event": event}))

    def drop(self) -> None:
        """Break off without a word."""
        self.socket.transport.abort()

    async def hold(self) -> None:
        """Until the client goes."""
        await self.socket.wait_closed()


class Stream:
    """The server: the first client is talked to as the first of `talks` says, and so on; the last one repeats."""

    def __init__(self, *talks: Talk, token: str | None = None) -> None:
        self.talks = list(talks)
        self.token = token
        self.filters: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.url = ""

    async def _serve(self, socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            assert socket.request is not None
            self.paths.append(socket.request.path)
            auth = json.loads(await socket.recv())
            if auth["token"] != self.token:
                await socket.close(1008, "Invalid token")
                return
            await socket.send('{"type":"auth_success"}')
            line = Line(socket)
            line.filter = json.loads(await socket.recv())
            self.filters.append(line.filter)
            talk = self.talks.pop(0) if len(self.talks) > 1 else self.talks[0]
            await talk(line)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Stream"]:
        """Serve until the block ends."""
        async with serve(self._serve, "127.0.0.1", 0, subprotocols=[Subprotocol("prefect")]) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"http://127.0.0.1:{port}/api"
            async with asyncio.timeout(30):
                yield self
