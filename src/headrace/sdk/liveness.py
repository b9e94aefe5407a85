"""The lease of a flow run: it is renewed as long as the process lives, and each renewal says what the process is to do.

Whoever is told to stop ends the flow's function. The process of a deployment's run that does not react to that, because
it is stuck in compiled code or catches everything, ends itself with everything it has started: nobody else may be
there any more to do it. While the API is away nothing is stopped.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING

import msgspec

from headrace.sdk.states import Cancelled
from headrace.wire.errors import HeadraceError, ObjectNotFound
from headrace.wire.leases import Directive, Lease
from headrace.wire.states import StateType

if TYPE_CHECKING:
    from headrace.client._sync.recording import SyncRecordingClient
    from headrace.sdk.session import Session
    from headrace.sdk.stopping import Stopper
    from headrace.settings import Settings
    from headrace.wire.flow_runs import FlowRun

OWN_RUN = "HEADRACE__FLOW_RUN_ID"
"""The variable that names the run which this process was started for."""
_SHARE = 3
"""Renewals within one lease: two may get lost."""
_SOONEST = 1.0

_log = logging.getLogger("headrace.recording")


class Leases:
    """Renews the leases of a process's runs, over a connection that does not wait for an API that is away."""

    def __init__(self, settings: Settings, where: str) -> None:
        self._settings, self._where = settings, where
        self.seconds = settings.flows.lease_seconds
        self.holder = f"{socket.gethostname()}-{os.getpid()}"

    def of(self, run: FlowRun, stopper: Stopper, session: Session) -> RunLease:
        """The lease of one run."""
        return RunLease(self, run, stopper, session)

    @functools.cached_property
    def client(self) -> SyncRecordingClient:
        from headrace.client._sync.recording import SyncRecordingClient
        from headrace.client.http.patience import Patience
        from headrace.client.http.transport import HttpTransport

        timeout = min(self._settings.api.request_timeout, max(_SOONEST, self.seconds))
        auth = self._settings.api.auth_string or self._settings.server.api.auth_string
        api = msgspec.structs.replace(self._settings.api, url=self._where, request_timeout=timeout, auth_string=auth)
        return SyncRecordingClient(HttpTransport(api, Patience(0, 0, 0)))


def leases_of(settings: Settings, where: str) -> Leases | None:
    """What renews leases at the API that is there; None where runs are recorded in process, or none are wanted."""
    if settings.flows.lease_seconds and is_served(where):
        return Leases(settings, where)
    return None


def is_served(where: str) -> bool:
    """Whether runs are recorded with a server there, and not in process."""
    return where.startswith(("http://", "https://"))


class RunLease:
    """The lease of one run, as one of the signs that a heart gives."""

    def __init__(self, leases: Leases, run: FlowRun, stopper: Stopper, session: Session) -> None:
        self._leases, self._run, self._stopper, self._session = leases, run, stopper, session
        self._last_resort: threading.Timer | None = None

    @property
    def first(self) -> float:
        """Seconds until the first renewal; what ends before costs nothing more."""
        return self._leases.seconds / _SHARE

    def give(self) -> float | None:
        """Renew the lease and do as it says; the seconds until the next time, None for never."""
        try:
            lease = self._client.renew_flow_run_lease(self._run.id, self._leases.seconds, self._leases.holder)
        except ObjectNotFound:
            return self._not_found()
        except HeadraceError as error:
            _log.debug("The lease of %s was not renewed: %s", self._run.name, error)
            return max(_SOONEST, self.first / _SHARE)
        self._heed(lease)
        return self.first

    @property
    def _client(self) -> SyncRecordingClient:
        """The connection to ask over: where a local server has gone, its runs go on in its database."""
        recording = self._session.recording
        return self._leases.client if is_served(self._session.connection.where) else recording

    def end(self) -> None:
        """The run is over, or goes on elsewhere."""
        if self._last_resort is not None:
            self._last_resort.cancel()

    def _heed(self, lease: Lease) -> None:
        match lease.directive:
            case Directive.GO_ON:
                pass
            case Directive.STOP:
                self._stop(lease.reason or "The flow run is not to go on.")
            case Directive.SUSPEND:
                run = self._client.read_flow_run(self._run.id)
                if run.state is not None and run.state.is_paused():
                    self._stopper.suspend(run.state)

    def _not_found(self) -> float | None:
        """The run is gone, or the API knows no leases: Prefect's does not."""
        try:
            self._client.read_flow_run(self._run.id)
        except ObjectNotFound:
            self._stop("The flow run was deleted.")
            return self.first
        except HeadraceError:
            return self.first
        return None

    def _stop(self, reason: str) -> None:
        if self._last_resort is None:
            _log.warning("The flow run %r is stopped: %s", self._run.name, reason)
            grace = self._session.settings.runner.grace_seconds
            self._last_resort = threading.Timer(grace, self._end_process)
            self._last_resort.daemon = True
            if os.environ.get(OWN_RUN) == str(self._run.id):
                self._last_resort.start()
        self._stopper.stop(reason)

    def _end_process(self) -> None:
        """End this process and all that the run has started; the run was told to end and has not."""
        from headrace.sdk.execution.groups import end_own_group

        _log.error("The flow run %r does not stop: its process is killed.", self._run.name)
        try:
            run = self._client.read_flow_run(self._run.id)
            if run.state_type is StateType.CANCELLING:
                why = "The flow run was cancelled and did not stop, so its process was killed."
                self._client.set_flow_run_state(self._run.id, Cancelled(message=why), force=True)
            self._session.flush(_SOONEST)
        except HeadraceError as error:
            _log.warning("That could not be recorded: %s", error)
        end_own_group(OWN_RUN, str(self._run.id))
