"""The tail of a log: one reader for all, a ring, and the database for whoever has fallen behind it."""

import asyncio
from collections.abc import Sequence

import pytest

from headrace.server.events.following import EventSource
from headrace.server.store.base import Listener, Row, Statement, Store, Topic
from headrace.server.streams import tail as tails
from headrace.server.streams import trims
from headrace.server.streams.positions import WHOLE, Position, read_cursor
from headrace.server.streams.tail import Follower, Item, Ring, Tail
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.events import ReceivedEvent
from headrace.wire.stream_errors import InvalidCursor
from headrace.wire.times import now
from tests.server.streams.listening import event, write

PATIENCE = 20.0
SPOIL = Statement(
    "UPDATE events SET resource = $1::text::jsonb WHERE event = 'spoiled'",
    sqlite="UPDATE events SET resource = $1 WHERE event = 'spoiled'",
)
FORGET = Statement("DELETE FROM events WHERE seq <= $1")


async def read(follower: Follower[ReceivedEvent], changed: asyncio.Event, count: int, limit: int = 100) -> list[str]:
    """The names of the next events."""
    names: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(names) < count:
            changed.clear()
            reading = await follower.read(limit)
            assert reading.gap is None
            names += [item.value.event for item in reading.items]
            if not follower.behind and len(names) < count:
                await changed.wait()
    return names


async def write_numbered(store: Store, first: int, last: int) -> list[str]:
    names = [f"e{number}" for number in range(first, last)]
    await write(store, *(event(name) for name in names))
    return names


