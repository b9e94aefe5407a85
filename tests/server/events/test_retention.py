"""Retention: events end when their time is over, with all that is kept about them, and no sooner."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from headrace.rules.retention import Retention
from headrace.server.events import retention
from headrace.server.events.log import append
from headrace.server.events.persister import EventPersister
from headrace.server.events.quarantine import service as quarantine
from headrace.server.events.quarantine.entries import Entry
from headrace.server.store.base import Dialect, Statement, Store
from headrace.settings import ServerEventsSettings, ServerSettings, Settings
from headrace.wire.errors import SettingsError
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.events.logged import EPOCH, make_event, numbers, orphans, related

DAY = 86_400.0
LATER = EPOCH + timedelta(days=10)
_ADD_CONSUMER = Statement(
    "INSERT INTO event_consumers (name, seq, handled, quarantined, updated) VALUES ($1, $2, 0, 0, $3)"
)
_PARK = Statement(
    "INSERT INTO event_followers (consumer, seq, id, follows, received, occurred) VALUES ($1, $2, $3, $4, $5, $5)"
)
_SEQ = Statement("SELECT seq FROM events WHERE id = $1")
_TRIMS = Statement("SELECT seq, removed FROM log_trims WHERE log = 'events'")


async def write(store: Store, number: int, *, day: float = 0, received: datetime | None = None, **fields: Any) -> int:
    """An event that occurred and came so many days after the epoch, with related resources; its place in the log."""
    others = [related("flow.1", "flow"), related("flow.1", "again"), related(f"r.{number}", "itself")]
    event = make_event(number, second=day * DAY, related=others, **fields)
    async with store.transaction() as transaction:
        await append(transaction, [event], event.occurred if received is None else received)
    row = await store.fetch_one(_SEQ, event.id)
    assert row is not None
    return row[0]


async def trim(store: Store, moment: datetime = LATER, **overrides: Any) -> None:
    wanted = Retention(7 * DAY, **overrides)
    while await retention.trim(store, wanted, moment):
        pass


async def test_events_end_with_their_resources_and_leave_no_orphans(store: Store) -> None:
    await write(store, 1)
    last = await write(store, 2, day=2.99)
    await write(store, 3, day=3.01)
    await trim(store)
    assert await numbers(store) == [3]
    assert await orphans(store) == 0
    rows = await store.fetch(Statement("SELECT count(*) FROM event_resources"))
    assert rows[0][0] == 4
    assert [tuple(row) for row in await store.fetch(_TRIMS)] == [(last, 2)]


async def test_many_are_ended_in_batches_oldest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in (1, 2, 3):
        await write(store, number)
    assert await retention.trim(store, Retention(7 * DAY), LATER)
    assert await numbers(store) == [3]
    assert not await retention.trim(store, Retention(7 * DAY), LATER)
    assert await numbers(store) == []
    assert await orphans(store) == 0
    assert (await store.fetch(_TRIMS))[0][1] == 3


@pytest.mark.parametrize("names", [{}, {"other": DAY}])
async def test_what_has_just_come_stays_whenever_its_client_thinks_it_occurred(
    store: Store, names: dict[str, float]
) -> None:
    await write(store, 1, day=-9_999, received=LATER)
    await write(store, 2, day=9_999, received=LATER)
    await write(store, 3, day=3, received=EPOCH + timedelta(days=2))
    await trim(store, names=names)
    assert await numbers(store) == [1, 2, 3] if names else [1, 2]
    await trim(store, LATER + timedelta(days=8), names=names)
    assert await numbers(store) == ([2] if names else [])


async def test_the_most_specific_name_says_how_long_shorter_or_longer(store: Store) -> None:
    for number, name in enumerate(("beat", "beat.loud", "beat.soft", "deed", "deed.done"), start=1):
        await write(store, 2 * number, day=0, event=name)
        await write(store, 2 * number + 1, day=9, event=name)
    names = {"beat.soft": 100 * DAY, "deed": 0.5 * DAY}
    await trim(store, names=names, prefixes={"beat": 100 * DAY, "beat.": 0.5 * DAY, "de": 9.5 * DAY})
    assert await numbers(store) == [2, 3, 6, 7, 11]
    assert await orphans(store) == 0


async def test_what_a_consumer_has_not_handled_stays(store: Store) -> None:
    first = await write(store, 1)
    await write(store, 2)
    await write(store, 3)
    await store.execute(_ADD_CONSUMER, "ahead", 2**40, LATER)
    await store.execute(_ADD_CONSUMER, "behind", first, LATER)
    await trim(store)
    assert await numbers(store) == [2, 3]
    await store.execute(Statement("UPDATE event_consumers SET seq = $1"), 2**40)
    await trim(store)
    assert await numbers(store) == []


async def test_a_consumer_that_has_not_moved_for_as_long_as_events_are_kept_is_not_waited_for(store: Store) -> None:
    await write(store, 1)
    await store.execute(_ADD_CONSUMER, "switched off", 0, LATER - timedelta(days=7.01))
    await trim(store)
    assert await numbers(store) == []


async def test_an_event_that_waits_for_its_leader_stays(store: Store) -> None:
    await write(store, 1)
    seq = await write(store, 2)
    await store.execute(_ADD_CONSUMER, "ahead", 2**40, LATER)
    await store.execute(_ADD_CONSUMER, "waiting", 2**40, LATER)
    await store.execute(_PARK, "waiting", seq, UUID(int=2), UUID(int=9), LATER)
    await trim(store)
    assert await numbers(store) == [2]
    await store.execute(Statement("DELETE FROM event_followers"))
    await trim(store)
    assert await numbers(store) == []


async def test_what_was_kept_aside_ends_too(api: Api, store: Store) -> None:
    async with store.transaction() as transaction:
        await quarantine.add(transaction, [Entry(None, None, None, None, "old", b"1")], EPOCH)
        await quarantine.add(transaction, [Entry(None, None, None, None, "new", b"2")], LATER)
    await trim(store)
    assert [entry["body"] for entry in (await api.post("/x/events/quarantine/filter", {})).json] == ["2"]


async def test_the_persister_trims_at_each_tick_as_the_settings_say(store: Store) -> None:
    events = ServerEventsSettings(retention_period=60.0, retention_overrides=("kept*=1e12",))
    await write(store, 1, event="kept.long")
    await write(store, 2, event="lost")
    service = EventPersister(store, Settings(server=ServerSettings(events=events)))
    assert not await service.tick()
    assert await numbers(store) == [1]


async def test_a_handlers_own_loop_trims(store: Store, database_settings: Settings) -> None:
    await write(store, 1)
    service = EventPersister(store, database_settings)
    async with service.create_handler(trim_every=timedelta(hours=1)), asyncio.timeout(30):
        while True:
            if not await numbers(store):
                break
            await asyncio.sleep(0)
    assert await orphans(store) == 0


async def test_settings_that_say_nothing_are_refused_at_the_start(store: Store) -> None:
    events = ServerEventsSettings(retention_overrides=("beat",))
    with pytest.raises(SettingsError, match=r"RETENTION_OVERRIDES has 'beat'"):
        EventPersister(store, Settings(server=ServerSettings(events=events)))


_PLAN = "SELECT seq FROM events WHERE {condition} ORDER BY {order} LIMIT 1000"
_OLDEST = (retention.OLDEST, "seq", (LATER, 2**40, 1000))
_NAMED = (retention.OF_ONE_NAME, "occurred, seq", (LATER, 2**40, "made"))


@pytest.mark.parametrize(
    ("question", "on_sqlite", "on_postgres"),
    [
        (_OLDEST, "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)", "Index Scan using pk_events on events"),
        (_NAMED, "SEARCH events USING INDEX ix_events_event (event=? AND occurred<?)", "ix_events_event"),
    ],
)
async def test_what_is_over_is_found_by_an_index(
    store: Store, question: tuple[str, str, tuple[Any, ...]], on_sqlite: str, on_postgres: str
) -> None:
    async with store.transaction() as transaction:
        names = ["made", *["often"] * 99]
        events = [make_event(number, second=number, event=names[number % 100]) for number in range(1, 4_000)]
        await append(transaction, events, now())
    condition, order, values = question
    select = _PLAN.format(condition=condition, order=order)
    if store.dialect is Dialect.POSTGRES:
        async with store.transaction() as transaction:
            # What the planner knows must not depend on when the database last looked, and nothing of the table's size.
            await transaction.execute(Statement("ANALYZE events"))
            await transaction.execute(Statement("SET LOCAL enable_seqscan = off"))
            rows = await transaction.fetch(Statement(f"EXPLAIN {select}"), *values)
        plan = "\n".join(row[0] for row in rows)
        assert on_postgres in plan
        assert "Seq Scan on events" not in plan
    else:
        rows = await store.fetch(Statement(f"EXPLAIN QUERY PLAN {select}"), *values)
        assert on_sqlite in "\n".join(row[3] for row in rows)
