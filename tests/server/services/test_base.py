"""What holds for every service: it ticks, rests, backs off, drains and tells how it is doing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from headrace.server.services import base, registry
from headrace.server.services.base import Service
from headrace.server.services.reporting import report
from headrace.server.store import make_store
from headrace.server.store.base import Store, Topic
from headrace.settings import ServerSettings, Settings
from headrace.settings.services import ServerServicesSettings, ServiceSettings
from headrace.wire.errors import InternalError, ServiceUnavailable
from tests.conftest import settings_for
from tests.server.services.waiting import until


class Counter(Service):
    """Counts its ticks and does what the test says in each."""

    name = "triggers"
    interval = 3600.0

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self.answers: list[bool | Exception] = []
        self.done = 0
        self.drained = 0
        self.changed = asyncio.Event()

    async def tick(self) -> bool:
        self.done += 1
        self.changed.set()
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def drain(self) -> None:
        self.drained += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(condition)


class Listener(Counter):
    name = "actions"
    topic = Topic.EVENTS


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = make_store(settings_for(tmp_path))
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path)


@asynccontextmanager
async def started(service: Counter) -> AsyncIterator[None]:
    task = asyncio.create_task(service.start())
    await service.started_event.wait()
    try:
        yield
    finally:
        await service.stop()
        await task


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SERVICES", (Counter, Listener))


async def test_a_service_ticks_at_once_and_then_rests(store: Store, settings: Settings) -> None:
    service = Counter(store, settings)
    async with started(service):
        await service.until(lambda: service.record.duration is not None)
        assert service.done == 1


async def test_a_tick_that_leaves_something_is_followed_by_another(store: Store, settings: Settings) -> None:
    service = Counter(store, settings)
    service.answers = [True, True, False]
    async with started(service):
        await service.until(lambda: service.done == 3)
    assert service.done == 3


async def test_waking_ends_the_rest(store: Store, settings: Settings) -> None:
    service = Counter(store, settings)
    async with started(service):
        await service.until(lambda: service.done == 1)
        await asyncio.sleep(0)
        service.wake()
        await service.until(lambda: service.done == 2)


async def test_an_announcement_ends_the_rest(store: Store, settings: Settings) -> None:
    service = Listener(store, settings)
    async with started(service):
        await service.until(lambda: service.done == 1)
        async with store.transaction() as transaction:
            transaction.announce(Topic.EVENTS)
        await service.until(lambda: service.done == 2)


async def test_stopping_waits_for_the_tick_under_way_and_then_drains(store: Store, settings: Settings) -> None:
    inside, go_on, seen = asyncio.Event(), asyncio.Event(), list[str]()

    class Slow(Counter):
        async def tick(self) -> bool:
            inside.set()
            await go_on.wait()
            seen.append("tick")
            return False

        async def drain(self) -> None:
            seen.append("drain")

    service = Slow(store, settings)
    task = asyncio.create_task(service.start())
    await inside.wait()
    stopping = asyncio.create_task(service.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await stopping
    await task
    assert seen == ["tick", "drain"]
    assert not service.started_event.is_set()


async def test_stopping_what_never_ran_returns_at_once(store: Store, settings: Settings) -> None:
    service = Counter(store, settings)
    await service.stop()
    await service.stop()


async def test_a_service_runs_once(store: Store, settings: Settings) -> None:
    service = Counter(store, settings)
    async with started(service):
        with pytest.raises(InternalError, match="triggers runs already"):
            await service.start()


async def test_a_service_can_be_started_again(store: Store, settings: Settings) -> None:
    service = Counter(store, settings)
    for times in (1, 2):
        async with started(service):
            await service.until(lambda: service.done == times)  # noqa: B023
    assert service.drained == 2


async def test_a_failed_tick_is_logged_and_tried_again_with_growing_pauses(
    store: Store, settings: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "FIRST_PAUSE", 0.001)
    caplog.set_level(logging.INFO, "headrace.server.services")
    service = Counter(store, settings)
    service.answers = [ServiceUnavailable("the database is away"), ValueError("a bug")]
    async with started(service):
        await service.until(lambda: service.done == 3 and service.record.failures == 0)
    failed = [entry for entry in caplog.records if entry.message == "service_failed"]
    assert [entry.__dict__["again_in_seconds"] for entry in failed] == [0.001, 0.002]
    assert [entry.__dict__["error"] for entry in failed] == ["the database is away", "a bug"]
    assert [entry.exc_info is None for entry in failed] == [True, False]
    assert caplog.records[-1].message == "service_recovered"
    assert (service.record.errors, service.record.last_error) == (2, "a bug")


async def test_a_failing_service_is_not_hurried_by_announcements(store: Store, settings: Settings) -> None:
    service = Listener(store, settings)
    service.answers = [ValueError("broken")] * 2
    async with started(service):
        await service.until(lambda: service.record.failures == 1)
        for _ in range(20):
            async with store.transaction() as transaction:
                transaction.announce(Topic.EVENTS)
        assert service.done == 1


async def test_stopping_does_not_wait_for_a_pause(store: Store, settings: Settings) -> None:
    service = Counter(store, settings)
    service.answers = [ValueError("broken")] * 8
    async with asyncio.timeout(30), started(service):
        await service.until(lambda: service.record.failures == 1)


@pytest.mark.usefixtures("registered")
async def test_running_runs_what_is_enabled_and_drains_it_at_the_end(store: Store, tmp_path: Path) -> None:
    switched_off = ServerServicesSettings(actions=ServiceSettings(enabled=False))
    settings = Settings(home=tmp_path, server=ServerSettings(services=switched_off))
    async with Service.running(store, settings) as services:
        assert [type(service) for service in services] == [Counter]
        found = Counter.of(store)
        assert found is services[0]
        assert Listener.of(store) is None
        await found.until(lambda: found.done == 1)
        shown = {
            status.name: (status.enabled, status.running, status.ticks) for status in await report(store, settings)
        }
        assert shown == {"triggers": (True, True, 1), "actions": (False, False, 0)}
    assert found.drained == 1
    assert Counter.of(store) is None


async def test_a_service_that_cannot_begin_is_an_error_and_not_a_server_that_hangs(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Counter):
        async def start(self) -> None:
            raise ValueError("it is broken")

    monkeypatch.setattr(registry, "SERVICES", (Counter, Broken))
    async with asyncio.timeout(30):
        with pytest.raises(ValueError, match="it is broken"):
            async with Service.running(store, settings):
                pass
    assert [entry.message for entry in caplog.records] == ["service_died"]
    assert Counter.of(store) is None


async def test_a_service_may_name_its_own_attributes_as_it_likes(store: Store, settings: Settings) -> None:
    class Busy(Counter):
        def __init__(self, store: Store, settings: Settings) -> None:
            super().__init__(store, settings)
            self._ended = self._rest = self._stopping = self._listener = 7

    service = Busy(store, settings)
    async with started(service):
        await service.until(lambda: service.done == 1)
    assert service.drained == 1


@pytest.mark.usefixtures("registered")
async def test_running_opens_the_database_of_the_settings(settings: Settings) -> None:
    async with Service.running(settings=settings) as services:
        assert [type(service) for service in services] == [Counter, Listener]


@pytest.mark.usefixtures("registered")
async def test_run_services_runs_until_it_is_cancelled(store: Store, settings: Settings) -> None:
    task = asyncio.create_task(Service.run_services(store, settings))
    await until(lambda: Counter.of(store) is not None)
    service = Counter.of(store)
    assert service is not None
    await service.until(lambda: service.done == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert service.drained == 1


@pytest.mark.usefixtures("registered")
def test_services_of_a_kind_are_found_from_their_class() -> None:
    assert list(Service.all_services()) == [Counter, Listener]
    assert list(Listener.all_services()) == [Listener]


def test_a_service_is_switched_by_a_variable_of_its_own() -> None:
    assert Counter.environment_variable_name() == "HEADRACE_SERVER_SERVICES_TRIGGERS_ENABLED"
    assert Counter.enabled(Settings())
    off = Settings(server=ServerSettings(services=ServerServicesSettings(triggers=ServiceSettings(enabled=False))))
    assert not Counter.enabled(off)
    assert Counter.service_settings(off) == ServiceSettings(enabled=False)


def test_every_registered_service_has_a_switch_of_its_own() -> None:
    names = [kind.name for kind in Service.all_services()]
    assert len(set(names)) == len(names)
    assert all(kind.enabled(Settings()) for kind in Service.all_services())
