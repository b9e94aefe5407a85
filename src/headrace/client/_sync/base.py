# Generated from _async/base.py by scripts/unasync.py; change that file, not this one.
"""What the parts of the client share: one transport, and reading a list page by page."""

import re
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from headrace.client import calls
from headrace.client.transports import NO_HEADERS, Transport
from headrace.wire.errors import Unprocessable


class Identified(Protocol):
    """An object with an id."""

    id: UUID


T = TypeVar("T")
ItemT = TypeVar("ItemT", bound=Identified)
_PAGE = 200
_MOST = re.compile(r"Invalid limit: must be less than or equal to (\d+)")


class Part:
    """One noun's calls; `SyncHeadraceClient` is all of them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _call(
        self,
        method: str,
        path: str,
        returns: type[T],
        *,
        body: Any = msgspec.UNSET,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> T:
        """Make a call and read its answer as `returns`."""
        request = calls.request(method, path, body, query, headers)
        return calls.read(request, self._transport.send(request), returns)

    def _tell(self, method: str, path: str, *, body: Any = msgspec.UNSET) -> None:
        """Make a call whose answer holds nothing of interest."""
        request = calls.request(method, path, body)
        calls.check(request, self._transport.send(request))

    def _list(
        self, path: str, item: type[ItemT], body: Mapping[str, Any], *, limit: int | None, offset: int
    ) -> list[ItemT]:
        """Read `limit` objects from `offset` on, or all of them, in as many requests as the server's limit asks for.

        An object that moves to a later page, because others came before it meanwhile, is given once.
        """
        items: list[ItemT] = []
        seen: set[UUID] = set()
        page = _PAGE
        while limit is None or len(items) < limit:
            size = page if limit is None else min(page, limit - len(items))
            try:
                batch = self._page(path, item, {**body, "limit": size, "offset": offset})
            except Unprocessable as error:
                most = _MOST.search(str(error))
                if most is None or not 0 < int(most[1]) < size:
                    raise
                page = int(most[1])
                continue
            offset += len(batch)
            for each in batch:
                if (key := each.id) not in seen:
                    seen.add(key)
                    items.append(each)
            if len(batch) < size:
                break
        return items

    def _count(self, path: str, body: Mapping[str, Any]) -> int:
        return self._call("POST", path, int, body=calls.given(body))

    def _text(self, method: str, path: str) -> str:
        """Make a call whose answer is text, not JSON."""
        request = calls.request(method, path)
        answer = self._transport.send(request)
        calls.check(request, answer)
        return answer.body.decode()

    def _page(self, path: str, item: type[ItemT], body: Mapping[str, Any]) -> list[ItemT]:
        return self._call("POST", path, list[item], body=calls.given(body))
