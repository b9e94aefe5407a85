"""Which server a process talks to, and one connection to it for everybody in the process."""

import atexit
import functools
import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING

from headrace.client import forks
from headrace.client._sync.recording import SyncRecordingClient
from headrace.client.transports import Transport
from headrace.settings import Settings, current

if TYPE_CHECKING:
    from headrace.client._async.client import HeadraceClient
    from headrace.client._sync.client import SyncHeadraceClient


class Connection:
    """The same server for callers with and without an event loop, in any thread and in forked children.

    `recording` is the part of the client that runs need; the whole of it is imported when it is asked for.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.recording = SyncRecordingClient(transport)

    @functools.cached_property
    def sync(self) -> "SyncHeadraceClient":
        """Every call, for callers that may block."""
        from headrace.client._sync.client import SyncHeadraceClient

        return SyncHeadraceClient(self.transport)

    @functools.cached_property
    def asynchronous(self) -> "HeadraceClient":
        """Every call, awaited."""
        from headrace.client._async.client import HeadraceClient

        return HeadraceClient(self.transport)

    @property
    def where(self) -> str:
        """The URL of the API, or the database that is written to in process."""
        return self.transport.where


class _Connections:
    """The open connections of this process, by what of the settings decides where they lead."""

    def __init__(self) -> None:
        self._open: dict[Hashable, Connection] = {}
        self._lock = threading.Lock()
        forks.watch(self)

    def get(self, settings: Settings) -> Connection:
        key = _key(settings)
        connection = self._open.get(key)
        if connection is not None:
            return connection
        with self._lock:
            if key not in self._open:
                self._open[key] = Connection(_transport(settings))
            return self._open[key]

    def close(self, settings: Settings | None) -> None:
        with self._lock:
            keys = list(self._open) if settings is None else [_key(settings)]
            closing = [self._open.pop(key) for key in keys if key in self._open]
        for connection in closing:
            connection.transport.close()

    def before_fork(self) -> None:
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        self._lock.release()


def connect(settings: Settings | None = None) -> Connection:
    """The process's connection for these settings (the current ones), made on first use.

    With an API URL, that API. Else the local server if it serves the database of the settings, and if
    there is none, the server's own code in this process. Raises `SettingsError` or `StoreError`.
    """
    return _connections.get(settings or current())


def disconnect(settings: Settings | None = None) -> None:
    """Close the connection for these settings, or all of them; the next `connect` makes a new one."""
    _connections.close(settings)


def _key(settings: Settings) -> Hashable:
    return settings.home, settings.api, settings.server


def _transport(settings: Settings) -> Transport:
    """The way to the server, loading only the code that this way needs."""
    if settings.api.url is not None:
        from headrace.client.http.transport import HttpTransport

        return HttpTransport(settings.api)
    if settings.server_path.exists():
        from headrace.client.local import local_transport

        if (local := local_transport(settings)) is not None:
            return local
    from headrace.client.embedded import EmbeddedTransport

    return EmbeddedTransport(settings)


_connections = _Connections()
atexit.register(disconnect)
