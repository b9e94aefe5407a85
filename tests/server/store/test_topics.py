"""Announcements: whoever waits wakes once the transaction has committed, and only then."""

import asyncio

import pytest

from headrace.server.store.base import Store
from headrace.server.store.topics import Listener, Topic
from tests.server.store.rows_of import add_flow, count

FOREVER = 60.0


async def is_woken(listener: Listener) -> bool:
    """Whether something was announced since it last waited."""
    waiting = asyncio.create_task(listener.wait(FOREVER))
    await asyncio.sleep(0)
    woken = waiting.done()
    waiting.cancel()
    return woken


async def test_who_waits_wakes_after_the_commit_and_sees_what_was_written(store: Store) -> None:
    seen: list[int] = []

    async def follow() -> None:
        listener = store.announced(Topic.EVENTS)
        started.set()
        await listener.wait(FOREVER)
        seen.append(await count(store))

    started = asyncio.Event()
    follower = asyncio.create_task(follow())
    await started.wait()
    async with store.transaction() as transaction:
        transaction.announce(Topic.EVENTS)
        await add_flow(transaction, "written")
        assert not follower.done()
    await follower
    assert seen == [1]


async def test_nobody_is_woken_inside_the_transaction_nor_by_one_that_is_undone(store: Store) -> None:
    listener = store.announced(Topic.EVENTS)
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as transaction:
            transaction.announce(Topic.EVENTS)
            assert not await is_woken(listener)
            raise ZeroDivisionError
    assert not await is_woken(listener)


async def test_what_is_announced_while_nobody_waits_is_heard_by_the_next_wait_once(store: Store) -> None:
    listener = store.announced(Topic.LOGS)
    store.announce(Topic.LOGS)
    store.announce(Topic.LOGS)
    assert await is_woken(listener)
    assert not await is_woken(listener)


async def test_a_topic_wakes_all_its_listeners_and_no_others(store: Store) -> None:
    first, second, other = (store.announced(topic) for topic in (Topic.ACTIONS, Topic.ACTIONS, Topic.AUTOMATIONS))
    store.announce(Topic.ACTIONS)
    assert [await is_woken(listener) for listener in (first, second, other)] == [True, True, False]


async def test_waiting_ends_when_its_time_is_up(store: Store) -> None:
    await store.announced(Topic.EVENTS).wait(0.01)


async def test_a_listener_can_be_asked_without_waiting(store: Store) -> None:
    listener = store.announced(Topic.AUTOMATIONS)
    assert not listener.heard()
    store.announce(Topic.AUTOMATIONS)
    assert listener.heard()
    assert not listener.heard()
