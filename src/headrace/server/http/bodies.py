"""Reading a request's body: bounded in bytes and in time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from headrace.wire.errors import BodyTooLarge, RequestTimeout

ARRIVAL_SECONDS = 30.0
"""How long a body may take to arrive; a client that stalls gives its place up."""

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
_CHECKS = 4


class ClientGone(Exception):
    """The client hung up before its request was complete; there is nobody to answer."""


class Bodies:
    """Reads the bodies of one application's requests; `limit` is in bytes.

    A timer of its own for every body would cost more than reading it, since nearly all have arrived with
    their headers. One timer looks after all that are awaited, so a stalled body may last a quarter longer.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._awaited: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
        """The whole body.

        Raises `BodyTooLarge` before more than the limit is held, declared or chunked, `RequestTimeout` if
        it does not arrive in time and `ClientGone` if the client hangs up.
        """
        declared = headers.get(b"content-length")
        if declared is None:
            if b"transfer-encoding" not in headers:
                return b""
        elif declared == b"0":
            return b""
        elif declared.isdigit() and int(declared) > self._limit:
            raise self._too_large()
        task = asyncio.current_task()
        assert task is not None
        self._await(task)
        try:
            return await self._collect(receive)
        except asyncio.CancelledError:
            if task not in self._overdue:
                raise
            task.uncancel()
            raise RequestTimeout(f"The body did not arrive within {ARRIVAL_SECONDS:g} seconds.") from None
        finally:
            del self._awaited[task]
            self._overdue.discard(task)

    async def _collect(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self._limit:
                raise self._too_large()
            if not message.get("more_body", False):
                return b"".join((*chunks, chunk)) if chunks else chunk
            chunks.append(chunk)

    def _await(self, task: asyncio.Task[Any]) -> None:
        loop = task.get_loop()
        self._awaited[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(ARRIVAL_SECONDS / _CHECKS, self._check, loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up the bodies that are overdue, and look again later if some are still awaited."""
        latest = loop.time() - ARRIVAL_SECONDS
        for task, since in self._awaited.items():
            if since <= latest and task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
        self._timer = loop.call_later(ARRIVAL_SECONDS / _CHECKS, self._check, loop) if self._awaited else None

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The request's body is larger than {self._limit} bytes, the most this server accepts.")
