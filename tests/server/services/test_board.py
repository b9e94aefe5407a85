"""Several servers on one database share their services: leases, pauses, requests and what they tell of themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import ClassVar

import pytest

from headrace.server.services import board as boards
from headrace.server.services import control, queries, registry
from headrace.server.services.base import Service
from headrace.server.services.board import Board
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.services.reporting import report
from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.wire.errors import Conflict, ObjectNotFound, ServiceUnavailable
from headrace.wire.services import ServiceStatus
from tests.server.services.waiting import until


class Shared(Service):
    """Counts its ticks."""

    name: ClassVar[str] = "triggers"
    interval = 3600.0

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self.done = 0

    async def tick(self) -> bool:
        self.done += 1
        return False


class Alone(ExclusiveService):
    """Counts its ticks."""

    name: ClassVar[str] = "actions"
    interval = 3600.0

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self.done = 0

    async def tick(self) -> bool:
        self.done += 1
        return False


class Server:
    """The services of one server process."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.shared, self.alone = Shared(store, settings), Alone(store, settings)
        self.board = Board(store, [self.shared, self.alone])

    async def statuses(self) -> dict[str, ServiceStatus]:
        return {status.name: status for status in await report(self.store, self.settings)}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SERVICES", (Shared, Alone))


@pytest.fixture
async def servers(database_settings: Settings, store: Store) -> AsyncIterator[list[Server]]:
    """Two servers on one database."""
    other = make_store(database_settings)
    await other.open()
    yield [Server(store, database_settings), Server(other, database_settings)]
    await other.close()


RUN_OUT = Statement(
    "UPDATE services SET held_until = now() - interval '1 s'", sqlite="UPDATE services SET held_until = 1"
)


async def test_one_server_alone_holds_the_lease_of_an_exclusive_service(servers: list[Server]) -> None:
    one, other = servers
    await asyncio.gather(one.board.look(), other.board.look())
    assert one.alone.leads is not other.alone.leads
    for _ in range(3):
        first = one.alone.leads
        await asyncio.gather(other.board.look(), one.board.look())
        assert (one.alone.leads, other.alone.leads) == (first, not first)
    assert one.shared.leads
    assert other.shared.leads


async def test_a_lease_that_has_run_out_is_taken_by_another_server_and_lost_by_the_first(servers: list[Server]) -> None:
    one, other = servers
    await one.board.look()
    await other.board.look()
    assert not other.alone.leads
    await one.store.execute(RUN_OUT)
    await other.board.look()
    assert other.alone.leads
    await one.board.look()
    assert not one.alone.leads


async def test_a_server_that_ends_leaves_its_leases_to_the_others(servers: list[Server]) -> None:
    one, other = servers
    await one.board.look()
    await one.board.leave()
    assert not one.alone.leads
    await other.board.look()
    assert other.alone.leads


async def test_a_server_that_cannot_renew_stops_by_its_own_clock_before_others_may_begin(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = servers
    monkeypatch.setattr(boards, "LEASE", boards.MARGIN)
    await one.board.look()
    assert not one.alone.leads
    await other.board.look()
    status = (await other.statuses())["actions"]
    assert status.holder in {one.board.holder, other.board.holder}


async def test_only_the_holder_ticks_and_another_goes_on_when_it_has_gone(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "LOOK", 0.01)
    one, other = servers
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server.board.kept())
            for service in (server.shared, server.alone):
                task = asyncio.create_task(service.start())
                stack.push_async_callback(asyncio.wait, [task])
                stack.push_async_callback(service.stop)
        await until(lambda: one.alone.done + other.alone.done > 0 and one.shared.done > 0 and other.shared.done > 0)
        assert one.alone.done + other.alone.done == 1
        first, second = (one, other) if one.alone.done else (other, one)
        first.alone.lose()
        first.board.look = asyncio.Event().wait  # type: ignore[method-assign,assignment] - it stands still
        await second.store.execute(RUN_OUT)
        await until(lambda: second.alone.done > 0)
        assert first.alone.done == 1


async def test_a_paused_service_is_paused_at_every_server_until_it_is_resumed(servers: list[Server]) -> None:
    one, other = servers
    await control.set_paused(one.store, one.settings, "triggers", paused=True)
    await other.board.look()
    await turn(other.shared)
    assert other.shared.done == 0
    assert (await other.statuses())["triggers"].paused
    await control.set_paused(other.store, other.settings, "triggers", paused=False)
    await other.board.look()
    await turn(other.shared)
    assert other.shared.done == 1


async def test_a_service_asked_to_run_does_so_once_at_one_server_even_if_it_is_paused(servers: list[Server]) -> None:
    one, other = servers
    for server in servers:
        await server.board.look()
        await server.board.tell()
    await control.set_paused(one.store, one.settings, "triggers", paused=True)
    status = await control.run_now(one.store, one.settings, "triggers")
    assert status.run_requested_at is not None
    await asyncio.gather(one.board.look(), other.board.look())
    for _ in range(2):
        await turn(one.shared)
        await turn(other.shared)
    assert one.shared.done + other.shared.done == 1
    assert (await one.statuses())["triggers"].run_requested_at is None


async def test_a_request_of_an_exclusive_service_is_kept_for_its_holder(servers: list[Server]) -> None:
    one, other = servers
    await one.board.look()
    await control.run_now(other.store, other.settings, "actions")
    await other.board.look()
    assert (await other.statuses())["actions"].run_requested_at is not None
    await turn(one.alone)
    await one.board.look()
    await turn(one.alone)
    assert (one.alone.done, other.alone.done) == (2, 0)


async def test_what_no_server_runs_cannot_be_asked_to_run(servers: list[Server]) -> None:
    one, _ = servers
    with pytest.raises(Conflict, match=r"No server runs the service triggers now.*SERVICES_TRIGGERS_ENABLED"):
        await control.run_now(one.store, one.settings, "triggers")
    with pytest.raises(ObjectNotFound, match="There is no service 'miller'; there are actions, triggers"):
        await control.set_paused(one.store, one.settings, "miller", paused=True)


async def test_any_server_answers_for_all_of_them(servers: list[Server]) -> None:
    one, other = servers
    await one.board.look()
    await turn(one.shared)
    one.shared.record.begin()
    one.shared.record.fail(ValueError("the mill is broken"))
    await one.board.tell()
    other.shared.record.begin()
    status = (await other.statuses())["triggers"]
    assert (status.running, status.ticks, status.errors, status.failures) == (True, 2, 1, 1)
    assert (status.last_error, status.last_tick) == ("the mill is broken", one.shared.record.last_tick)
    alone = (await other.statuses())["actions"]
    assert (alone.running, alone.exclusive, alone.holder) == (True, True, one.board.holder)
    await one.board.tell()
    assert (await other.statuses())["triggers"].ticks == 2


async def test_a_board_goes_on_when_the_database_was_away(
    servers: list[Server], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(boards, "LOOK", 0.001)
    one, _ = servers
    failures = 3

    async def claim(*given: object) -> set[str]:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ServiceUnavailable("the database is away")
        return {"actions"}

    monkeypatch.setattr(queries, "claim", claim)
    async with one.board.kept():
        await until(lambda: one.alone.leads)
    assert [entry.message for entry in caplog.records] == ["services_not_shared"]


async def turn(service: Service) -> None:
    """One round of the service's loop, which it spends resting if it has nothing to do."""
    task = asyncio.create_task(service._turn())
    await asyncio.sleep(0)
    while not task.done():
        service.wake()
        await asyncio.sleep(0)
