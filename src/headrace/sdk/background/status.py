"""`GET /status` of a task worker, on this machine alone: for probes that ask whether it is there and what it is at."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from headrace.wire.errors import AddressUnavailable

if TYPE_CHECKING:
    from headrace.sdk.background.worker import TaskWorker

_HOST = "127.0.0.1"
_PATIENCE = 10.0
"""Seconds that a request may take to arrive."""


@contextlib.asynccontextmanager
async def telling_status(worker: TaskWorker, port: int | None) -> AsyncGenerator[None]:
    """Answer at a port for the length of the block; without a port nobody is answered. Raises `AddressUnavailable`."""
    if port is None:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(_response(head.split(b"\r\n", 1)[0].split(b" "), worker))
            await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(answer, _HOST, port)
    except OSError as error:
        raise AddressUnavailable(
            f"The status of the task worker cannot be told on port {port}: {error.strerror or error}. Choose another "
            "status_server_port."
        ) from error
    async with server:
        yield


def _response(request: list[bytes], worker: TaskWorker) -> bytes:
    if request[:2] != [b"GET", b"/status"]:
        return _rendered(HTTPStatus.NOT_FOUND, {"detail": "Not Found"})
    return _rendered(
        HTTPStatus.OK,
        {
            "client_id": worker.client_id,
            "started_at": worker.started_at,
            "task_keys": list(worker.tasks),
            "limit": worker.limit,
            "connected": worker.connected,
            "stopping": worker.stopping,
            "in_flight_task_runs": worker.in_flight,
        },
    )


def _rendered(status: HTTPStatus, body: object) -> bytes:
    content = msgspec.json.encode(body)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content
