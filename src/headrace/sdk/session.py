"""How this process tells the API about its runs: one connection and its two background senders for each settings."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.sdk.log_shipping import log_shipper
from headrace.sdk.recording import recorder
from headrace.settings import Settings, current

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

PATIENCE = 60.0
"""Seconds for which what could not be recorded is sent again, before it is given up with a warning."""
PATIENCE_AT_EXIT = 10.0

_log = logging.getLogger("headrace.recording")
_sessions: dict[Settings, Session] = {}
_latest: Session | None = None
_lock = threading.Lock()


class Session:
    """The connection of one settings, and what is sent over it in the background."""

    def __init__(self, settings: Settings, client: SyncHeadraceClient) -> None:
        self.settings = settings
        self.client = client
        self.recorder = recorder(client, PATIENCE)
        self.logs = log_shipper(client, settings.logging)
        self._flow_ids: dict[str, UUID] = {}

    def flow_id(self, name: str, *, anew: bool = False) -> UUID:
        """The id of the flow with a name, which is made if there is none; asked for once a process."""
        if anew or name not in self._flow_ids:
            self._flow_ids[name] = self.client.create_flow_from_name(name)
        return self._flow_ids[name]

    def flush(self, timeout: float) -> None:
        """Wait until task runs and log lines are recorded; say what is not after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        for shipper in (self.recorder, self.logs):
            if not shipper.flush(max(0.0, deadline - time.monotonic())):
                _log.warning("%d %s were not recorded before the process ended.", shipper.pending, shipper.what)


def session() -> Session:
    """The session of the current settings, opened on first use."""
    global _latest
    settings = current()
    latest = _latest
    if latest is not None and latest.settings is settings:
        return latest
    with _lock:
        _latest = _sessions.get(settings) or _sessions.setdefault(settings, _open(settings))
    return _latest


def _open(settings: Settings) -> Session:
    from headrace.client.connection import connect

    opened = Session(settings, connect(settings).sync)
    # Registered after the connection's own end, and so called before it.
    atexit.register(opened.flush, PATIENCE_AT_EXIT)
    return opened


def flush_all(timeout: float = PATIENCE) -> None:
    """Wait until everything that this process knows is recorded."""
    for each in list(_sessions.values()):
        each.flush(timeout)


def _forget() -> None:
    """A forked child has neither its parent's threads nor a right to its connections."""
    global _latest
    _latest = None
    _sessions.clear()


os.register_at_fork(after_in_child=_forget)
