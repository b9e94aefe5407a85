"""`/events/out`: what was there, then what comes, each event once (contract §2)."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.streams.listening import client, event, following, listening, until_live, write

ALL: dict[str, Any] = {"occurred": {"until": "2100-01-01T00:00:00Z"}}


@pytest.fixture
async def url(store: Store, database_settings: Settings) -> AsyncIterator[str]:
    async with listening(store, database_settings) as base:
        yield f"{base}/events/out"


def minutes_ago(minutes: float) -> Any:
    return now() - timedelta(minutes=minutes)


class TestWhatWasThere:
    async def test_comes_first_in_the_order_in_which_it_occurred(self, store: Store, url: str) -> None:
        await write(store, event("third", occurred=minutes_ago(1)), event("first", occurred=minutes_ago(3)))
        await write(store, event("second", occurred=minutes_ago(2)))
        async with following(url, ALL) as follower:
            assert await follower.names(3) == ["first", "second", "third"]
            await write(store, event("late", occurred=minutes_ago(5)))
            assert await follower.names(1) == ["late"]

    async def test_reaches_back_a_quarter_of_an_hour_whatever_the_client_asks_for(self, store: Store, url: str) -> None:
        await write(store, event("old", occurred=minutes_ago(16)), event("recent", occurred=minutes_ago(14)))
        async with following(
            url, {"occurred": {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}}
        ) as follower:
            assert await follower.names(1) == ["recent"]
            await write(store, event("old-and-late", occurred=minutes_ago(16)), event("new"))
            assert await follower.names(1) == ["new"]

    async def test_is_left_out_on_request(self, store: Store, url: str) -> None:
        await write(store, event("before"))
        async with following(url, ALL, backfill=False) as follower:
            await until_live(store, follower)
            await write(store, event("after"))
            assert await follower.names(1) == ["after"]

    async def test_of_many_pages_each_event_comes_once_and_none_is_missed(self, store: Store, url: str) -> None:
        start = minutes_ago(5)
        same_moment = [
            event(f"e{number:04}", occurred=start + timedelta(seconds=number // 300)) for number in range(900)
        ]
        await write(store, *same_moment)
        async with following(url, ALL) as follower:
            await write(store, *(event(f"live{number}") for number in range(300)))
            names = await follower.names(1200)
        assert names == [f"e{number:04}" for number in range(900)] + [f"live{number}" for number in range(300)]

    async def test_of_distinct_resources_the_first_of_each_is_sent(self, store: Store, url: str) -> None:
        await write(store, event("a1", "a"), event("a2", "a"), event("b1", "b"))
        async with following(url, ALL | {"resource": {"distinct": True}}) as follower:
            assert await follower.names(2) == ["a1", "b1"]
            await write(store, event("a3", "a"))
            assert await follower.names(1) == ["a3"]

    async def test_is_matched_by_related_resources_which_live_events_are_not(self, store: Store, url: str) -> None:
        wheel = {"prefect.resource.id": "wheel.1", "prefect.resource.role": "wheel"}
        await write(store, event("unrelated"), event("related", related=[wheel]))
        async with following(url, ALL | {"related": {"id": ["wheel.1"]}}) as follower:
            assert await follower.names(1) == ["related"]
            await write(store, event("live"))
            assert await follower.names(1) == ["live"]


class TestWhatComes:
    async def test_is_sent_as_it_was_received(self, store: Store, url: str) -> None:
        wheel = {"prefect.resource.id": "wheel.1", "prefect.resource.role": "wheel"}
        sent = event(
            "ground", related=[wheel], payload={"z": [1, 2.5, None], "a": "\u00e9\u0000"}, follows=str(uuid4())
        )
        async with following(url, ALL) as follower:
            await write(store, sent)
            frame = await follower.receive()
        assert frame["type"] == "event"
        assert frame["event"].keys() == sent.keys() | {"received"}
        assert {name: frame["event"][name] for name in sent if name != "occurred"} == {
            name: value for name, value in sent.items() if name != "occurred"
        }
        assert list(frame["event"]["payload"]) == ["z", "a"]

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            ({"event": {"prefix": ["mill."]}}, ["mill.on", "mill.off", "mill.end"]),
            ({"event": {"name": ["mill.off", "mill.end"]}}, ["mill.off", "mill.end"]),
            ({"resource": {"id": ["wheel"]}}, ["mill.off", "mill.end"]),
            ({"any_resource": {"labels": {"prefect.resource.id": "st*"}}}, ["mill.on", "mill.end"]),
            ({"text": {"query": "stone"}}, ["mill.on", "mill.end"]),
        ],
    )
    async def test_is_what_the_filter_asks_for(self, store: Store, url: str, wanted: Any, expected: list[str]) -> None:
        related = [{"prefect.resource.id": "stone", "prefect.resource.role": "stone"}]
        async with following(url, ALL | wanted) as follower:
            await write(
                store,
                event("mill.on", "mill", related=related),
                event("mill.off", "wheel"),
                event("other", "x"),
                event("mill.end", "wheel", related=related),
            )
            assert await follower.names(len(expected)) == expected

    async def test_reaches_every_client_in_the_order_of_the_log(self, store: Store, url: str) -> None:
        async with following(url, ALL) as one, following(url, ALL) as other:
            for number in range(20):
                await write(store, *(event(f"e{number}.{part}") for part in range(10)))
            expected = [f"e{number}.{part}" for number in range(20) for part in range(10)]
            assert await one.names(200) == expected
            assert await other.names(200) == expected

    async def test_of_events_that_were_sent_twice_comes_once(self, store: Store, url: str) -> None:
        twice = event("twice")
        async with following(url, ALL) as follower:
            await write(store, twice)
            await write(store, twice, event("end"))
            assert await follower.names(2) == ["twice", "end"]

    async def test_is_not_lost_when_clients_come_and_go_while_events_are_written(self, store: Store, url: str) -> None:
        async def writing() -> None:
            for number in range(60):
                await write(store, event(f"e{number}"))
                await asyncio.sleep(0)

        async def one_client() -> list[str]:
            async with following(url, ALL) as follower:
                names: list[str] = []
                while not names or names[-1] != "e59":
                    names += await follower.names(1)
                return names

        task = asyncio.create_task(writing())
        everything = await asyncio.gather(*(one_client() for _ in range(8)))
        await task
        assert all(sorted(names) == sorted(f"e{number}" for number in range(60)) for names in everything)


class TestProtocol:
    @pytest.mark.parametrize("first", ['{"type":"x"}', '{"filter":{}}', "[]", "nonsense", b"\xff", "[" * 50_000])
    async def test_another_first_frame_ends_the_conversation(self, url: str, first: str | bytes) -> None:
        async with client(url) as stranger:
            await stranger.send(first)
            assert await stranger.closed() == (1002, "Expected 'filter' message")

    @pytest.mark.parametrize(
        "frame",
        [
            {"type": "filter"},
            {"type": "filter", "filter": None},
            {"type": "filter", "filter": {"bogus": 1}},
            {"type": "filter", "filter": {"occurred": {"since": "yesterday"}}},
            {"type": "filter", "filter": {"event": {"name": [1]}}},
            {"type": "filter", "filter": {}, "backfill": "maybe"},
            {"type": "filter", "filter": {"text": {"query": "é" * 300}}},
        ],
    )
    async def test_a_filter_that_is_none_ends_it_with_a_reason(self, url: str, frame: Any) -> None:
        async with client(url) as stranger:
            await stranger.send(frame)
            code, reason = await stranger.closed()
        assert code == 1002
        assert reason.startswith("Invalid filter: ")

    async def test_what_a_client_says_later_is_passed_over_and_its_pings_are_answered(
        self, store: Store, url: str
    ) -> None:
        async with following(url, ALL) as follower:
            await follower.send("whatever")
            await follower.send(json.dumps({"type": "filter", "filter": {"event": {"name": ["x"]}}}))
            await (await follower.connection.ping())
            await write(store, event("still-here"))
            assert await follower.names(1) == ["still-here"]

    async def test_it_is_not_there_where_it_is_switched_off(self, store: Store, database_settings: Settings) -> None:
        server = msgspec.structs.replace(
            database_settings.server,
            events=msgspec.structs.replace(database_settings.server.events, stream_out_enabled=False),
        )
        async with listening(store, msgspec.structs.replace(database_settings, server=server)) as base:
            with pytest.raises(InvalidStatus) as caught:
                async with client(f"{base}/events/out"):
                    pass
        assert caught.value.response.status_code == 404


class TestWhatIsLeftBehind:
    async def test_nothing_runs_once_the_last_client_has_gone(self, store: Store, url: str) -> None:
        before = asyncio.all_tasks()
        async with following(url, ALL) as one, following(url, ALL) as other:
            await write(store, event("e"))
            assert [await one.names(1), await other.names(1)] == [["e"], ["e"]]
        async with asyncio.timeout(10):
            while left := asyncio.all_tasks() - before:
                await asyncio.wait(left)
