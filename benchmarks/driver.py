"""A keep-alive HTTP/1.1 driver that costs little: what is measured is the server, not its caller."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit


class Refused(Exception):
    """The server answered 503 or dropped the connection; a client would try again."""


class Link:
    """One connection to the server; one request at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._base = parts.hostname or "127.0.0.1", parts.port or 80, parts.path
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, decoded from JSON."""
        return json.loads(await self.call(method, path, body))

    async def call(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer's body as it came; raises `Refused` on 503 and on a lost connection."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=2**24)
        assert self._reader is not None
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = (
            f"{method} {self._base}{path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        try:
            self._writer.write(head.encode() + content)
            status, length = _head(await self._reader.readuntil(b"\r\n\r\n"))
            answer = await self._reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._writer = None
            raise Refused(repr(error)) from error
        if status == 503:
            raise Refused("503")
        if status >= 400:
            raise RuntimeError(f"{method} {path} answered {status}: {answer[:300]!r}")
        return answer

    def close(self) -> None:
        """Let go of the connection; the next request opens another."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _head(raw: bytes) -> tuple[int, int]:
    """Status and content length out of a response's head."""
    lines = raw.split(b"\r\n")
    status = int(lines[0].split(b" ", 2)[1])
    for line in lines[1:]:
        if line[:15].lower() == b"content-length:":
            return status, int(line[15:])
    return status, 0


@dataclass
class Measured:
    """A rate, its latencies in seconds, and how often the server refused."""

    seconds: float
    latencies: list[float] = field(default_factory=list[float])
    refused: int = 0
    per_job: int = 1

    @property
    def rate(self) -> float:
        return len(self.latencies) * self.per_job / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


Job = Callable[[Link], Awaitable[None]]


async def drive(url: str, job: Job, jobs: int, clients: int, per_job: int = 1) -> Measured:
    """Do `jobs` jobs with that many clients at once. A refused job is tried again, and counted."""
    left = iter(range(jobs))
    measured = Measured(0.0, per_job=per_job)

    async def client() -> None:
        link = Link(url)
        for _ in left:
            started = perf_counter()
            await _insist(job, link, measured)
            measured.latencies.append(perf_counter() - started)
        link.close()

    started = perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    measured.seconds = perf_counter() - started
    return measured


async def _insist(job: Job, link: Link, measured: Measured) -> None:
    for attempt in range(60):
        try:
            return await job(link)
        except Refused:
            measured.refused += 1
            await asyncio.sleep(0.05 * (attempt + 1))
    raise RuntimeError("the server refused 60 times")
