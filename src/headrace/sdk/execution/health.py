"""How a runner or worker is, by `GET /health`, for whoever watches its process: 200 while it can poll, else 503."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from headrace.settings import current
from headrace.wire.errors import AddressUnavailable

if TYPE_CHECKING:
    from headrace.sdk.execution.polling import Poller

_MISSED = 30
"""Looks for runs that may fail in a row before a process counts as ill."""


@contextlib.asynccontextmanager
async def answering(poller: Poller, wanted: bool = True) -> AsyncGenerator[None]:
    """Answer while the block goes on, if that is wanted. Raises `AddressUnavailable`."""
    if not wanted:
        yield
        return
    host, port = current().runner.health_host, current().runner.health_port

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            async with asyncio.timeout(5):
                await reader.readuntil(b"\r\n\r\n")
            writer.write(_answer(time.monotonic() - poller.last_looked < _MISSED * poller.every))
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(answer, host, port)
    except OSError as error:
        raise AddressUnavailable(
            f"The health check cannot listen on {host}:{port}: {error.strerror or error}. Set "
            "HEADRACE_RUNNER_HEALTH_PORT to a free port."
        ) from error
    async with server:
        yield


def _answer(well: bool) -> bytes:
    status, message = ("200 OK", "OK") if well else ("503 Service Unavailable", "No runs can be fetched.")
    body = f'{{"message": "{message}"}}'
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"{head}\r\n\r\n{body}".encode()
