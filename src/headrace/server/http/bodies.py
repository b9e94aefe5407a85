"""Reading a request's body: bounded in bytes and in time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from headrace.wire.errors import BodyTooLarge, RequestTimeout

ARRIVAL_SECONDS = 30.0
"""How long a body may take to arrive; a client that stalls gives its place up."""

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class ClientGone(Exception):
    """The client hung up before its request was complete; there is nobody to answer."""


async def read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body; `limit` is in bytes.

    Raises `BodyTooLarge` before more than the limit is held, declared or chunked, `RequestTimeout` if it
    does not arrive in time and `ClientGone` if the client hangs up.
    """
    declared = headers.get(b"content-length")
    if declared is None:
        if b"transfer-encoding" not in headers:
            return b""
    elif declared == b"0":
        return b""
    elif declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(ARRIVAL_SECONDS):
            return await _collect(receive, limit)
    except TimeoutError:
        raise RequestTimeout(f"The request's body did not arrive within {ARRIVAL_SECONDS:g} seconds.") from None


async def _collect(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join((*chunks, chunk)) if chunks else chunk
        chunks.append(chunk)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The request's body is larger than {limit} bytes, the most this server accepts.")
