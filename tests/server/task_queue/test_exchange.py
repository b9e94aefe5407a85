"""Where workers wait for runs: whoever has waited longest comes first, and a wait that is given up loses nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from headrace.server.store.base import Store
from headrace.server.task_queue.exchange import Exchange, Wanted
from headrace.wire.errors import ServiceUnavailable
from tests.server.api import Api
from tests.server.task_queue.background import QUEUED, delay

HOLD = timedelta(seconds=30)


def waiting(exchange: Exchange, *keys: str) -> "asyncio.Task[str]":
    async def wait() -> str:
        async with asyncio.timeout(20):
            return str((await exchange.next(Wanted(keys))).run.id)

    return asyncio.create_task(wait())


async def test_who_has_waited_longest_is_served_first(api: Api, store: Store) -> None:
    exchange = Exchange(store, HOLD)
    waits = []
    for _ in range(3):
        waits.append(waiting(exchange, "grind"))
        await asyncio.sleep(0)
    ids = [await delay(api) for _ in range(3)]
    assert list(await asyncio.gather(*waits)) == ids


async def test_a_worker_is_given_only_what_it_executes(api: Api, store: Store) -> None:
    exchange = Exchange(store, HOLD)
    grinds, sifts = waiting(exchange, "grind"), waiting(exchange, "sift")
    sifted, ground = await delay(api, "sift"), await delay(api, "grind")
    assert [await grinds, await sifts] == [ground, sifted]


async def test_a_wait_that_is_given_up_loses_no_run(api: Api, store: Store) -> None:
    exchange = Exchange(store, HOLD)
    ids = {await delay(api) for _ in range(20)}
    given: list[str] = []
    while len(given) < len(ids):
        given_up = waiting(exchange, "grind")
        for _ in range(len(given) % 7):
            await asyncio.sleep(0)
        given_up.cancel()
        results = await asyncio.gather(given_up, return_exceptions=True)
        given += [result for result in results if isinstance(result, str)]
        given.append(await waiting(exchange, "grind"))
    assert sorted(given) == sorted(ids)


async def test_a_database_that_is_away_is_told_to_all_who_wait_and_they_may_wait_again(
    api: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = Exchange(store, HOLD)

    async def away(*_: Any) -> Any:
        raise ServiceUnavailable("The database is away.")

    with monkeypatch.context() as broken:
        broken.setattr(store, "fetch", away)
        results = await asyncio.gather(waiting(exchange, "a"), waiting(exchange, "b"), return_exceptions=True)
        assert [type(result) for result in results] == [ServiceUnavailable, ServiceUnavailable]
    id = await delay(api, "a")
    assert await waiting(exchange, "a") == id
    assert [row[1] for row in await store.fetch(QUEUED)] == [1]
