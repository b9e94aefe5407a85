"""The persister: batches of all connections, nothing acknowledged that is not there, and patience."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from headrace.server.context import Context
from headrace.server.events import ingest, persister, writing
from headrace.server.events.arrivals import Arrival, Refusal
from headrace.server.events.log import append, logged
from headrace.server.events.persister import EventPersister
from headrace.server.events.writing import Item, persist
from headrace.server.store.base import Connection, Statement, Store
from headrace.settings import Settings
from headrace.wire.errors import InternalError, ServiceUnavailable, StorageFull
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.events.logged import make_event, numbers

Batch = list[int]


def arrivals(*events: int) -> list[Item]:
    return [Arrival(logged(make_event(number))) for number in events]


@pytest.fixture
def service(store: Store, database_settings: Settings) -> EventPersister:
    return EventPersister(store, database_settings)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """The events of each transaction, as the log is given them."""
    seen: list[Batch] = []

    async def watched(transaction: Connection, events: Sequence[Any], received: Any) -> int:
        seen.append([event.id.int for event in events])
        return await append(transaction, events, received)

    monkeypatch.setattr(writing, "append", watched)
    return seen


async def test_what_a_handler_took_is_durable_when_it_returns(store: Store, service: EventPersister) -> None:
    async with service.create_handler() as handler:
        await handler(arrivals(1, 2))
        assert await numbers(store) == [1, 2]
        await handler([])


async def test_what_arrives_at_the_same_time_or_during_a_write_shares_a_transaction(
    service: EventPersister, batches: list[Batch]
) -> None:
    async with service.create_handler() as handler:
        await asyncio.gather(*(handler(arrivals(number)) for number in range(1, 6)))
    assert batches == [[1, 2, 3, 4, 5]]


async def test_a_batch_has_no_more_events_than_it_may_but_for_one_callers(
    service: EventPersister, batches: list[Batch]
) -> None:
    async with service.create_handler(batch_size=2) as handler:
        await asyncio.gather(handler(arrivals(1)), handler(arrivals(2)), handler(arrivals(3)), handler(arrivals(4, 5)))
    assert batches == [[1, 2], [3, 4, 5]]


async def test_a_caller_with_very_many_events_has_them_written_in_several_transactions(
    store: Store, service: EventPersister, batches: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "BATCH", 2)
    await service.handle(arrivals(1, 2, 3, 4, 5))
    assert batches == [[1, 2], [3, 4], [5]]
    assert await numbers(store) == [1, 2, 3, 4, 5]


async def test_few_events_wait_for_others_until_there_is_a_batch(service: EventPersister, batches: list[Batch]) -> None:
    async with service.create_handler(batch_size=3, flush_every=timedelta(hours=1)) as handler:
        first = asyncio.create_task(handler(arrivals(1)))
        await asyncio.sleep(0)
        assert service.outcome.persisted == 0
        await asyncio.gather(first, handler(arrivals(2, 3)))
    assert batches == [[1, 2, 3]]


async def test_few_events_wait_no_longer_than_they_may(service: EventPersister, batches: list[Batch]) -> None:
    async with service.create_handler(batch_size=3, flush_every=timedelta(milliseconds=1)) as handler:
        await handler(arrivals(1))
    assert batches == [[1]]


async def test_what_still_waits_when_a_handler_is_closed_is_written(store: Store, service: EventPersister) -> None:
    async with service.create_handler(batch_size=3, flush_every=timedelta(hours=1)) as handler:
        waiting = asyncio.create_task(handler(arrivals(1)))
        await asyncio.sleep(0)
    await waiting
    assert await numbers(store) == [1]


async def test_a_caller_who_goes_away_takes_nothing_with_him(store: Store, service: EventPersister) -> None:
    leaving = asyncio.create_task(service.handle(arrivals(1)))
    staying = asyncio.create_task(service.handle(arrivals(2)))
    await asyncio.sleep(0)
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    await staying
    assert await numbers(store) == [1, 2]


async def test_it_counts_what_became_of_what_it_took(service: EventPersister) -> None:
    await service.handle(arrivals(1, 2))
    await service.handle([*arrivals(2, 3), Refusal("no JSON", b"{")])
    assert (service.outcome.persisted, service.outcome.duplicates, service.outcome.quarantined) == (3, 1, 1)
    assert (service.waiting, service.oldest_age) == (0, None)


class Outage:
    """A database that fails some times before it works again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failures: int, error: Exception) -> None:
        self.left, self.error = failures, error
        self.tried = asyncio.Event()
        monkeypatch.setattr(writing, "append", self.append)

    async def append(self, transaction: Connection, events: Sequence[Any], received: Any) -> int:
        self.tried.set()
        if self.left > 0:
            self.left -= 1
            raise self.error
        return await append(transaction, events, received)


