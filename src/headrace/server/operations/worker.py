"""The service that carries operations out, whoever accepted them and however often the server dies meanwhile."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import msgspec

from headrace.server.latency.meter import meter_of
from headrace.server.operations import claims, freezing, queries, service
from headrace.server.operations.carrying import Carrying
from headrace.server.operations.records import Record
from headrace.server.services.base import Service
from headrace.server.store.base import Store, Topic
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.times import now

_log = logging.getLogger("headrace.server.operations")
_LOOK = 0.05
_FIRST_REST, _LONGEST_REST = 1.0, 60.0


class _Rest(msgspec.Struct, frozen=True):
    """An operation has met an error that nobody foresaw, and rests for some seconds, until it is tried again."""

    error: Exception
    seconds: float
    until: datetime


class Operations(Service):
    """Deals with the open operations in turn, a batch of each, so that a small one need not wait for a large one.

    It needs no leader: an operation is claimed by one process at a time.
    """

    name: ClassVar[str] = "operations"
    topic = Topic.OPERATIONS
    interval = 2.0

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._carrying: dict[UUID, Carrying] = {}
        self._resting: dict[UUID, _Rest] = {}

    async def tick(self) -> bool:
        """A batch of each open operation; whether one of them goes on."""
        return await self.tick_at(now())

    async def tick_at(self, moment: datetime) -> bool:
        """The same as of a moment, by which claims of others may have run out."""
        records = await claims.claim(self.store, moment)
        known = {record.id for record in records}
        self._carrying = {id: one for id, one in self._carrying.items() if id in known}
        self._resting = {id: one for id, one in self._resting.items() if id in known}
        more, failure = False, None
        for record in records:
            if record.id in self._resting and moment < self._resting[record.id].until:
                continue
            try:
                with meter_of(self.store).working():
                    more |= await self._get_on(record)
            except ServiceUnavailable as error:
                failure = error  # what others wait for is no reason to keep the rest waiting
            except Exception as error:
                self._let_rest(record.id, error, moment)  # nor is what is wrong with one of them
            else:
                self._resting.pop(record.id, None)
        if failure is not None:
            raise failure
        return more

    def error_of(self, id: UUID) -> Exception | None:
        """What an operation has met when it was last its turn, if it cannot go on."""
        return self._resting[id].error if id in self._resting else None

    async def drain(self) -> None:
        """Leave what is under way to whoever comes next, at once."""
        await freezing.stop(self.store)
        with suppress(ServiceUnavailable):  # the claims run out by themselves
            await self.store.execute(queries.RELEASE_ALL, claims.holder(self.store))

    def _let_rest(self, id: UUID, error: Exception, moment: datetime) -> None:
        before = self._resting.get(id)
        seconds = _FIRST_REST if before is None else min(2 * before.seconds, _LONGEST_REST)
        self._resting[id] = _Rest(error, seconds, moment + timedelta(seconds=seconds))
        self._carrying.pop(id, None)
        facts = {"operation": str(id), "error": str(error), "again_in_seconds": seconds}
        _log.error("operation_failed", extra=facts, exc_info=error)

    async def _get_on(self, record: Record) -> bool:
        if record.frozen is None and not record.abort_requested:
            if not freezing.is_under_way(self.store, record.id):
                freezing.begin(self.store, record)
            return False
        carrying = self._carrying.get(record.id)
        if carrying is None:
            carrying = self._carrying[record.id] = Carrying(self.store, self.settings, record)
        return await carrying.step(record)


async def carry_out_here(store: Store, settings: Settings, id: UUID) -> None:
    """Carry out an operation to its end, in a process that runs no services; others that are open go on with it."""
    worker = Operations(store, settings)
    while (await service.load(store, id)).finished is None:
        await freezing.wait(store, id)
        going_on = await worker.tick()
        if (error := worker.error_of(id)) is not None:
            raise error
        if not going_on:
            await asyncio.sleep(_LOOK)
    await worker.drain()
