"""Leases of concurrency slots, renewed in the background for as long as they are held.

One daemon thread renews all leases of the process. A forked child holds none of its parent's.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from headrace.wire.concurrency import LimitSummary
from headrace.wire.errors import Gone, HeadraceError

_RENEW_AFTER = 0.75
"""Of the duration of a lease, so that a failed renewal can be tried again before it runs out (contract §10)."""
_SOONER = 5.0
"""Seconds after which a renewal that failed is tried again."""

_log = logging.getLogger("headrace.concurrency")


class Renewer(Protocol):
    """The client of the API, as far as leases go."""

    def renew_concurrency_lease(self, lease_id: UUID, lease_duration: float = 300) -> None: ...
    def release_concurrency_slots_with_lease(self, lease_id: UUID) -> None: ...


class Lease:
    """Slots that this process holds until `release`. `lost` says that the API gave them to others."""

    def __init__(
        self, client: Renewer, lease_id: UUID, duration: float, limits: Sequence[LimitSummary], slots: int = 1
    ) -> None:
        self.id = lease_id
        self.limits = limits
        self.slots = slots
        self.names = [limit.name for limit in limits]
        self.duration = duration
        self.lost = False
        self.released = False
        self._client = client

    def release(self) -> None:
        """Give the slots back. If the API is away, they are free when the lease runs out."""
        self.released = True
        try:
            self._client.release_concurrency_slots_with_lease(self.id)
        except HeadraceError as error:
            _log.warning("The slots of %s are given back only when their lease ends: %s", ", ".join(self.names), error)

    def renew(self) -> bool:
        """Whether the lease was renewed; False also if the API did not say."""
        try:
            self._client.renew_concurrency_lease(self.id, self.duration)
        except Gone:
            self.lost = True
            if not self.released:
                _log.error("The slots of %s were lost: their lease was not renewed in time.", ", ".join(self.names))
        except HeadraceError as error:
            _log.warning("The lease of %s could not be renewed now: %s", ", ".join(self.names), error)
        else:
            return True
        return False


class Keeper:
    """Renews leases from a thread of its own, started with the first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all leases and the thread that renews them: both are another process's."""
        self._due: list[tuple[float, int, Lease]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def keep(self, lease: Lease) -> None:
        """Renew a lease until it is released or lost."""
        with self._changed:
            self._put(lease, lease.duration * _RENEW_AFTER)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="headrace-leases", daemon=True)
                self._thread.start()
            self._changed.notify()

    def renew_due(self) -> float | None:
        """Renew the leases that are due; seconds until the next one is."""
        while True:
            with self._changed:
                while self._due and self._due[0][2].released:
                    heapq.heappop(self._due)
                if not self._due:
                    return None
                if (wait := self._due[0][0] - self._clock()) > 0:
                    return wait
                lease = heapq.heappop(self._due)[2]
            renewed = lease.renew()
            if not lease.lost:
                with self._changed:
                    self._put(lease, lease.duration * _RENEW_AFTER if renewed else _SOONER)

    def _put(self, lease: Lease, delay: float) -> None:
        heapq.heappush(self._due, (self._clock() + delay, next(self._order), lease))

    def _run(self) -> None:
        while True:
            wait = self.renew_due()
            with self._changed:
                if not self._due or wait is not None:
                    self._changed.wait(wait)


KEEPER = Keeper()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=KEEPER.begin_anew)
