"""How this process tells the API about its runs: one connection and its two background senders for each settings."""

from __future__ import annotations

import atexit
import functools
import logging
import time
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.sdk.log_shipping import log_shipper
from headrace.sdk.recording import recorder
from headrace.settings import Settings, current

if TYPE_CHECKING:
    from headrace.client.connection import Connection
    from headrace.client.orchestration import SyncHeadraceClient
    from headrace.sdk.liveness import Leases

PATIENCE = 60.0
"""Seconds for which what could not be recorded is sent again, before it is given up with a warning."""
PATIENCE_AT_EXIT = 10.0

_log = logging.getLogger("headrace.recording")
_sessions: dict[Settings, Session] = {}


class Session:
    """The connection of one settings, and what is sent over it in the background."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.settings = settings
        self.connection = connection
        self.recording = connection.recording
        self.recorder = recorder(self.recording, PATIENCE)
        self.logs = log_shipper(self.recording, settings.logging)
        self._flow_ids: dict[str, UUID] = {}

    @property
    def client(self) -> SyncHeadraceClient:
        """Every call of the API; importing it takes a moment."""
        return self.connection.sync

    @functools.cached_property
    def leases(self) -> Leases | None:
        """What keeps runs from being taken for lost; None where nobody would."""
        where: str = getattr(self.connection, "where", "")
        if not where.startswith("http"):
            return None
        from headrace.sdk.liveness import leases_of

        return leases_of(self.settings, where)

    def flow_id(self, name: str, *, anew: bool = False) -> UUID:
        """The id of the flow with a name, which is made if there is none; asked for once a process."""
        if anew or name not in self._flow_ids:
            self._flow_ids[name] = self.recording.create_flow_from_name(name)
        return self._flow_ids[name]

    def flush(self, timeout: float) -> None:
        """Wait until task runs and log lines are recorded; say what is not after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        for shipper in (self.recorder, self.logs):
            if not shipper.flush(max(0.0, deadline - time.monotonic())):
                _log.warning("%d %s were not recorded before the process ended.", shipper.pending, shipper.what)


def session() -> Session:
    """The session of the current settings, opened on first use and again when its connection was closed."""
    from headrace.client.connection import connect

    settings = current()
    connection = connect(settings)
    known = _sessions.get(settings)
    if known is not None and known.connection is connection:
        return known
    opened = _sessions[settings] = Session(settings, connection)
    # Registered after the connection's own end, and so called before it.
    atexit.register(opened.flush, PATIENCE_AT_EXIT)
    return opened


def flush_all(timeout: float = PATIENCE) -> None:
    """Wait until everything that this process knows is recorded."""
    for each in list(_sessions.values()):
        each.flush(timeout)
