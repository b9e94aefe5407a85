"""The one base of what the server does by itself: a loop around `tick()` that rests, backs off and drains.

    class Sweeper(Service):
        name = "sweeper"
        interval = 5.0

        async def tick(self) -> bool:
            return await sweep_some(self.store, now())  # True: there is more, tick again at once

Tests call `tick()`; the server's process runs `Service.running(store, settings)`. A service is switched off by
`HEADRACE_SERVER_SERVICES_<NAME>_ENABLED=false`. Several servers may run the same services on one database, so a tick
claims in the database what it works on, or the service is an `ExclusiveService`, which one of them runs at a time.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import ClassVar, Self
from weakref import WeakKeyDictionary

from headrace.server.services.records import Record
from headrace.server.store.base import Listener, Store, Topic
from headrace.settings import Settings
from headrace.settings.context import current
from headrace.settings.services import ServiceSettings
from headrace.wire.errors import HeadraceError, InternalError

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a tick that failed is tried again: doubled with each failure in a row."""

_log = logging.getLogger("headrace.server.services")


class Service(ABC):
    """One background loop over a store. Subclasses name themselves and say what a `tick` does.

    `interval` is the longest rest between two ticks, in seconds; an announcement of `topic` ends a rest early. What
    the base remembers for itself is mangled: no attribute of a subclass can take its place.
    """

    name: ClassVar[str]
    topic: ClassVar[Topic | None] = None
    exclusive: ClassVar[bool] = False
    interval: float = 5.0

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.record = Record()
        self.started_event = asyncio.Event()
        self.__paused = self.__asked = False
        self.__stopping = False
        self.__ended = asyncio.Event()
        self.__ended.set()
        self.__rest: asyncio.Task[None] | None = None
        self.__listener = None if self.topic is None else store.announced(self.topic)

    @abstractmethod
    async def tick(self) -> bool:
        """Do what is due now, a bounded amount of it; True if there is more to do at once."""

    async def drain(self) -> None:  # noqa: B027 (a service with nothing to finish has nothing to say)
        """Bring to an end what must not be left half done; called once, after the last tick."""

    @property
    def leads(self) -> bool:
        """Whether it is for this process to do the service's work."""
        return True

    @classmethod
    def all_services(cls) -> Sequence[type[Self]]:
        """Every service there is; called on a subclass, those that are of its kind."""
        from headrace.server.services.registry import SERVICES

        return [kind for kind in SERVICES if issubclass(kind, cls)]

    @classmethod
    def enabled_services(cls, settings: Settings | None = None) -> Sequence[type[Self]]:
        """The services that the settings, by default those in force, switch on."""
        return [kind for kind in cls.all_services() if kind.enabled(settings)]

    @classmethod
    def service_settings(cls, settings: Settings | None = None) -> ServiceSettings:
        """Its own part of the settings, by default of those in force."""
        found: ServiceSettings = getattr((settings or current()).server.services, cls.name)
        return found

    @classmethod
    def environment_variable_name(cls) -> str:
        """The variable that switches it on or off."""
        return f"HEADRACE_SERVER_SERVICES_{cls.name.upper()}_ENABLED"

    @classmethod
    def enabled(cls, settings: Settings | None = None) -> bool:
        """Whether the settings, by default those in force, switch it on."""
        return cls.service_settings(settings).enabled

    @classmethod
    def of(cls, store: Store) -> Self | None:
        """The service of this kind that runs on the store in this process, if there is one."""
        return next((service for service in _running.get(store, ()) if isinstance(service, cls)), None)

    @classmethod
    @asynccontextmanager
    async def running(
        cls, store: Store | None = None, settings: Settings | None = None
    ) -> AsyncGenerator[Sequence[Self]]:
        """Run the enabled services for the length of the block; at its end they finish what they are at.

        Without a store, that of the settings is opened for the same time.
        """
        settings = settings or current()
        async with AsyncExitStack() as stack:
            if store is None:
                from headrace.server.store import make_store

                store = make_store(settings)
                stack.push_async_callback(store.close)
                await store.open()
            services = [kind(store, settings) for kind in cls.enabled_services(settings)]
            _running[store] = (*_running.get(store, ()), *services)
            stack.callback(_forget, store, services)
            await stack.enter_async_context(_shared(store, services))
            for service in services:
                task = asyncio.create_task(service.start(), name=service.name)
                task.add_done_callback(_report_death)
                stack.push_async_callback(_finish, service, task)
                await _until_started(service, task)
            yield services

    @classmethod
    async def run_services(cls, store: Store | None = None, settings: Settings | None = None) -> None:
        """Run the enabled services until this is cancelled."""
        async with cls.running(store, settings):
            await asyncio.Event().wait()

    async def start(self) -> None:
        """Tick again and again until `stop`; a tick that fails is logged and tried again after a pause."""
        if not self.__ended.is_set():
            raise InternalError(f"The service {self.name} runs already: stop it before it is started again.")
        self.__ended.clear()
        self.__stopping = False
        self.started_event.set()
        try:
            while not self.__stopping:
                await self._turn()
            await self.drain()
        finally:
            self.started_event.clear()
            self.__ended.set()

    async def stop(self) -> None:
        """Let the tick under way come to its end, drain, and return; safe to call twice."""
        self.__stopping = True
        self.wake()
        await self.__ended.wait()

    def pause(self, paused: bool) -> None:
        """Make no more ticks, or go on with them."""
        before, self.__paused = self.__paused, paused
        if before and not paused:
            self.wake()

    def ask(self) -> None:
        """Have one tick made at once, even though the service is paused."""
        self.__asked = True
        self.wake()

    def wake(self) -> None:
        """End the rest under way, so that the next tick comes at once."""
        if self.__rest is not None:
            self.__rest.cancel()

    async def _turn(self) -> None:
        """One tick with the rest that comes after it."""
        asked, self.__asked = self.__asked, False
        if not self.leads or (self.__paused and not asked):
            self.record.rest()
            await self._until(self.interval, None)
            return
        self.record.begin()
        try:
            more = await self.tick()
        except Exception as error:
            await self._pause(error)
            return
        if self.record.succeed():
            _log.warning("service_recovered", extra={"service": self.name})
        if more:
            self.record.due_in(0)
            await asyncio.sleep(0)
        elif not self.__stopping:
            self.record.due_in(self.interval)
            await self._until(self.interval, self.__listener)

    async def _pause(self, error: Exception) -> None:
        failures = self.record.fail(error)
        seconds = min(FIRST_PAUSE * 2 ** (failures - 1), LONGEST_PAUSE)
        facts = {"service": self.name, "error": str(error), "again_in_seconds": seconds}
        expected = isinstance(error, HeadraceError) and not isinstance(error, InternalError)
        _log.error("service_failed", extra=facts, exc_info=None if expected else error)
        self.record.due_in(seconds)
        if not self.__stopping:
            await self._until(seconds, None)

    async def _until(self, seconds: float, listener: Listener | None) -> None:
        """Rest for so long, or until the listener hears something or somebody calls `wake`."""
        if self.__asked:
            return
        waiting = asyncio.sleep(seconds) if listener is None else listener.wait(seconds)
        self.__rest = asyncio.create_task(waiting)
        try:
            await asyncio.wait([self.__rest])
        finally:
            self.__rest.cancel()
            self.__rest = None


_running: WeakKeyDictionary[Store, tuple[Service, ...]] = WeakKeyDictionary()


async def _until_started(service: Service, task: asyncio.Task[None]) -> None:
    """Wait for the service; raise its error if it cannot even begin."""
    waiting = asyncio.create_task(service.started_event.wait())
    await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task


def _report_death(task: asyncio.Task[None]) -> None:
    """A failed tick is tried again; that a service has ended by itself is a fault of ours, and must not go unseen."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("service_died", extra={"service": task.get_name(), "error": str(error)}, exc_info=error)


async def _finish(service: Service, task: asyncio.Task[None]) -> None:
    await service.stop()
    await asyncio.wait((task,))


def _shared(store: Store, services: Sequence[Service]) -> AbstractAsyncContextManager[None]:
    """The board over which the servers of a database share their services."""
    from headrace.server.services.board import Board

    return Board(store, services).kept()


def _forget(store: Store, services: Sequence[Service]) -> None:
    _running[store] = tuple(service for service in _running[store] if service not in services)
