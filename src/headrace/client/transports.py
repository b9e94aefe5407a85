"""How a request gets to a server: one shape for the network and for the server in this process."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

NO_HEADERS: Mapping[str, str] = {}


class Request(msgspec.Struct, frozen=True):
    """One call. `path` starts below the API's base path and is percent-encoded, `query` is raw."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = NO_HEADERS
    """Those that belong to this call alone, by lower-case name."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Answer(msgspec.Struct, frozen=True):
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Carries requests. Safe to use from any thread and after a fork; raises `ServiceUnavailable`."""

    @property
    def where(self) -> str:
        """Where requests go, for people."""
        ...

    def send(self, request: Request) -> Answer:
        """Send and wait, from any thread, inside or outside an event loop."""
        ...

    async def send_async(self, request: Request) -> Answer:
        """Send without holding up the caller's event loop."""
        ...

    def close(self) -> None:
        """Give everything back; safe to call twice."""
        ...
