"""uvicorn's WebSocket protocol, with pongs that mean something.

A Prefect client takes a pong as proof that the events it sent before the ping are safe, and forgets them
(contract §2). The websockets library answers a ping while it parses it, long before the application has
seen the frames in front of it. Here a ping waits in the same queue as the frames, and its pong is sent
when the application, done with those frames, asks for what comes behind them. A connection that ends in
between sends no pong, so the client sends its events again.

Reading from the network pauses while frames wait, as in uvicorn's own protocol: a client can run at most
one read ahead of the application.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from headrace.server.http.sockets import FRAMES


class _Quiet(ServerProtocol):
    """Reports a ping as an event like any other, and leaves the answer to its owner."""

    def __init__(self, max_size: int) -> None:
        super().__init__(max_size=max_size, logger=logging.getLogger("uvicorn.error"))
        self.pings: deque[bytes] = deque()

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            self.pings.append(bytes(frame.data))
            self.events.append(frame)
        else:
            super().recv_frame(frame)


class OrderedPongs(WebSocketsSansIOProtocol):
    """For uvicorn's option `ws`. Offers the application the extension `sockets.FRAMES`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._quiet = _Quiet(config.ws_max_size)
        self.conn = self._quiet
        self._held: Mapping[str, Any] | None = None

    async def run_asgi(self) -> None:
        """Run the application with the extension in its scope."""
        scope: dict[str, Any] = dict(self.scope)
        scope["extensions"][FRAMES] = {"take": self.take, "put": self.put}
        await super().run_asgi()

    def handle_ping(self) -> None:
        """Put the ping into the queue, behind the frames that came before it."""
        ping: Any = {"type": "ping", "data": self._quiet.pings.popleft()}
        self.queue.put_nowait(ping)

    async def receive(self) -> Any:
        """The next message for the application; pings on the way to it are answered."""
        while True:
            message: Any = self._held
            if message is None:
                message = await super().receive()
            self._held = None
            if message["type"] != "ping":
                return message
            self._pong(message["data"])

    def keepalive_timeout(self) -> None:
        """Cut off a client that answers no ping: closing would wait until it reads what is still to be sent."""
        super().keepalive_timeout()
        self.transport.abort()

    def take(self, limit: int) -> list[Mapping[str, Any]]:
        """The frames that have arrived, at most `limit`, up to the first ping or the end; it waits for nothing."""
        taken: list[Mapping[str, Any]] = []
        while self._held is None and len(taken) < limit and not self.queue.empty():
            message: Any = self.queue.get_nowait()
            if message["type"] == "websocket.receive":
                taken.append(message)
            else:
                self._held = message
        if self.read_paused and self.queue.empty() and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()
        return taken

    async def put(self, frames: bytes) -> None:
        """Write whole frames, encoded already, once there is room; raises `ClientDisconnected` if the client has gone.

        Nothing is deflated (`process.uvicorn_config`), so the same bytes serve every client.
        """
        await self.writable.wait()
        if self.disconnected or self.close_sent or self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(frames)

    def _pong(self, data: bytes) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_pong(data)
            self.transport.write(b"".join(self.conn.data_to_send()))