class TestFollowing:
    async def test_two_followers_share_one_reader_and_get_the_same(self, store: Store) -> None:
        tail = Tail(EventSource(store))
        one, other = asyncio.Event(), asyncio.Event()
        async with tail.listening(one), tail.listening(other):
            first, second = tail.follow(), tail.follow()
            names = await write_numbered(store, 0, 5)
            seen = [await read(first, one, 5), await read(second, other, 5)]
            assert seen == [names, names]
            items = [(await tail.follow(Position(0)).read(100)).items for _ in range(2)]
            assert items[0][0].text is items[1][0].text

    async def test_nothing_runs_while_nobody_listens(self, store: Store) -> None:
        tail, changed = Tail(EventSource(store)), asyncio.Event()
        assert not tail.running
        async with tail.listening(changed), tail.listening(changed):
            assert tail.running
            await write_numbered(store, 0, 3)
            await read(tail.follow(Position(0)), changed, 3)
        assert not tail.running
        assert len(tail.ring) == 0
        await write_numbered(store, 3, 5)
        async with tail.listening(changed):
            follower = tail.follow()
            names = await write_numbered(store, 5, 8)
            assert await read(follower, changed, 3) == names

    async def test_one_that_is_behind_the_ring_reads_the_database_and_then_the_ring(self, store: Store) -> None:
        tail, changed = Tail(EventSource(store), items=20), asyncio.Event()
        async with tail.listening(changed):
            slow, quick = tail.follow(), tail.follow()
            names: list[str] = []
            for hundred in range(3):
                names += await write_numbered(store, 100 * hundred, 100 * hundred + 100)
                await read(quick, changed, 100)
            assert len(tail.ring) <= 20
            assert slow.position < tail.ring.start
            assert await read(slow, changed, 300, limit=7) == names

    async def test_what_is_too_big_for_the_ring_is_read_from_the_database(self, store: Store) -> None:
        tail, changed = Tail(EventSource(store), size=20_000), asyncio.Event()
        async with tail.listening(changed):
            follower = tail.follow()
            await write(store, event("big", payload={"text": "x" * 50_000}), event("small"))
            assert await read(follower, changed, 2) == ["big", "small"]
            assert tail.ring.size <= 20_000

    async def test_it_lives_through_a_database_that_is_away_and_loses_nothing(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        source, failed = EventSource(store), asyncio.Event()
        keep = source.items

        async def fail(rows: Sequence[Row]) -> list[Item[ReceivedEvent]]:
            failed.set()
            raise ServiceUnavailable("The database is away.")

        tail, changed = Tail(source), asyncio.Event()
        async with tail.listening(changed):
            follower = tail.follow()
            monkeypatch.setattr(source, "items", fail)
            names = await write_numbered(store, 0, 5)
            async with asyncio.timeout(PATIENCE):
                await failed.wait()
                await changed.wait()
            monkeypatch.setattr(source, "items", keep)
            names += await write_numbered(store, 5, 8)
            assert await read(follower, changed, 8) == names
        assert [record.getMessage() for record in caplog.records] == ["tail_failed"]

    async def test_who_comes_while_the_database_is_away_is_told_and_the_next_may_try_again(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = EventSource(store)
        tail, changed = Tail(source), asyncio.Event()

        async def away() -> int:
            raise ServiceUnavailable("The database is away.")

        with monkeypatch.context() as patch:
            patch.setattr(source, "end", away)
            with pytest.raises(ServiceUnavailable):
                async with tail.listening(changed):
                    pass
        assert not tail.running
        async with tail.listening(changed):
            follower = tail.follow()
            names = await write_numbered(store, 0, 1)
            assert await read(follower, changed, 1) == names

    async def test_what_another_process_writes_is_found_without_an_announcement(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Deaf(EventSource):
            def listener(self) -> Listener:
                return store.announced(Topic.LOGS)

        tail, changed = Tail(Deaf(store)), asyncio.Event()
        async with tail.listening(changed):
            follower = tail.follow()
            names = await write_numbered(store, 0, 3)
            assert await read(follower, changed, 3) == names

    async def test_an_announcement_is_heard_long_before_the_next_look(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tails, "POLL", 10 * PATIENCE)
        tail, changed = Tail(EventSource(store)), asyncio.Event()
        async with tail.listening(changed):
            follower = tail.follow()
            for number in range(5):
                names = await write_numbered(store, number, number + 1)
                assert await read(follower, changed, 1) == names

    async def test_an_event_that_cannot_be_read_is_left_out_alone(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        tail, changed = Tail(EventSource(store)), asyncio.Event()
        async with tail.listening(changed):
            begin = tail.end
            await write(store, event("one"), event("spoiled"), event("two"))
            assert len(await read(tail.follow(begin), changed, 3)) == 3
        await store.execute(SPOIL, '{"prefect.resource.id": 7}')
        async with tail.listening(changed):
            assert await read(tail.follow(begin), changed, 2) == ["one", "two"]
        assert [record.getMessage() for record in caplog.records] == ["event_unreadable"]


class TestGaps:
    async def test_one_that_is_behind_what_was_trimmed_is_told_once(self, store: Store) -> None:
        tail, changed = Tail(EventSource(store), items=4), asyncio.Event()
        await write(store, event("before"))
        async with tail.listening(changed):
            slow, quick = tail.follow(), tail.follow()
            begin = slow.position
            await write_numbered(store, 0, 30)
            await read(quick, changed, 30)
            trimmed = begin.seq + 10
            async with store.transaction() as transaction:
                await transaction.execute(FORGET, trimmed)
                await trims.note(transaction, "events", trimmed, 10, now())
            first = await slow.read(5)
            assert first.gap is not None
            assert (first.gap.start, first.gap.end, first.gap.reason) == (begin, Position(trimmed), "trimmed")
            names = [item.value.event for item in first.items] + await read(slow, changed, 20 - len(first.items), 5)
            assert names == [f"e{number}" for number in range(10, 30)]

    async def test_one_within_the_ring_is_not_concerned(self, store: Store) -> None:
        tail, changed = Tail(EventSource(store)), asyncio.Event()
        async with tail.listening(changed):
            slow, quick = tail.follow(), tail.follow()
            names = await write_numbered(store, 0, 5)
            await read(quick, changed, 5)
            async with store.transaction() as transaction:
                await transaction.execute(FORGET, tail.reached)
                await trims.note(transaction, "events", tail.reached, 5, now())
            assert await read(slow, changed, 5) == names

    async def test_a_place_of_another_database_becomes_the_end(self, store: Store) -> None:
        tail, changed = Tail(EventSource(store)), asyncio.Event()
        await write_numbered(store, 0, 3)
        async with tail.listening(changed):
            follower = tail.follow(Position(tail.reached + 1000))
            gap = await follower.check()
            assert gap is not None
            assert (gap.end, gap.reason) == (tail.end, "foreign")
            assert not (await follower.read(10)).items
            assert await tail.follow(Position(tail.reached)).check() is None

    async def test_a_place_that_another_server_has_reached_already_is_kept(self, store: Store) -> None:
        tail, changed = Tail(EventSource(store)), asyncio.Event()
        async with tail.listening(changed):
            await write_numbered(store, 0, 3)
            ahead = Position(await EventSource(store).drawn())
            follower = tail.follow(ahead)
            assert await follower.check() is None
            names = await write_numbered(store, 3, 5)
            assert await read(follower, changed, 2) == names


class TestRing:
    @staticmethod
    def item(seq: int, part: int = WHOLE, size: int = 1) -> Item[str]:
        return Item("event", Position(seq, part), f"{seq}", size)

    def test_holds_all_that_comes_behind_its_start(self) -> None:
        ring: Ring[str] = Ring(8, 1000)
        for seq in range(1, 50):
            ring.extend([self.item(seq)])
            assert len(ring) <= 8
            held = [item.position.seq for item in ring.after(ring.start, 100)]
            assert held == list(range(ring.start.seq + 1, seq + 1))

    def test_forgets_whole_rows(self) -> None:
        ring: Ring[str] = Ring(6, 1000)
        ring.extend([self.item(1, part) for part in (0, 1, 2)] + [self.item(1)])
        ring.extend([self.item(2, part) for part in (0, 1)] + [self.item(2)])
        assert ring.start in (Position(1), Position(2))
        assert {item.position.seq for item in ring.after(ring.start, 100)} <= {2}

    def test_counts_what_its_items_take(self) -> None:
        ring: Ring[str] = Ring(1000, 100)
        for seq in range(1, 30):
            ring.extend([self.item(seq, size=30)])
            assert ring.size == 30 * len(ring) <= 100
        ring.extend([self.item(30, size=500)])
        assert (len(ring), ring.size, ring.start) == (0, 0, Position(30))

    def test_gives_what_comes_behind_a_place_in_the_middle_of_a_row(self) -> None:
        ring: Ring[str] = Ring(100, 1000)
        ring.extend([self.item(1, 0), self.item(1, 1), self.item(1), self.item(2)])
        behind = ring.after(Position(1, 0), 2)
        assert [item.position for item in behind] == [Position(1, 1), Position(1)]


class TestCursors:
    @pytest.mark.parametrize("place", [Position(0), Position(7), Position(7, 0), Position(10**17, 123)])
    def test_come_back_as_the_place_they_are_of(self, place: Position) -> None:
        assert read_cursor(place.cursor()) == place

    @pytest.mark.parametrize("text", ["", "x", "-1", "1-", "1-2-3", " 1", "1\n", "٣", "1" * 19, "1.5"])
    def test_other_texts_are_refused(self, text: str) -> None:
        with pytest.raises(InvalidCursor, match="is no cursor"):
            read_cursor(text)
