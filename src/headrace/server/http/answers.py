"""Sending an answer: headers, compression, streams."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any

from headrace.server.http.routing import JSON, Answer

COMPRESS_FROM = 16 * 1024
"""Bytes from which a body is compressed for a client that asks; below, it costs more than it saves."""

_THREAD_FROM = 512 * 1024
_LEVEL = 1
_GZIP = 31
_TEXTUAL = ("application/json", "text/")

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]

_JSON_HEADER = (b"content-type", JSON.encode())
_OWN_VERSION = (b"x-headrace-version", version("headrace").encode())


async def send(
    answer: Answer, send: Send, request: Mapping[bytes, bytes], extra: Mapping[str, str], head: bool
) -> None:
    """Send an answer to the request with these headers, with `extra` ones; `head` sends its headers alone."""
    headers: RawHeaders = [_OWN_VERSION]
    if answer.media_type is JSON:
        headers.append(_JSON_HEADER)
    elif answer.media_type is not None:
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
    for given in (answer.headers, extra):
        if given:
            headers.extend((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.items())
    if answer.stream is not None:
        await _stream(answer, send, headers, head)
        return
    body = answer.body
    if len(body) >= COMPRESS_FROM and _compressible(answer):
        headers.append((b"vary", b"Accept-Encoding"))
        if b"gzip" in request.get(b"accept-encoding", b""):
            body = await _compress(body)
            headers.append((b"content-encoding", b"gzip"))
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


def _compressible(answer: Answer) -> bool:
    return answer.media_type is not None and answer.media_type.startswith(_TEXTUAL)


async def _compress(body: bytes) -> bytes:
    """Gzip; a big body is compressed beside the event loop, since zlib lets other threads run."""
    if len(body) < _THREAD_FROM:
        return zlib.compress(body, _LEVEL, _GZIP)
    return await asyncio.to_thread(zlib.compress, body, _LEVEL, _GZIP)


async def _stream(answer: Answer, send: Send, headers: RawHeaders, head: bool) -> None:
    assert answer.stream is not None
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if not head:
        async for chunk in answer.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
