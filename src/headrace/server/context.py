"""What a handler knows about the request it answers, whatever transport brought it."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.server.store.base import Store
    from headrace.settings import Settings

_USER_AGENT = re.compile(r"^prefect/(\d+\.\d+\.\d+\S*) \(API \S+\)$")


class Headers(Mapping[str, str]):
    """Request headers by lower-case name, decoded when they are asked for.

    >>> Headers({b"user-agent": b"curl"}).get("user-agent")
    'curl'
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[bytes, bytes]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        try:
            return self._raw[name.encode("latin-1")].decode("latin-1")
        except (KeyError, UnicodeEncodeError):
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._raw)

    def __len__(self) -> int:
        return len(self._raw)


NO_HEADERS = Headers({})


class Context:
    """One request: the store and settings it works with, and what its headers say about the client.

    `received` is the instant (UTC) at which the request began; `base_url` is how the client reached the
    API, without a slash at the end, empty when it did not come over the network.
    """

    __slots__ = ("base_url", "headers", "received", "settings", "store")

    def __init__(
        self, store: "Store", settings: "Settings", headers: Mapping[str, str] = NO_HEADERS, base_url: str = ""
    ) -> None:
        self.store, self.settings = store, settings
        self.headers, self.base_url = headers, base_url
        self.received = now()

    @property
    def api_version(self) -> tuple[int, ...] | None:
        """The version of the API that the client speaks, such as (0, 8, 4), or None if it does not say."""
        return parse_version(self.headers.get("x-prefect-api-version", ""))

    @property
    def client_version(self) -> str | None:
        """The version of the Prefect client that asks, such as "3.8.8", or None for any other client."""
        return _client_version(self.headers.get("user-agent", ""))


@lru_cache(maxsize=256)
def parse_version(text: str) -> tuple[int, ...] | None:
    """`x.y.z` as three whole numbers, or None if the text is anything else."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    return tuple(int(part) for part in parts)


@lru_cache(maxsize=256)
def _client_version(user_agent: str) -> str | None:
    found = _USER_AGENT.match(user_agent)
    return found[1] if found else None
