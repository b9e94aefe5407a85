"""The log: every event once, in the order in which it came, with its resources, or not at all."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from headrace.server.events.log import append
from headrace.server.store.base import Statement, Store, Topic
from headrace.wire.events import Event
from headrace.wire.times import now
from tests.server.events.logged import EPOCH, make_event, numbers, orphans, related, resources

_ROW = Statement("SELECT event, resource_id, resource, related, payload, follows FROM events WHERE id = $1")


async def write(store: Store, *events: int) -> int:
    async with store.transaction() as transaction:
        return await append(transaction, [make_event(number) for number in events], now())


async def test_events_are_numbered_in_the_order_in_which_they_were_written(store: Store) -> None:
    assert await write(store, 3, 1) == 2
    assert await write(store, 2) == 1
    assert await numbers(store) == [3, 1, 2]


async def test_an_event_that_is_there_is_ignored_and_the_first_of_one_id_wins(store: Store) -> None:
    await write(store, 1, 2)
    again = [make_event(2, event="second"), make_event(3, event="first"), make_event(3, event="second"), make_event(1)]
    async with store.transaction() as transaction:
        assert await append(transaction, again, now()) == 1
    assert await numbers(store) == [1, 2, 3]
    names = [row[0] for row in await store.fetch(Statement("SELECT event FROM events ORDER BY seq"))]
    assert names == ["made", "made", "first"]
    assert await resources(store, 3) == [("r.3", 0, None)]


async def test_what_was_sent_is_kept_as_it_was_sent(store: Store) -> None:
    payload = msgspec.Raw(b'{"z": 1, "a": {"text": "\xc3\xa9"}, "z": 2}')
    leader = UUID(int=7)
    resource = {"prefect.resource.id": "r", "prefect.name": "ré"}
    tag = related("prefect.tag.x", "tag")
    event = make_event(1, event="named", resource=resource, related=[tag], payload=payload, follows=leader)
    async with store.transaction() as transaction:
        await append(transaction, [event], now())
    row = await store.fetch_one(_ROW, UUID(int=1))
    assert row is not None
    name, resource_id, kept, others, kept_payload, follows = row
    assert (name, resource_id, UUID(str(follows))) == ("named", "r", leader)
    assert msgspec.json.decode(kept) == resource
    assert msgspec.json.decode(others) == [tag]
    assert kept_payload == bytes(payload).decode()


async def test_what_no_database_can_keep_is_left_out_of_names_and_labels_and_kept_in_payloads(store: Store) -> None:
    resource = {"prefect.resource.id": "r\0", "na\0me": "\\u0000\0"}
    event = make_event(1, event="na\0med", resource=resource, related=[related("o\0", "ro\0le")], payload={"p": "\0é"})
    async with store.transaction() as transaction:
        await append(transaction, [event], now())
    row = await store.fetch_one(_ROW, UUID(int=1))
    assert row is not None
    assert (row[0], row[1]) == ("named", "r")
    assert msgspec.json.decode(row[2]) == {"prefect.resource.id": "r", "name": "\\u0000"}
    assert msgspec.json.decode(row[4]) == {"p": "\0é"}
    assert await resources(store, 1) == [("r", 0, None), ("o", 1, "role")]


async def test_an_event_is_found_by_each_of_its_resources_with_its_role(store: Store) -> None:
    others = [related("flow.1", "flow"), related("tag.x", "tag"), related("tag.x", "tag")]
    async with store.transaction() as transaction:
        await append(transaction, [make_event(1, related=others)], now())
    assert await resources(store, 1) == [
        ("r.1", 0, None),
        ("flow.1", 1, "flow"),
        ("tag.x", 2, "tag"),
        ("tag.x", 3, "tag"),
    ]


async def test_events_of_the_server_itself_are_written_with_the_same_call(store: Store) -> None:
    made = Event(id=UUID(int=1), occurred=EPOCH, event="made", resource={"prefect.resource.id": "r"}, payload={"n": 1})
    async with store.transaction() as transaction:
        assert await append(transaction, [made], now()) == 1
    row = await store.fetch_one(_ROW, UUID(int=1))
    assert row is not None
    assert row[4] == '{"n":1}'


async def test_nothing_is_written_and_nobody_woken_when_the_transaction_is_undone(store: Store) -> None:
    listener = store.announced(Topic.EVENTS)
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as transaction:
            await append(transaction, [make_event(1)], now())
            raise ZeroDivisionError
    waiting = asyncio.create_task(listener.wait(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await numbers(store) == []
    assert await orphans(store) == 0
    await write(store, 2)
    await waiting


async def test_a_number_is_never_given_twice_even_when_the_newest_event_is_gone(store: Store) -> None:
    await write(store, 1)
    before = await store.fetch(Statement("SELECT max(seq) FROM events"))
    await store.execute(Statement("DELETE FROM events"))
    await write(store, 2)
    after = await store.fetch(Statement("SELECT max(seq) FROM events"))
    assert after[0][0] > before[0][0]


async def test_no_events_are_no_work(store: Store) -> None:
    assert await write(store) == 0
