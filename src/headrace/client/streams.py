"""Conversations over WebSockets with the API: the handshake, frames, and errors told apart (contract §2).

>>> async with stream("/events/out") as conversation:
...     await conversation.send({"type": "filter", "filter": {}})
...     async for frame in conversation:
...         print(frame)
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from headrace.client.connection import connect
from headrace.settings import Settings, current
from headrace.wire.base import encode_text
from headrace.wire.errors import ServiceUnavailable, SettingsError, Unauthorized

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

SUBPROTOCOL = "prefect"
_POLICY = 1008
_OPEN_SECONDS = 30.0


class StreamEnded(ServiceUnavailable):
    """The API ended a stream, or it broke off. `clean` if the API said goodbye, for the reason in `reason`."""

    code = "stream_ended"

    def __init__(self, message: str, *, clean: bool, reason: str = "") -> None:
        super().__init__(message)
        self.clean, self.reason = clean, reason


class Conversation:
    """A WebSocket behind its handshake."""

    def __init__(self, socket: "ClientConnection", where: str) -> None:
        self._socket, self._where = socket, where

    async def send(self, message: Any) -> None:
        """Say something as JSON. Raises `StreamEnded`."""
        from websockets import ConnectionClosed

        try:
            await self._socket.send(encode_text(message))
        except ConnectionClosed as closed:
            raise self._ended(closed) from closed

    async def receive(self) -> str | bytes:
        """The next frame. Raises `StreamEnded`, and `Unauthorized` if the API does not let this client in."""
        from websockets import ConnectionClosed

        try:
            return await self._socket.recv()
        except ConnectionClosed as closed:
            raise self._ended(closed) from closed

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        return self

    async def __anext__(self) -> str | bytes:
        return await self.receive()

    def _ended(self, closed: Any) -> StreamEnded | Unauthorized:
        said = closed.rcvd
        if said is not None and said.code == _POLICY:
            return Unauthorized(
                f"{self._where} refused the stream: {said.reason or 'who asks is not known'}. Set "
                "HEADRACE_API_AUTH_STRING or HEADRACE_API_KEY to what the server expects."
            )
        if said is None:
            return StreamEnded(f"The stream of {self._where} broke off.", clean=False)
        reason = said.reason or f"code {said.code}"
        return StreamEnded(f"{self._where} ended the stream: {reason}.", clean=said.code == 1000, reason=said.reason)


@contextlib.asynccontextmanager
async def stream(path: str, settings: Settings | None = None) -> AsyncGenerator[Conversation]:
    """A conversation with the API under a path such as `/events/out`.

    Raises `ServiceUnavailable` if nobody is there, `Unauthorized`, and `SettingsError` where there is no server.
    """
    from websockets.asyncio.client import connect as open_socket
    from websockets.exceptions import InvalidHandshake

    used = settings or current()
    where, token = _address(used, path), used.api.auth_string or used.api.key or used.server.api.auth_string
    try:
        socket = await open_socket(
            where,
            subprotocols=[SUBPROTOCOL],  # pyright: ignore[reportArgumentType] # a text with a name of its own
            open_timeout=_OPEN_SECONDS,
            user_agent_header="headrace",
            max_size=None,
        )
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise ServiceUnavailable(
            f"The stream {where} cannot be opened: {error}. Check that a server runs there "
            "(`headrace server status`) and that HEADRACE_API_URL is right."
        ) from error
    async with socket:
        conversation = Conversation(socket, where)
        await _shake_hands(conversation, token)
        yield conversation


async def _shake_hands(conversation: Conversation, token: str | None) -> None:
    await conversation.send({"type": "auth", "token": token})
    answer = msgspec.json.decode(await conversation.receive(), type=dict[str, Any])
    if answer.get("type") != "auth_success":
        raise Unauthorized(f"The API did not let the stream begin: {answer}.")


def _address(settings: Settings, path: str) -> str:
    """The WebSocket URL of a path of the API."""
    url = urlsplit(connect(settings).where)
    if url.scheme not in ("http", "https"):
        raise SettingsError(
            "Streams need a server, and runs are recorded without one here: start it with `headrace server start`, "
            "or set HEADRACE_API_URL."
        )
    scheme = "wss" if url.scheme == "https" else "ws"
    return urlunsplit((scheme, url.netloc, url.path.rstrip("/") + path, "", ""))
