"""Sending to a client until it goes away, whichever comes first."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec

from headrace.server.http.sockets import Socket
from headrace.server.streams.tail import Gap

PROTOCOL_ERROR, TRY_LATER = 1002, 1013
_LONGEST_REASON = 120
"""Bytes of the reason of a close: a control frame has room for 123."""

_read_type = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


async def until_gone(socket: Socket, sending: Coroutine[Any, Any, None]) -> None:
    """Send while the client is there; what it says meanwhile is passed over, its pings are answered."""
    await until_first(sending, _pass_over(socket))


async def until_first(*parts: Coroutine[Any, Any, None]) -> None:
    """Hold the parts of a conversation at once; the first to end, well or with an error, ends them all."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_over(socket: Socket) -> None:
    while await socket.receive_many():
        pass


async def read_filter_frame(socket: Socket, decoder: "msgspec.json.Decoder[Any]") -> Any | None:
    """The first frame, `{"type": "filter", "filter": …}`, or None once it is refused (contract §2)."""
    frame = await socket.receive()
    try:
        parts = _read_type(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        parts = {}
    if bytes(parts.get("type", b"")) != b'"filter"':
        await refuse(socket, "Expected 'filter' message")
        return None
    if "filter" not in parts:
        await refuse(socket, "Invalid filter: 'filter'")
        return None
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        await refuse(socket, f"Invalid filter: {error}")
        return None


async def refuse(socket: Socket, reason: str) -> None:
    """Close the conversation as one that does not keep to the protocol."""
    await socket.close(PROTOCOL_ERROR, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))


def lost(what: str, gap: Gap) -> str:
    """The reason of a close where the contract has no frame to tell of a gap."""
    return f"{what} {gap.start.seq + 1} to {gap.end.seq} were trimmed before they could be sent: connect again"
