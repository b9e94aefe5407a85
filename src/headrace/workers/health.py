"""A worker's answer to `GET /health`, for whoever watches its process: 200 while it polls, 503 while it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.sdk.execution.polling import Poller

_MISSED = 30
"""Looks for runs that may fail in a row before the worker counts as ill."""


@contextlib.asynccontextmanager
async def answering(poller: Poller, host: str, port: int) -> AsyncGenerator[None]:
    """Answer while the block goes on. Raises `OSError` if the port is taken."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(5):
                await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(time.monotonic() - poller.last_looked < _MISSED * poller.every))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, host, port):
        yield


def _answer(well: bool) -> bytes:
    status, message = ("200 OK", "OK") if well else ("503 Service Unavailable", "The worker cannot fetch runs.")
    body = f'{{"message": "{message}"}}'
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"{head}\r\n\r\n{body}".encode()
