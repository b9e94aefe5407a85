"""A durable consumer: each event of the log is handled once, after the one it follows, whatever dies."""

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from headrace.server.events.consumers import consumer as consumers
from headrace.server.events.consumers.entries import Entry
from headrace.server.store import make_store
from headrace.server.store.base import Connection, Statement, Store
from headrace.settings import Settings
from headrace.wire.errors import InternalError
from headrace.wire.ids import uuid7
from headrace.wire.times import now
from tests.server.events.consumers.handled import Rig, happening, write

LONG_AGO = timedelta(minutes=16)


@pytest.fixture
def rig(store: Store) -> Rig:
    return Rig(store)


async def test_events_are_handled_in_the_order_of_the_log_and_once(rig: Rig) -> None:
    await write(rig.store, happening("a", occurred=5), happening("b"))
    await rig.run()
    await write(rig.store, happening("c"))
    await rig.run()
    await rig.run()
    assert await rig.handled() == ["a", "b", "c"]
    assert await rig.counts() == {"ahead": 0, "handled": 3, "quarantined": 0}


async def test_a_new_process_goes_on_where_the_last_one_stopped(store: Store) -> None:
    await write(store, happening("a"))
    await Rig(store).run()
    await write(store, happening("b"))
    second = Rig(store)
    await second.run()
    assert second.writer.batches == [["b"]]


async def test_a_batch_is_bounded_and_says_that_there_is_more(store: Store) -> None:
    rig = Rig(store, batch=10)
    await write(store, *(happening(str(number)) for number in range(25)))
    await rig.run()
    assert [len(batch) for batch in rig.writer.batches] == [10, 10, 5]


