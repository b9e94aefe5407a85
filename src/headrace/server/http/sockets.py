"""WebSockets: the handshake that all of them share, and frames in batches (contract §2).

A client offers the subprotocol `prefect`, sends `{"type": "auth", "token": …}` and gets
`{"type": "auth_success"}`. A client that offers nothing is let in without a word, unless the server has
credentials and the client does not show them in its headers.
"""

import asyncio
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from headrace.server.context import Context
from headrace.server.http.answers import Send
from headrace.server.http.bodies import Receive
from headrace.server.http.guards import Guards
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable

SUBPROTOCOL = "prefect"
FRAMES = "headrace.frames"
"""The ASGI extension that gives the frames which have already arrived, and takes some that are encoded already
(`pongs.OrderedPongs`)."""

BATCH = 500
"""Most frames that one call of `receive_many` gives."""

WRITE_BYTES = 64 * 1024
"""About how much `send_many` hands to the network at once."""

_HANDSHAKE_SECONDS = 30.0
_PROTOCOL_ERROR, _POLICY, _INTERNAL, _TRY_LATER = 1002, 1008, 1011, 1013
_logger = logging.getLogger("headrace.server")

Frame = str | bytes
SocketHandler = Callable[[Context, "Socket"], Awaitable[None]]


class SocketRoute(msgspec.Struct, frozen=True):
    """A handler with a handshake of its own: everybody has to offer the subprotocol, and refusals read differently."""

    handler: SocketHandler
    refused: str
    """The reason of the close for who may not come in."""
    unspoken: str
    """The reason for who does not speak the protocol."""


Scope = Mapping[str, Any]


class _Auth(msgspec.Struct, tag_field="type", tag="auth"):
    token: str | None = None


_read_auth = msgspec.json.Decoder(_Auth).decode


class SocketClosed(Exception):
    """The other side has gone."""


class TextFrame:
    """A text frame that is encoded once and sent to many."""

    __slots__ = ("_head", "encoded")

    def __init__(self, text: str) -> None:
        content = text.encode()
        head = _frame_head(len(content))
        self._head = len(head)
        self.encoded = head + content

    @property
    def text(self) -> str:
        return self.encoded[self._head :].decode()


def _frame_head(size: int) -> bytes:
    """What precedes the content of an unmasked, whole text frame (RFC 6455 §5.2)."""
    if size < 126:
        return bytes((0x81, size))
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2)
    return b"\x81\x7f" + size.to_bytes(8)


class Socket:
    """One WebSocket that has passed its handshake; `variables` are the parts of its path that have names."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, variables: Mapping[str, str] | None = None) -> None:
        self._receive, self._send = receive, send
        self.variables = variables or {}
        extension = scope.get("extensions", {}).get(FRAMES)
        self._take: Callable[[int], list[Mapping[str, Any]]] | None = extension and extension["take"]
        self._put: Callable[[bytes], Awaitable[None]] | None = extension and extension["put"]

    async def receive_many(self, limit: int = BATCH) -> list[Frame]:
        """Wait for a frame, then take it and those that have arrived behind it; empty once the client has gone.

        Asking is what answers the pings that came behind the last batch: a client that gets a pong knows
        that every frame it sent before the ping has been dealt with. So commit a batch before asking for
        the next one.
        """
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return []
        messages = [message] if self._take is None else [message, *self._take(limit - 1)]
        return [_frame(message) for message in messages]

    async def receive(self) -> Frame:
        """The next frame; raises `SocketClosed` once the client has gone."""
        frames = await self.receive_many(1)
        if not frames:
            raise SocketClosed
        return frames[0]

    async def send(self, text: str) -> None:
        """Send a text frame, once there is room for it; raises `SocketClosed` when the client has gone."""
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError as error:
            raise SocketClosed from error

    async def send_many(self, frames: Iterable[TextFrame]) -> None:
        """Send frames that were made before, many with one write, a bounded amount at a time; as `send`."""
        if self._put is None:
            for frame in frames:
                await self.send(frame.text)
            return
        try:
            for together in _writes(frames):
                await self._put(together)
        except OSError as error:
            raise SocketClosed from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the conversation; nothing may be sent afterwards."""
        await self._send({"type": "websocket.close", "code": code, "reason": reason})