async def test_events_wait_while_the_database_is_away_and_are_written_when_it_is_back(
    store: Store, service: EventPersister, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(monkeypatch, 3, ServiceUnavailable("away"))
    waiting = asyncio.create_task(service.handle(arrivals(1)))
    await outage.tried.wait()
    assert service.waiting == 1
    assert service.oldest_age is not None
    await waiting
    assert await numbers(store) == [1]


async def test_a_database_that_stays_away_refuses_all_who_wait_and_takes_them_when_they_come_again(
    store: Store, service: EventPersister, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persister, "PATIENCE", 0.05)
    outage = Outage(monkeypatch, 1_000, ServiceUnavailable("away"))
    refused = await asyncio.gather(*(service.handle(arrivals(number)) for number in (1, 2)), return_exceptions=True)
    assert [type(error) for error in refused] == [ServiceUnavailable] * 2
    assert refused[0] is not refused[1]
    outage.left = 0
    await service.handle(arrivals(1, 2))
    assert await numbers(store) == [1, 2]


async def test_a_full_disk_is_refused_at_once_and_nothing_is_acknowledged(
    store: Store, service: EventPersister, monkeypatch: pytest.MonkeyPatch
) -> None:
    Outage(monkeypatch, 1, StorageFull("full"))
    with pytest.raises(StorageFull):
        await service.handle(arrivals(1))
    assert await numbers(store) == []


async def test_a_fault_of_our_own_is_told_to_the_caller_and_stops_nobody_after_him(
    store: Store, service: EventPersister, monkeypatch: pytest.MonkeyPatch
) -> None:
    Outage(monkeypatch, 1, ZeroDivisionError("oops"))
    with pytest.raises(InternalError, match="ZeroDivisionError"):
        await service.handle(arrivals(1))
    await service.handle(arrivals(2))
    assert await numbers(store) == [2]


@pytest.fixture
async def running(service: EventPersister) -> AsyncIterator[EventPersister]:
    """A persister that takes what arrives at its store."""
    task = asyncio.create_task(service.start())
    await service.started_event.wait()
    yield service
    await service.stop()
    await task


async def test_requests_go_through_the_persister_of_the_process(
    api: Api, store: Store, running: EventPersister
) -> None:
    event = {"occurred": "2026-01-01T00:00:00Z", "event": "e", "resource": {"prefect.resource.id": "r"}}
    sent = [event | {"id": str(UUID(int=number))} for number in (1, 2, 2)]
    assert (await api.post("/events", sent)).status == 204
    assert (running.outcome.persisted, running.outcome.duplicates) == (2, 1)
    await running.stop()
    assert (await api.post("/events", sent)).status == 204
    assert running.outcome.persisted + running.outcome.duplicates == 3
    assert await numbers(store) == [1, 2]


async def test_a_request_is_not_held_up_for_longer_than_clients_wait_for_an_answer(
    store: Store, database_settings: Settings, running: EventPersister, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "_ANSWER_SECONDS", 0.05)
    outage = Outage(monkeypatch, 1_000, ServiceUnavailable("away"))
    with pytest.raises(ServiceUnavailable, match="send the events again"):
        await ingest.accept(Context(store, database_settings), [make_event(1)])
    outage.left = 0
    monkeypatch.setattr(ingest, "_ANSWER_SECONDS", 60.0)
    await ingest.accept(Context(store, database_settings), [make_event(1), make_event(2)])
    assert await numbers(store) == [1, 2]


async def test_two_servers_that_write_the_same_events_in_other_orders_both_succeed(postgres: Store) -> None:
    """Each waits for an event that the other has written: one is undone by the database, and tries again."""
    both_began = asyncio.Barrier(2)

    async def write(first: int, second: int) -> int:
        async with postgres.transaction() as transaction:
            added = await append(transaction, [make_event(first)], now())
            await both_began.wait()
            return added + await append(transaction, [make_event(second)], now())

    outcomes = await asyncio.gather(write(1, 2), write(2, 1), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if isinstance(outcome, Exception)] == [ServiceUnavailable]
    outcome = await persist(postgres, arrivals(1, 2), patience=5)
    assert (outcome.persisted, outcome.duplicates) == (0, 2)
    assert await numbers(postgres) in ([1, 2], [2, 1])


async def test_many_who_send_the_same_events_in_any_order_leave_each_once(store: Store) -> None:
    orders = [[*range(1, 21)], [*range(20, 0, -1)], [*range(2, 21, 2), *range(1, 21, 2)]] * 3
    outcomes = await asyncio.gather(*(persist(store, arrivals(*order), patience=30) for order in orders))
    assert sum(outcome.persisted for outcome in outcomes) == 20
    assert sorted(await numbers(store)) == list(range(1, 21))
    rows = await store.fetch(Statement("SELECT count(*) FROM event_resources"))
    assert rows[0][0] == 20
