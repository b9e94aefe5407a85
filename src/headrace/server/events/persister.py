"""The persister: takes events in from every connection at once, and ends those whose time is over."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import msgspec

from headrace.rules.retention import read_retention
from headrace.server.events import retention
from headrace.server.events.ingest import Handler, handled_by
from headrace.server.events.log import LoggedEvent
from headrace.server.events.writing import BATCH, Item, Outcome, persist
from headrace.server.liveness.signs import Signs, signs_in
from headrace.server.retention import service as policies
from headrace.server.services.base import Service
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.errors import HeadraceError, InternalError
from headrace.wire.times import now

_log = logging.getLogger("headrace.server.events")

PATIENCE = 60.0
"""Seconds for which events wait while the database is away."""


class EventPersister(Service):
    """Writes what arrives in batches, and trims the log once in `interval` seconds.

    What arrives while a batch is written makes the next batch, so that under load many connections share one
    transaction and nobody waits when there is none.
    """

    name = "event_persister"
    interval = 60.0

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self.outcome = Outcome()
        events = settings.server.events
        self.retention = read_retention(events.retention_period, events.retention_overrides)
        self._signs = Signs(settings)
        self._batches = _Batches(self._persist, BATCH, 0.0)

    @property
    def waiting(self) -> int:
        """Events that have arrived and are not written yet."""
        return self._batches.waiting

    @property
    def oldest_age(self) -> float | None:
        """Seconds that the first of those has waited."""
        return self._batches.oldest_age

    async def start(self) -> None:
        """Take what arrives at this process, until `stop`."""
        with handled_by(self.store, self.handle):
            await super().start()

    async def drain(self) -> None:
        """Write what has arrived."""
        await self._batches.close()

    async def tick(self) -> bool:
        """Trim what is over by now, one batch of it, as the settings and the retention policies say."""
        ended = Counter[str | None]()
        wanted = await policies.of_events(self.store, self.retention)
        more = await retention.trim(self.store, wanted, now(), ended)
        await policies.note_ended_events(self.store, ended, now())
        return more

    async def handle(self, items: Sequence[Item]) -> None:
        """Write what has arrived; it is durable when this returns.

        Raises `ServiceUnavailable` when the database is away for longer than a minute, or full.
        """
        await self._batches.add(items)

    @asynccontextmanager
    async def create_handler(
        self,
        batch_size: int = BATCH,
        flush_every: timedelta = timedelta(0),
        trim_every: timedelta = timedelta(minutes=15),
    ) -> AsyncGenerator[Handler]:
        """A handler of its own for the length of the block, and a loop that trims the log.

        `batch_size` is how many events go into one transaction at most, `flush_every` how long fewer of them
        wait for others.
        """
        batches = _Batches(self._persist, batch_size, flush_every.total_seconds())
        trimming = asyncio.create_task(self._trim(trim_every.total_seconds()))
        try:
            yield batches.add
        finally:
            trimming.cancel()
            with suppress(asyncio.CancelledError):
                await trimming
            await batches.close()

    async def _persist(self, items: Sequence[Item]) -> None:
        self.outcome += await persist(self.store, items, PATIENCE)
        if signs := signs_in(items):
            await self._heed(signs)

    async def _heed(self, signs: Sequence[LoggedEvent]) -> None:
        """Done when the events are safe, and by itself: for one sign that is not heeded, the next makes good."""
        try:
            await self._signs.heed(self.store, signs, now())
        except HeadraceError as error:
            _log.warning("signs_not_heeded", extra={"signs": len(signs), "error": str(error)})

    async def _trim(self, seconds: float) -> None:
        while True:
            more = await self.tick()
            await asyncio.sleep(0 if more else seconds)


class _Delivery(msgspec.Struct, eq=False):
    items: Sequence[Item]
    done: asyncio.Future[None]
    since: float


class _Batches:
    """Joins what several callers bring into batches, one of which is written at a time."""

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[None]], size: int, patience: float) -> None:
        self._write, self._size, self._patience = write, size, patience
        self._deliveries: list[_Delivery] = []
        self._under_way: list[_Delivery] = []
        self._full = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return sum(len(one.items) for one in (*self._under_way, *self._deliveries))

    @property
    def oldest_age(self) -> float | None:
        deliveries = (*self._under_way, *self._deliveries)
        return asyncio.get_running_loop().time() - deliveries[0].since if deliveries else None

    async def add(self, items: Sequence[Item]) -> None:
        """Have these written; a caller who is cancelled meanwhile leaves them to be written all the same."""
        if not items:
            return
        loop = asyncio.get_running_loop()
        delivery = _Delivery(items, loop.create_future(), loop.time())
        self._deliveries.append(delivery)
        if self._gathered() >= self._size:
            self._full.set()
        if self._task is None:
            self._task = loop.create_task(self._run())
        await delivery.done

    async def close(self) -> None:
        """Write what is left without waiting for more."""
        self._patience = 0.0
        self._full.set()
        if self._task is not None:
            await self._task

    def _gathered(self) -> int:
        return sum(len(one.items) for one in self._deliveries)

    async def _run(self) -> None:
        try:
            while self._deliveries:
                await self._gather()
                self._under_way = self._take()
                await self._settle(self._under_way)
                self._under_way = []
        finally:
            self._task = None

    async def _gather(self) -> None:
        """Let others join: those who are ready in this turn of the loop, or within the patience there is."""
        if self._patience <= 0 or self._gathered() >= self._size:
            await asyncio.sleep(0)
            return
        self._full.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), self._patience)

    def _take(self) -> list[_Delivery]:
        """The first deliveries, whole, until there is a batch."""
        taken = size = 0
        while taken < len(self._deliveries) and size < self._size:
            size += len(self._deliveries[taken].items)
            taken += 1
        batch, self._deliveries = self._deliveries[:taken], self._deliveries[taken:]
        return batch

    async def _settle(self, batch: Sequence[_Delivery]) -> None:
        try:
            await self._write([item for one in batch for item in one.items])
        except BaseException as error:
            if not isinstance(error, HeadraceError):
                _log.exception("events_not_written", extra={"events": sum(len(one.items) for one in batch)})
            for one in batch:
                if not one.done.done():
                    one.done.set_exception(_for_each(error))
            if not isinstance(error, Exception):
                raise
            return
        for one in batch:
            if not one.done.done():
                one.done.set_result(None)


def _for_each(error: BaseException) -> Exception:
    """The error for one of several who hear of it; an exception can be raised in one place only."""
    if isinstance(error, HeadraceError):
        return type(error)(str(error))
    return InternalError(f"Events could not be written: {error!r}.")
