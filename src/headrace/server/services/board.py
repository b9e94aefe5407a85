"""What one process shows of its services to the other servers of the database, and what it is told by them.

A board looks at the table `services` every `LOOK` seconds: it takes and renews the leases of exclusive services, hears
which services are paused or asked to run now, and tells how those of this process are doing.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

from headrace.server.services import queries
from headrace.server.services.base import Service
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.services.queries import Telling
from headrace.server.store.base import Store, Topic
from headrace.wire.errors import HeadraceError

LEASE, LOOK = 6.0, 2.0
"""Seconds that a lease holds, and between two looks: a server that was killed is replaced within their sum."""

MARGIN = 0.5
"""Seconds before its lease runs out at which a server stops ticking."""

BETWEEN_TELLINGS = 5.0

_log = logging.getLogger("headrace.server.services")


class Board:
    """The services of one process over one store."""

    def __init__(self, store: Store, services: Sequence[Service]) -> None:
        self.store = store
        self.holder = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
        self._services = {service.name: service for service in services}
        self._exclusive = {service.name: service for service in services if isinstance(service, ExclusiveService)}
        self._listener = store.announced(Topic.SERVICES)
        self._tell_at = 0.0
        self._known = self._failing = False

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None]:
        """Look again and again for the length of the block; at its end the leases go back."""
        task = asyncio.create_task(self._run(), name="board")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            with suppress(HeadraceError):
                await self.leave()

    async def look(self) -> None:
        """Renew, hear and tell, once."""
        if not self._known:
            async with self.store.transaction() as transaction:
                await queries.make(transaction, list(self._services))
            self._known = True
        await self._renew()
        await self._hear()
        if time.monotonic() >= self._tell_at:
            await self.tell()

    async def tell(self) -> None:
        """Write how the services are doing."""
        self._tell_at = time.monotonic() + BETWEEN_TELLINGS
        told = [(service, service.record.ticks, service.record.errors) for service in self._services.values()]
        async with self.store.transaction() as transaction:
            await queries.tell(transaction, [_telling(service) for service, _, _ in told])
        for service, ticks, errors in told:
            service.record.told_ticks, service.record.told_errors = ticks, errors

    async def leave(self) -> None:
        """Give the leases back, so that another server need not wait until they run out."""
        for service in self._exclusive.values():
            service.lose()
        await self.tell()
        await queries.release(self.store, self.holder)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except HeadraceError as error:
                self._fail(error, None)
            except Exception as error:
                self._fail(error, error)
            else:
                self._failing = False
            await self._listener.wait(LOOK)

    def _fail(self, error: Exception, traceback: Exception | None) -> None:
        """Log the first of several failures; leases that are not renewed run out by themselves."""
        if not self._failing:
            _log.error("services_not_shared", extra={"error": str(error)}, exc_info=traceback)
        self._failing = True

    async def _renew(self) -> None:
        if not self._exclusive:
            return
        asked_at = time.monotonic()
        held = await queries.claim(self.store, list(self._exclusive), self.holder, LEASE)
        for name, service in self._exclusive.items():
            if name in held:
                service.hold(asked_at + LEASE - MARGIN)
            else:
                service.lose()

    async def _hear(self) -> None:
        rows = await queries.read(self.store)
        requested: list[str] = []
        for name, service in self._services.items():
            if (row := rows.get(name)) is None:
                continue
            service.pause(row.paused)
            if row.run_requested_at is not None and service.leads:
                requested.append(name)
        if requested:
            for name in await queries.take_requests(self.store, requested):
                self._services[name].ask()


def _telling(service: Service) -> Telling:
    record = service.record
    return Telling(
        name=service.name,
        ticks=record.ticks - record.told_ticks,
        last_tick=record.last_tick,
        duration=record.duration,
        lag=record.lag,
        errors=record.errors - record.told_errors,
        failures=record.failures,
        last_error=record.last_error,
        last_error_at=record.last_error_at,
    )
