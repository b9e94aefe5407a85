"""`/x/stream`: many subscriptions on one socket, each to be resumed behind a cursor."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from headrace.server.logs import service as logs
from headrace.server.store.base import Statement, Store
from headrace.server.streams import trims
from headrace.server.subscriptions import socket as stream_socket
from headrace.settings import Settings
from headrace.wire.logs import LogCreate
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.streams.listening import Client, Json, client, event, listening, log_line, write

FORGET = Statement("DELETE FROM events WHERE seq <= $1")
LAST = Statement("SELECT max(seq) FROM events")


@pytest.fixture
async def url(store: Store, database_settings: Settings) -> AsyncIterator[str]:
    async with listening(store, database_settings) as base:
        yield f"{base}/x/stream"


async def subscribe(stream: Client, id: str, channel: str, **asked: Json) -> str:
    """Begin a subscription; its first cursor."""
    await stream.send({"type": "subscribe", "id": id, "channel": channel, **asked})
    frame = await stream.receive()
    assert frame == {"type": "subscribed", "id": id, "channel": channel, "cursor": frame.get("cursor")}, frame
    return frame["cursor"]


async def collect(stream: Client, count: int) -> tuple[dict[str, list[Json]], dict[str, str]]:
    """Items by subscription until there are so many, and the last cursor of each."""
    items: dict[str, list[Json]] = {}
    cursors: dict[str, str] = {}
    while sum(map(len, items.values())) < count:
        frame = await stream.receive()
        assert frame["type"] == "items", frame
        items.setdefault(frame["id"], []).extend(frame["items"])
        cursors[frame["id"]] = frame["cursor"]
    return items, cursors


def names(items: list[Json]) -> list[str]:
    return [item["event"] for item in items]


async def log(store: Store, *lines: Json) -> None:
    await logs.create(store, msgspec.convert(lines, list[LogCreate]), now())


class TestChannels:
    async def test_each_subscription_gets_what_it_asked_for(self, store: Store, url: str) -> None:
        async with client(url) as stream:
            await subscribe(stream, "mill", "events", filter={"event": {"prefix": ["mill."]}})
            await subscribe(stream, "all", "events")
            await subscribe(stream, "warnings", "logs", filter={"level": {"ge_": 30}})
            await write(store, event("mill.on"), event("wheel.on"))
            await log(store, log_line("quiet"), log_line("loud", level=30))
            items, _ = await collect(stream, 4)
        assert names(items["mill"]) == ["mill.on"]
        assert names(items["all"]) == ["mill.on", "wheel.on"]
        assert [line["message"] for line in items["warnings"]] == ["loud"]

    async def test_related_resources_are_looked_at(self, store: Store, url: str) -> None:
        wheel = {"prefect.resource.id": "wheel.1", "prefect.resource.role": "wheel"}
        async with client(url) as stream:
            await subscribe(stream, "a", "events", filter={"related": {"id": ["wheel.1"]}})
            await write(store, event("unrelated"), event("related", related=[wheel]))
            items, _ = await collect(stream, 1)
        assert names(items["a"]) == ["related"]

    async def test_runs_tells_of_the_states_that_flow_runs_enter(self, api: Api, url: str) -> None:
        flow_id = await api.flow()
        async with client(url) as stream:
            await subscribe(stream, "all", "runs", filter={"flow_id": [flow_id]})
            await subscribe(stream, "ended", "runs", filter={"flow_id": [flow_id], "state_type": ["COMPLETED"]})
            run_id = await api.flow_run({"type": "PENDING"}, flow_id=flow_id, name="grind")
            await api.propose("flow_runs", run_id, "RUNNING")
            await api.flow_run({"type": "PENDING"})
            await api.propose("flow_runs", run_id, "COMPLETED", message="done")
            items, _ = await collect(stream, 4)
        assert [change["state_name"] for change in items["all"]] == ["Pending", "Running", "Completed"]
        (ended,) = items["ended"]
        states = await api.states("flow_run", run_id)
        assert ended == {
            "flow_run_id": run_id,
            "name": "grind",
            "flow_id": flow_id,
            "deployment_id": None,
            "state_id": states[-1]["id"],
            "state_type": "COMPLETED",
            "state_name": "Completed",
            "state_message": "done",
            "timestamp": states[-1]["timestamp"],
            "run_count": 1,
        }

    async def test_events_that_only_look_like_state_changes_are_left_out(self, store: Store, url: str) -> None:
        run_id = uuid4()
        labels = {"prefect.resource.id": f"prefect.flow-run.{run_id}", "prefect.state-type": "RUNNING"}
        async with client(url) as stream:
            await subscribe(stream, "a", "runs")
            await write(
                store,
                event("prefect.flow-run.heartbeat", f"prefect.flow-run.{run_id}"),
                event("prefect.flow-run.Odd", resource=labels | {"prefect.resource.id": "prefect.flow-run.odd"}),
                event("prefect.flow-run.Odd", resource=labels | {"prefect.state-type": "ODD"}),
                event("prefect.flow-run.Running", resource=labels),
            )
            items, _ = await collect(stream, 1)
        assert [(change["flow_run_id"], change["state_name"]) for change in items["a"]] == [(str(run_id), "Running")]


class TestResuming:
    async def test_behind_a_cursor_nothing_is_missed_and_nothing_repeated(self, store: Store, url: str) -> None:
        async with client(url) as stream:
            await subscribe(stream, "a", "events")
            await write(store, event("one"), event("two"))
            _, cursors = await collect(stream, 2)
        await write(store, event("three"), event("four"))
        async with client(url) as stream:
            assert await subscribe(stream, "a", "events", cursor=cursors["a"]) == cursors["a"]
            await write(store, event("five"))
            items, _ = await collect(stream, 3)
        assert names(items["a"]) == ["three", "four", "five"]

    async def test_a_cursor_lies_between_the_lines_of_one_batch_where_a_frame_ends_there(
        self, store: Store, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream_socket, "FRAME_CHARACTERS", 1_000)
        lines = [f"line {number:02} {'x' * 200}" for number in range(40)]
        got: list[str] = []
        async with client(url) as stream:
            cursor = await subscribe(stream, "a", "logs")
            await log(store, *(log_line(line) for line in lines))
        while len(got) < 40:
            async with client(url) as stream:
                await subscribe(stream, "a", "logs", cursor=cursor)
                items, cursors = await collect(stream, 1)
                got += [line["message"] for line in items["a"]]
                assert len(items["a"]) < 10
                cursor = cursors["a"]
        assert got == lines

    async def test_every_cursor_of_a_long_stream_resumes_it_exactly(self, store: Store, url: str) -> None:
        for number in range(50):
            await write(store, *(event(f"e{number}.{part}") for part in range(10)))
        wanted = [f"e{number}.{part}" for number in range(50) for part in range(10)]
        got: list[str] = []
        async with client(url) as stream:
            await subscribe(stream, "a", "events", backfill=True)
            items, cursors = await collect(stream, 1)
        got += names(items["a"])
        while len(got) < len(wanted):
            async with client(url) as stream:
                await subscribe(stream, "a", "events", cursor=cursors["a"])
                items, cursors = await collect(stream, 1)
                got += names(items["a"])
        assert got == wanted

    async def test_a_backfill_begins_a_quarter_of_an_hour_ago(self, store: Store, url: str) -> None:
        await write(store, event("old", occurred=now() - timedelta(minutes=20)))
        await write(store, event("recent", occurred=now() - timedelta(minutes=10)))
        await log(store, log_line("said"))
        async with client(url) as stream:
            await subscribe(stream, "a", "events", backfill=True)
            items, _ = await collect(stream, 1)
            assert names(items["a"]) == ["recent"]
            await subscribe(stream, "b", "logs", backfill=True)
            items, _ = await collect(stream, 1)
            assert [line["message"] for line in items["b"]] == ["said"]

    async def test_without_either_it_begins_at_the_end(self, store: Store, url: str) -> None:
        await write(store, event("before"))
        async with client(url) as stream:
            await subscribe(stream, "a", "events")
            await write(store, event("after"))
            items, _ = await collect(stream, 1)
        assert names(items["a"]) == ["after"]

    async def test_what_was_trimmed_behind_a_cursor_is_told(self, store: Store, url: str) -> None:
        async with client(url) as stream:
            begin = await subscribe(stream, "a", "events")
            await write(store, event("one"), event("two"), event("three"))
            await collect(stream, 3)
        async with store.transaction() as transaction:
            ((last,),) = await transaction.fetch(LAST)
            await transaction.execute(FORGET, last - 1)
            await trims.note(transaction, "events", last - 1, 2, now())
        async with client(url) as stream:
            await subscribe(stream, "a", "events", cursor=begin)
            assert await stream.receive() == {
                "type": "gap",
                "id": "a",
                "from": begin,
                "to": str(last - 1),
                "reason": "trimmed",
            }
            items, cursors = await collect(stream, 1)
            assert names(items["a"]) == ["three"]
        async with client(url) as stream:
            await subscribe(stream, "a", "events", cursor=cursors["a"])
            await write(store, event("four"))
            items, _ = await collect(stream, 1)
        assert names(items["a"]) == ["four"]

    async def test_numbers_that_were_never_kept_are_no_gap(self, store: Store, url: str) -> None:
        class Undone(Exception):
            pass

        async with client(url) as stream:
            await subscribe(stream, "a", "events")
            await write(store, event("one"))
            _, cursors = await collect(stream, 1)
        with pytest.raises(Undone):
            async with store.transaction() as transaction:
                await transaction.execute(
                    Statement("INSERT INTO log_arrivals (created, lines) VALUES ($1, '[]')"), now()
                )
                raise Undone
        await write(store, event("two"))
        async with client(url) as stream:
            await subscribe(stream, "a", "events", cursor=cursors["a"])
            items, _ = await collect(stream, 1)
        assert names(items["a"]) == ["two"]

    async def test_a_cursor_of_another_database_is_told_and_goes_on_at_the_end(self, store: Store, url: str) -> None:
        await write(store, event("before"))
        async with client(url) as stream:
            cursor = await subscribe(stream, "a", "events", cursor="999999999999")
            gap = await stream.receive()
            assert gap == {"type": "gap", "id": "a", "from": "999999999999", "to": cursor, "reason": "foreign"}
            await write(store, event("after"))
            items, _ = await collect(stream, 1)
        assert names(items["a"]) == ["after"]


class TestProtocol:
    @pytest.mark.parametrize(
        ("frame", "id", "code"),
        [
            ("nonsense", None, "invalid_frame"),
            ("[]", None, "invalid_frame"),
            ({"type": "ask", "id": "b"}, "b", "invalid_frame"),
            ({"type": "subscribe", "id": "b", "channel": "rumours"}, "b", "invalid_frame"),
            ({"type": "subscribe", "id": "", "channel": "events"}, "", "invalid_frame"),
            ({"type": "subscribe", "id": "b", "channel": "events", "extra": 1}, "b", "invalid_frame"),
            ({"type": "subscribe", "id": "b", "channel": "events", "filter": {"level": {}}}, "b", "invalid_filter"),
            ({"type": "subscribe", "id": "b", "channel": "logs", "filter": []}, "b", "invalid_filter"),
            ({"type": "subscribe", "id": "b", "channel": "runs", "filter": {"flow_id": ["x"]}}, "b", "invalid_filter"),
            ({"type": "subscribe", "id": "b", "channel": "events", "cursor": "soon"}, "b", "invalid_cursor"),
            ({"type": "subscribe", "id": "b", "channel": "events", "cursor": "9" * 30}, "b", "invalid_cursor"),
            ({"type": "subscribe", "id": "a", "channel": "events"}, "a", "subscription_exists"),
            ({"type": "unsubscribe", "id": "b"}, "b", "unknown_subscription"),
        ],
    )
    async def test_what_is_wrong_with_a_frame_is_answered_and_the_rest_goes_on(
        self, store: Store, url: str, frame: Any, id: str | None, code: str
    ) -> None:
        async with client(url) as stream:
            await subscribe(stream, "a", "events")
            await stream.send(frame)
            answer = await stream.receive()
            assert (answer["type"], answer["id"], answer["code"]) == ("error", id, code)
            assert ":" in answer["message"]
            await write(store, event("on"))
            items, _ = await collect(stream, 1)
        assert names(items["a"]) == ["on"]

    async def test_nothing_comes_for_a_subscription_that_has_ended(self, store: Store, url: str) -> None:
        async with client(url) as stream:
            await subscribe(stream, "a", "events")
            await subscribe(stream, "b", "events")
            await stream.send({"type": "unsubscribe", "id": "a"})
            assert await stream.receive() == {"type": "unsubscribed", "id": "a"}
            await write(store, event("on"))
            items, _ = await collect(stream, 1)
            assert items.keys() == {"b"}
            await subscribe(stream, "a", "events", backfill=True)
            items, _ = await collect(stream, 1)
        assert names(items["a"]) == ["on"]

    async def test_there_may_be_only_so_many(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stream_socket, "MOST_SUBSCRIPTIONS", 2)
        async with client(url) as stream:
            await subscribe(stream, "a", "events")
            await subscribe(stream, "b", "logs")
            await stream.send({"type": "subscribe", "id": "c", "channel": "runs"})
            assert (await stream.receive())["code"] == "too_many_subscriptions"

    async def test_a_heartbeat_tells_the_place_of_each_subscription_though_nothing_matched(
        self, store: Store, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream_socket, "HEARTBEAT", 0.05)
        async with client(url) as stream:
            begin = await subscribe(stream, "a", "events", filter={"event": {"name": ["never"]}})
            await write(store, event("something"), event("else"))
            while (frame := await stream.receive()) == {"type": "heartbeat", "cursors": {"a": begin}}:
                pass
            assert frame.keys() == {"type", "cursors"}
            assert int(frame["cursors"]["a"]) > int(begin)


class TestWhatIsLeftBehind:
    async def test_nothing_runs_once_clients_have_gone(self, store: Store, url: str) -> None:
        before = asyncio.all_tasks()
        async with client(url) as stream:
            await subscribe(stream, "a", "events")
            await subscribe(stream, "b", "logs")
            await subscribe(stream, "c", "runs")
            await stream.send({"type": "unsubscribe", "id": "a"})
            await stream.receive()
            await write(store, event("on"))
        async with asyncio.timeout(10):
            while left := asyncio.all_tasks() - before:
                await asyncio.wait(left)
        assert not left
