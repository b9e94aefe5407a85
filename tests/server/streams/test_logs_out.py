"""`/logs/out`: log lines as they are written (contract §2)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from headrace.server.logs import service
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.logs import LogCreate
from headrace.wire.times import now
from tests.server.streams.listening import Client, Json, client, following, listening, log_line

RUN, TASK = str(uuid4()), str(uuid4())


@pytest.fixture
async def url(store: Store, database_settings: Settings) -> AsyncIterator[str]:
    async with listening(store, database_settings) as base:
        yield f"{base}/logs/out"


async def log(store: Store, *lines: Json) -> None:
    """Write lines as one request does."""
    await service.create(store, msgspec.convert(lines, list[LogCreate]), now())


async def until_live(store: Store, follower: Client) -> None:
    """Wait until the client has its place in the log; its filter has to let lines named "tick" of RUN pass."""
    first = asyncio.create_task(follower.receive())
    tick = log_line("tick", level=50, flow_run_id=RUN, task_run_id=TASK)
    while not first.done():
        await log(store, tick)
        await asyncio.wait([first], timeout=0.02)
    await log(store, tick | {"message": "last tick"})
    while (await follower.receive())["log"]["message"] != "last tick":
        pass


async def messages(follower: Client, count: int) -> list[str]:
    frames = await follower.take(count)
    assert all(frame["type"] == "log" for frame in frames), frames
    return [frame["log"]["message"] for frame in frames]


async def test_a_line_is_sent_as_the_api_lists_it(store: Store, url: str) -> None:
    async with following(url, {}) as follower:
        await until_live(store, follower)
        line = log_line("ground", flow_run_id=RUN, task_run_id=TASK)
        await log(store, line)
        (frame,) = await follower.take(1)
    sent = frame["log"]
    assert {name: sent[name] for name in line if name != "timestamp"} == {
        name: value for name, value in line.items() if name != "timestamp"
    }
    assert sent.keys() == line.keys() | {"id", "created", "updated"}


async def test_lines_come_in_the_order_in_which_they_were_written_whatever_their_times(store: Store, url: str) -> None:
    async with following(url, {}) as one, following(url, {}) as other:
        await until_live(store, one)
        await log(store, log_line("early"), log_line("late", timestamp="2020-01-01T00:00:00Z"))
        await log(store, *(log_line(f"line {number}") for number in range(600)))
        expected = ["early", "late", *(f"line {number}" for number in range(600))]
        assert await messages(one, 602) == expected
        while (await messages(other, 1)) != ["late"]:
            pass
        assert await messages(other, 600) == expected[2:]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"level": {"ge_": 30}}, ["warned", "end"]),
        ({"flow_run_id": {"any_": [RUN]}}, ["of the run", "of the task", "end"]),
        ({"task_run_id": {"any_": [TASK]}}, ["of the task", "end"]),
        ({"text": {"query": "warned end tick"}}, ["warned", "end"]),
        ({"operator": "or_", "level": {"ge_": 30}, "task_run_id": {"any_": [TASK]}}, ["warned", "of the task", "end"]),
    ],
)
async def test_what_the_filter_asks_for_is_sent(store: Store, url: str, wanted: Any, expected: list[str]) -> None:
    async with following(url, wanted) as follower:
        await until_live(store, follower)
        await log(
            store,
            log_line("warned", level=30),
            log_line("of the run", flow_run_id=RUN),
            log_line("of the task", flow_run_id=RUN, task_run_id=TASK),
            log_line("of another", flow_run_id=str(uuid4())),
            log_line("end", level=40, flow_run_id=RUN, task_run_id=TASK),
        )
        assert await messages(follower, len(expected)) == expected


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"type":"x"}', "Expected 'filter' message"),
        ("nonsense", "Expected 'filter' message"),
        ('{"type":"filter"}', "Invalid filter: "),
        ('{"type":"filter","filter":null}', "Invalid filter: "),
        ('{"type":"filter","filter":{"bogus":1}}', "Invalid filter: "),
        ('{"type":"filter","filter":{"level":{"ge_":"x"}}}', "Invalid filter: "),
    ],
)
async def test_another_first_frame_ends_the_conversation_with_a_reason(url: str, frame: str, reason: str) -> None:
    async with client(url) as stranger:
        await stranger.send(frame)
        code, given = await stranger.closed()
    assert code == 1002
    assert given.startswith(reason)
