"""Calls an ASGI application in process, as a server would."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Calls:
    """One application and how to ask it; `received` counts the pieces of body that it took."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.received = 0

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | Sequence[bytes] = b"",
        gone: bool = False,
    ) -> Response | None:
        """Several pieces of body are sent chunked; `gone` hangs up after the last. None: it was not answered."""
        chunks = [body] if isinstance(body, bytes) else list(body)
        given = {"host": "testing", **(headers or {})}
        if not isinstance(body, bytes):
            given["transfer-encoding"] = "chunked"
        elif body:
            given.setdefault("content-length", str(len(body)))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "scheme": "http",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        }
        self.received = 0
        sent: list[Any] = []

        async def receive() -> Any:
            if self.received == len(chunks):
                return {"type": "http.disconnect"}
            self.received += 1
            return {
                "type": "http.request",
                "body": chunks[self.received - 1],
                "more_body": gone or self.received < len(chunks),
            }

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        if not sent:
            return None
        names = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Response(sent[0]["status"], names, b"".join(message.get("body", b"") for message in sent[1:]))