async def test_what_fails_half_way_leaves_nothing_behind(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of the consumer and what the handler wrote commit together."""
    await write(rig.store, happening("a"), happening("b", uuid7()))

    async def die(*anything: object) -> None:
        raise OSError("the process dies here")

    monkeypatch.setattr(rig.consumer, "_handle", die)
    with pytest.raises(OSError, match="dies here"):
        await rig.consumer.turn()
    assert (await rig.counts())["ahead"] == 2
    assert await rig.parked() == 0
    monkeypatch.undo()
    await rig.run()
    assert await rig.handled() == ["a"]
    assert await rig.parked() == 1


async def test_a_follower_waits_for_its_leader_as_a_row(store: Store) -> None:
    leader = happening("leader")
    await write(store, happening("follower", leader))
    await Rig(store).run()
    assert await Rig(store).handled() == []
    await write(store, leader)
    rig = Rig(store)
    await rig.run()
    assert await rig.handled() == ["leader", "follower"]
    assert await rig.parked() == 0
    assert await rig.counts() == {"ahead": 0, "handled": 2, "quarantined": 0}


async def test_a_follower_of_one_that_was_handled_is_handled_at_once(rig: Rig) -> None:
    leader = happening("leader")
    await write(rig.store, leader)
    await rig.run()
    await write(rig.store, happening("follower", leader))
    await rig.run()
    assert await rig.handled() == ["leader", "follower"]


async def test_what_follows_a_parked_event_is_parked_behind_it(rig: Rig) -> None:
    first = happening("1")
    second = happening("2", first)
    await write(rig.store, second)
    await rig.run()
    await write(rig.store, happening("3", second))
    await rig.run()
    assert await rig.parked() == 2
    await write(rig.store, first)
    await rig.run()
    assert await rig.handled() == ["1", "2", "3"]


async def test_siblings_that_waited_are_handled_as_they_occurred(rig: Rig) -> None:
    leader = happening("leader")
    await write(rig.store, happening("late", leader, occurred=9), happening("early", leader, occurred=1))
    await rig.run()
    await write(rig.store, leader)
    await rig.run()
    assert await rig.handled() == ["leader", "early", "late"]


@pytest.mark.parametrize("batch", [1, 7, 250])
async def test_a_chain_that_comes_backwards(store: Store, batch: int) -> None:
    chain = [happening("0")]
    for number in range(1, 100):
        chain.append(happening(str(number), chain[-1]))
    rig = Rig(store, batch=batch)
    for event in reversed(chain):
        await write(store, event)
    await rig.run()
    assert await rig.handled() == [str(number) for number in range(100)]
    assert await rig.parked() == 0
    assert max(map(len, rig.writer.batches)) <= 2 * batch


@pytest.mark.parametrize("batch", [7, 250])
async def test_many_followers_of_one(store: Store, batch: int) -> None:
    leader = happening("leader")
    fan = [happening(str(number), leader, occurred=number) for number in range(100)]
    rig = Rig(store, batch=batch)
    await write(store, *reversed(fan))
    await rig.run()
    await write(store, leader)
    await rig.run()
    assert await rig.handled() == ["leader", *(str(number) for number in range(100))]
    assert await rig.counts() == {"ahead": 0, "handled": 101, "quarantined": 0}
    assert max(map(len, rig.writer.batches)) <= 2 * batch


async def test_a_tree_comes_out_whole_in_small_batches(store: Store) -> None:
    """Whatever is cut off by the bound of a transaction is handled in the next ones, each after its leader."""
    tree = [happening("0")]
    for number in range(1, 120):
        tree.append(happening(str(number), tree[(number - 1) // 3], occurred=number))
    rig = Rig(store, batch=5)
    await write(store, *tree[:0:-1])
    await rig.run()
    await write(store, tree[0])
    await rig.run()
    handled = [int(name) for name in await rig.handled()]
    assert sorted(handled) == list(range(120))
    place = {number: index for index, number in enumerate(handled)}
    assert all(place[(number - 1) // 3] < place[number] for number in range(1, 120))


async def test_an_event_is_not_waited_for_longer_than_the_look_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own time counts from when it came, and those behind it come after it."""
    orphan = happening("orphan", uuid7())
    await write(rig.store, happening("child", orphan), orphan)
    await rig.run()
    assert await rig.parked() == 2
    await rig.store.execute(Statement("UPDATE event_followers SET received = $1"), now() - LONG_AGO)
    again = Rig(rig.store)
    await again.run()
    assert await rig.handled() == ["orphan", "child"]
    assert await rig.parked() == 0


async def test_a_follower_that_came_long_ago_is_handled_without_its_leader(rig: Rig) -> None:
    await write(rig.store, happening("orphan", uuid7()), received=now() - LONG_AGO)
    await rig.run()
    assert await rig.handled() == ["orphan"]


async def test_a_backlog_from_long_ago_is_still_handled_in_causal_order(store: Store) -> None:
    leader = happening("leader")
    await write(store, happening("follower", leader), received=now() - LONG_AGO)
    await write(store, *(happening(str(number)) for number in range(5)), leader, received=now() - LONG_AGO)
    rig = Rig(store, batch=2)
    await rig.run()
    assert (await rig.handled())[-2:] == ["leader", "follower"]


async def test_events_that_follow_each_other_in_a_circle_are_handled_in_the_end(rig: Rig) -> None:
    first, second = happening("1"), happening("2")
    first.follows, second.follows = second.id, first.id
    await write(rig.store, first)
    await rig.run()
    await write(rig.store, second)
    await rig.run()
    assert await rig.parked() == 2
    await rig.store.execute(Statement("UPDATE event_followers SET received = $1"), now() - 2 * LONG_AGO)
    again = Rig(rig.store)
    await again.run()
    assert sorted(await rig.handled()) == ["1", "2"]


async def test_nothing_is_looked_at_while_nobody_wants_anything(rig: Rig) -> None:
    rig.writer.wanted = False
    await write(rig.store, happening("a"), happening("b", uuid7()))
    await rig.run()
    assert await rig.counts() == {"ahead": 0, "handled": 2, "quarantined": 0}
    rig.writer.wanted = True
    await write(rig.store, happening("c"))
    again = Rig(rig.store)
    await again.run()
    assert again.writer.batches == [["c"]]
    assert await rig.parked() == 0


async def test_a_wish_that_comes_while_events_are_passed_over_keeps_them(store: Store) -> None:
    """It is asked for again in the transaction that passes them over."""
    rig = Rig(store)
    asked: list[bool] = []

    async def wants_any(connection: Connection) -> bool:
        asked.append(len(asked) > 0)
        return asked[-1]

    rig.writer.wants_any = wants_any  # type: ignore[method-assign]
    await write(store, happening("a"))
    await rig.consumer.turn()
    assert (await rig.counts())["ahead"] == 1


async def test_an_event_that_the_handler_refuses_is_set_aside_alone(rig: Rig) -> None:
    rig.writer.refused = {"bad"}
    bad = happening("bad")
    await write(rig.store, happening("a"), bad, happening("after", bad), happening("b"))
    await rig.run()
    assert await rig.handled() == ["a", "after", "b"]
    assert await rig.counts() == {"ahead": 0, "handled": 3, "quarantined": 1}
    row = await rig.store.fetch_one(Statement("SELECT consumer, event, seq, reason FROM event_quarantine"))
    assert row is not None
    assert (row[0], row[1], row[3]) == ("tester", "bad", "it is refused")


async def test_an_event_that_the_database_refuses_is_found_and_set_aside_alone(rig: Rig) -> None:
    rig.writer.fatal = {"50"}
    await write(rig.store, *(happening(str(number)) for number in range(100)))
    with pytest.raises(InternalError, match="nowhere"):
        await rig.run()
    await rig.run()
    assert len(await rig.handled()) == 99
    assert await rig.counts() == {"ahead": 0, "handled": 99, "quarantined": 1}


async def test_batches_shrink_where_events_are_much_work_and_grow_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are served between two batches."""
    rig = Rig(store, batch=64)
    ticks = iter(range(1_000))
    monkeypatch.setattr(consumers, "time", SimpleNamespace(thread_time=lambda: next(ticks), monotonic=time.monotonic))
    await write(store, *(happening(str(number)) for number in range(100)))
    await rig.consumer.turn()
    await rig.consumer.turn()
    await rig.consumer.turn()
    monkeypatch.setattr(consumers, "time", SimpleNamespace(thread_time=lambda: 0, monotonic=time.monotonic))
    await write(store, *(happening(str(number)) for number in range(100, 200)))
    await rig.run()
    assert [len(batch) for batch in rig.writer.batches] == [64, 32, 4, 8, 16, 32, 44]


async def test_the_clock_is_how_far_the_log_had_come(rig: Rig) -> None:
    earlier = now() - timedelta(hours=1)
    await write(rig.store, happening("a"), received=earlier)
    await rig.run()
    await write(rig.store, happening("b"))
    await rig.run()
    assert rig.writer.clocks == [earlier, earlier]


async def test_two_servers_handle_each_event_once(database_settings: Settings, store: Store) -> None:
    other = make_store(database_settings)
    await other.open()
    try:
        one, two = Rig(store, batch=5), Rig(other, batch=5)
        await write(store, *(happening(str(number)) for number in range(60)))
        while (await one.consumer.turn()) | (await two.consumer.turn()):
            pass
        assert sorted(await one.handled(), key=int) == [str(number) for number in range(60)]
        assert one.writer.batches
        assert two.writer.batches
    finally:
        await other.close()


def test_an_entry_is_shown_whole_and_as_json() -> None:
    moment = now()
    entry = Entry(1, uuid7(), "a", moment, moment, None, '{"prefect.resource.id":"x"}', "[]", '{"n":1}')
    assert entry.whole().payload == {"n": 1}
    assert b'"payload":{"n":1}' in entry.as_json()
    broken = Entry(1, uuid7(), "a", moment, moment, None, "{}", "[]", '{"n":1e999}')
    assert b"1e999" in broken.as_json()