def _writes(frames: Iterable[TextFrame]) -> Iterator[bytes]:
    """The frames joined to pieces of about `WRITE_BYTES`."""
    waiting: list[bytes] = []
    size = 0
    for frame in frames:
        waiting.append(frame.encoded)
        size += len(frame.encoded)
        if size >= WRITE_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _frame(message: Mapping[str, Any]) -> Frame:
    text: str | None = message.get("text")
    return text if text is not None else message["bytes"]


class Sockets:
    """The WebSocket routes by path below the base path; a part of a path may be a `{name}`."""

    def __init__(self, handlers: Mapping[str, SocketHandler | SocketRoute], settings: Settings, guards: Guards) -> None:
        self._handlers, self._guards = handlers, guards
        self._patterns = {_pattern(path): route for path, route in handlers.items() if "{" in path}
        auth_string = settings.server.api.auth_string
        self._token = None if auth_string is None else auth_string.encode()

    async def serve(self, scope: Scope, path: str | None, receive: Receive, send: Send, ctx: Context) -> None:
        """Take one connection from its upgrade request to its end."""
        await receive()
        route, variables = (None, None) if path is None else self._find(path)
        if route is None:
            await _refuse(scope, send)
            return
        socket = Socket(scope, receive, send, variables)
        own = route if isinstance(route, SocketRoute) else None
        handler = route.handler if isinstance(route, SocketRoute) else route
        try:
            if await self._admit(scope, socket, send, own):
                await handler(ctx, socket)
        except SocketClosed:
            return
        except ServiceUnavailable as error:
            await socket.close(_TRY_LATER, str(error)[:120])
        except Exception:
            _logger.exception("socket_crashed", extra={"path": path})
            await socket.close(_INTERNAL)

    def _find(self, path: str) -> tuple[SocketHandler | SocketRoute | None, Mapping[str, str] | None]:
        found = self._handlers.get(path)
        if found is not None:
            return found, None
        for pattern, route in self._patterns.items():
            if (match := pattern.fullmatch(path)) is not None:
                return route, match.groupdict()
        return None, None

    async def _admit(self, scope: Scope, socket: Socket, send: Send, own: SocketRoute | None) -> bool:
        if SUBPROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.accept"})
            if own is not None:
                await socket.close(_PROTOCOL_ERROR, own.unspoken)
                return False
            if self._guards.authorized(dict(scope["headers"])):
                return True
            await socket.close(_PROTOCOL_ERROR, "Auth required: offer the 'prefect' subprotocol")
            return False
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        problem = await self._refusal(socket)
        if problem is not None:
            await socket.close(_POLICY, problem if own is None else own.refused)
            return False
        await socket.send('{"type":"auth_success"}')
        return True

    async def _refusal(self, socket: Socket) -> str | None:
        """Why the first message does not let the client in, or None if it does."""
        try:
            async with asyncio.timeout(_HANDSHAKE_SECONDS):
                auth = _read_auth(await socket.receive())
        except (TimeoutError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return "Expected 'auth' message"
        if self._token is None:
            return None
        if not auth.token:
            return "Auth required but no token provided"
        return None if hmac.compare_digest(auth.token.encode(), self._token) else "Invalid token"


def _pattern(path: str) -> re.Pattern[str]:
    """What matches the paths that a path with `{names}` stands for."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


async def _refuse(scope: Scope, send: Send) -> None:
    """Answer the upgrade request itself with 404, so that a client knows not to ask again."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    body = b'{"detail":"Not Found"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
