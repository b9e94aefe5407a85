"""The log of log lines: a row for each batch, kept for some minutes."""

from datetime import timedelta

from headrace.server.logs import arrivals, service
from headrace.server.logs.following import LogSource
from headrace.server.store.base import Statement, Store
from headrace.wire.logs import LogCreate
from headrace.wire.times import now

KEPT = Statement("SELECT count(*) FROM log_arrivals")
FORGET = Statement("DELETE FROM logs WHERE message = $1")


def line(message: str) -> LogCreate:
    return LogCreate(name="mill", level=20, message=message, timestamp=now())


async def test_old_batches_go_as_new_ones_are_written_and_it_is_noted_how_far(store: Store) -> None:
    old = now() - arrivals.KEPT - timedelta(minutes=1)
    for _ in range(40):
        await service.create(store, [line("old")], old)
    newest_old = await LogSource(store).drawn()
    for _ in range(40):
        await service.create(store, [line("new")], now())
    ((kept,),) = await store.fetch(KEPT)
    assert kept == 40
    assert await LogSource(store).trimmed() == newest_old


async def test_lines_that_were_deleted_are_passed_over(store: Store) -> None:
    source = LogSource(store)
    before = await source.drawn()
    await service.create(store, [line("one"), line("two"), line("three")], now())
    await store.execute(FORGET, "two")
    items = await source.items(await source.between(before + 1, before + 1, 10))
    assert [item.value.message for item in items] == ["one", "three"]
    assert items[0].position < items[1].position


async def test_of_no_lines_nothing_is_noted(store: Store) -> None:
    before = await LogSource(store).drawn()
    await service.create(store, [], now())
    assert await LogSource(store).drawn() == before
