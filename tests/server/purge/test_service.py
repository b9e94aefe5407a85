"""The service that purges: at once when something is due, quietly, and where another one has ended."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import msgspec
import pytest

from headrace.rules.pace import Pace
from headrace.server.http.routes import ROUTERS
from headrace.server.http.routing import Dispatcher
from headrace.server.latency.meter import meter_of
from headrace.server.purge.service import Purge
from headrace.server.store import make_store
from headrace.server.store.base import Dialect, Statement, Topic
from headrace.settings import Settings
from headrace.settings.services import PurgeSettings
from headrace.wire.times import now
from tests.conftest import settings_for
from tests.server.api import Api
from tests.server.purge.deleted import LATER, check_nothing_dangles, delete_runs, full_run, record, rows_in, write_lines
from tests.server.services.waiting import until


def told(settings: Settings, **terms: float) -> Settings:
    """The settings with what is said of the purge."""
    services = msgspec.structs.replace(settings.server.services, purge=PurgeSettings(**terms))
    return msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, services=services))


async def test_it_begins_as_soon_as_something_is_due_and_rests_until_the_next(
    api: Api, database_settings: Settings
) -> None:
    run = await full_run(api, await api.flow())
    async with Purge.running(api.store, told(database_settings, loop_seconds=3600)) as services:
        (service,) = [one for one in services if isinstance(one, Purge)]
        await until(lambda: service.record.ticks > 0)
        deleted = await delete_runs(api.store, run, due=now())
        api.store.announce(Topic.PURGE)
        async with asyncio.timeout(30):
            while not (await record(api.store, deleted))[0]:  # noqa: ASYNC110 (what is waited for has no event of its own)
                await asyncio.sleep(0.01)
    assert await rows_in(api.store) == {"flows": 1}


async def test_it_rests_until_the_next_is_due_at_most_until_it_is_time_to_look(
    api: Api, database_settings: Settings
) -> None:
    service = Purge(api.store, told(database_settings, loop_seconds=30))
    while await service.tick_at(LATER):
        pass  # there may be room on PostgreSQL that others have left
    assert service.interval == 30
    await delete_runs(api.store, await full_run(api, await api.flow()), due=LATER)
    assert not await service.tick_at(LATER - timedelta(seconds=5))
    assert service.interval == 5
    assert not await service.tick_at(LATER - timedelta(days=5))
    assert service.interval == 30


async def test_another_goes_on_where_one_was_killed(api: Api, database_settings: Settings) -> None:
    flow = await api.flow()
    runs = [await full_run(api, flow) for _ in range(3)]
    everything = sum((await rows_in(api.store)).values()) - 1
    deleted = await delete_runs(api.store, *runs)
    for killed_after in range(1, 100):  # each knows nothing of those before
        service = Purge(api.store, told(database_settings))
        service.pace = Pace(rows=7)
        for _ in range(killed_after):
            await service.tick_at(LATER)
            await check_nothing_dangles(api.store)
        if (await record(api.store, deleted))[0]:
            break
    assert 2 < killed_after < 20
    assert await record(api.store, deleted) == (True, everything, 0)


async def test_a_purge_that_falls_behind_says_so_once_and_when_it_has_caught_up(
    api: Api, database_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await delete_runs(api.store, await full_run(api, await api.flow()))
    service = Purge(api.store, told(database_settings, late_after_seconds=60, batch_size=50))
    service.pace = Pace(rows=10)
    with caplog.at_level(logging.WARNING):
        while await service.tick_at(LATER):
            pass
    names = [line.message for line in caplog.records if line.name == "headrace.server.purge"]
    assert names == ["purge_behind", "purge_caught_up"]


async def test_it_takes_it_easy_while_others_have_to_wait(api: Api, database_settings: Settings) -> None:
    flow = await api.flow()
    await delete_runs(api.store, *[await full_run(api, flow) for _ in range(8)])
    service = Purge(api.store, told(database_settings, longest_rest=0.01, batch_size=50))
    service.pace = Pace(rows=20)
    meter = meter_of(api.store)
    for _ in range(30):
        meter.note(perf_counter() - 0.010, 200)
    while await service.tick_at(LATER):
        for _ in range(30):
            meter.note(perf_counter() - 0.2, 200)
    assert service.pace.rest == 0.01
    assert await rows_in(api.store) == {"flows": 1}


async def test_room_that_others_have_left_goes_back_as_well(
    api: Api, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL statistics say where that is, and come when they come; so here the test says it."""
    store = api.store
    if store.dialect is Dialect.SQLITE:
        monkeypatch.setattr("headrace.server.store.sqlite._MUCH", 100_000)
    else:
        told_once = iter([["logs"]])
        monkeypatch.setattr(store, "roomy", lambda: asyncio.sleep(0, next(told_once, [])))
    run = await api.flow_run()
    await write_lines(store, 5_000, run, None)
    await store.execute(Statement("DELETE FROM logs"))
    before = (await store.space()).bytes
    service = Purge(store, database_settings)
    while await service.tick_at(LATER):
        pass
    assert service.given_back > 300_000
    assert before - (await store.space()).bytes > 300_000
    assert not await service.tick_at(LATER)


async def test_when_nothing_is_due_operations_that_are_long_over_are_forgotten(
    api: Api, database_settings: Settings
) -> None:
    run = await api.flow_run({"type": "RUNNING"})
    done = (await api.post("/x/operations", {"kind": "cancel", "target": {"ids": [run]}})).json
    await delete_runs(api.store, await full_run(api, await api.flow()))
    service = Purge(api.store, database_settings)
    while await service.tick_at(LATER):
        pass
    assert (await api.get(f"/x/operations/{done['id']}")).status == 404
    assert (service.removed["operation_items"], service.removed["operations"]) == (1, 1)


async def test_what_is_left_of_a_table_moves_together_so_that_its_room_goes_back(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.server.purge.space.WORTH_IT", 1_000)
    monkeypatch.setattr("headrace.server.store.postgres_shrinking._MUCH", 100_000)
    settings = settings_for(tmp_path, postgres_url)
    store = make_store(settings)
    await store.open()
    api = Api(Dispatcher(ROUTERS), store, settings)
    gone, kept = await api.flow_run(), await api.flow_run()
    await write_lines(store, 8_000, gone, None)
    await write_lines(store, 2_000, kept, None)  # at the end of the file, so that no vacuum can cut anything off
    deleted = await delete_runs(store, gone)
    before = (await store.space()).bytes
    service = Purge(store, settings)
    while await service.tick_at(LATER):
        pass
    after = (await store.space()).bytes
    given = (await store.fetch(Statement("SELECT purged_bytes FROM operations WHERE id = $1"), deleted))[0][0]
    assert given > 500_000
    assert abs(before - after - given) < 0.05 * before
    assert (await rows_in(store))["logs"] == 2_000
    await store.close()
