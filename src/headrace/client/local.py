"""The server of this machine that serves the same database, found by the file it leaves in the home folder."""

from typing import TYPE_CHECKING

import msgspec

from headrace.client.http.patience import Patience
from headrace.client.http.transport import HttpTransport, Unreachable
from headrace.client.transports import Answer, Request, Transport
from headrace.settings.announcement import read
from headrace.wire.errors import HeadraceError

if TYPE_CHECKING:
    from headrace.settings import Settings

_PROBE_TIMEOUT = 1.0
_HEALTH = Request("GET", "/health")


def local_transport(settings: "Settings") -> Transport | None:
    """A way to the local server, or None if there is none that serves the database of the settings and answers."""
    said = read(settings.server_path)
    if said is None or not said.is_alive or said.database != settings.database_url:
        return None
    api = msgspec.structs.replace(
        settings.api, url=said.url, auth_string=settings.api.auth_string or settings.server.api.auth_string
    )
    probe = HttpTransport(msgspec.structs.replace(api, request_timeout=_PROBE_TIMEOUT), Patience(0, 0, 0))
    try:
        if probe.send(_HEALTH).status != 200:
            return None
    except HeadraceError:
        return None
    finally:
        probe.close()
    return LocalTransport(HttpTransport(api, Patience(settings.api.max_retries, 0, 0)), settings)


class LocalTransport:
    """Goes to the local server for as long as it is there, and from then on straight to the database it served."""

    def __init__(self, server: HttpTransport, settings: "Settings") -> None:
        self._settings = settings
        self._server = server
        self._instead: dict[str, Transport] = {}

    @property
    def where(self) -> str:
        return self._way().where

    def send(self, request: Request) -> Answer:
        try:
            return self._way().send(request)
        except Unreachable:
            return self._open_database().send(request)

    async def send_async(self, request: Request) -> Answer:
        try:
            return await self._way().send_async(request)
        except Unreachable:
            return await self._open_database().send_async(request)

    def close(self) -> None:
        self._way().close()

    def _way(self) -> Transport:
        return self._instead.get("database", self._server)

    def _open_database(self) -> Transport:
        from headrace.client.embedded import EmbeddedTransport

        # Of two threads that come here at once, both go on with the first one's; an unused transport holds nothing.
        return self._instead.setdefault("database", EmbeddedTransport(self._settings))
