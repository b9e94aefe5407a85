"""When runs are looked for and begun."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from headrace.sdk.execution.polling import Poller
from headrace.sdk.execution.under_way import UnderWay
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.flow_runs import FlowRun, FlowRunPolicy
from headrace.wire.times import now


class Execution:
    """A run that goes on until the test ends it."""

    def __init__(self, run: FlowRun, claimed: bool = True) -> None:
        self.run, self.over, self.asked = run, asyncio.Event(), list[bool]()
        self._claimed = claimed

    async def run_to_end(self) -> bool:
        await self.over.wait()
        return self._claimed

    def end(self, *, ask: bool) -> None:
        self.asked.append(ask)


class Field:
    """Runs that are due, and those that were begun."""

    def __init__(self, limit: int | None = None) -> None:
        self.runs: list[FlowRun] = []
        self.executions: list[Execution] = []
        self.asked: list[int] = []
        self.failure: Exception | None = None
        self.looked, self.started = asyncio.Event(), asyncio.Event()
        make: Any = self._make
        self.under_way = UnderWay(make, limit)
        self.poller = Poller(self._fetch, self.under_way, 10)

    def _make(self, run: FlowRun) -> Execution:
        self.executions.append(Execution(run))
        self.started.set()
        return self.executions[-1]

    async def _fetch(self, before: datetime, most: int) -> Sequence[FlowRun]:
        if self.failure is not None:
            raise self.failure
        self.asked.append(most)
        self.looked.set()
        due = [run for run in self.runs if run.next_scheduled_start_time and run.next_scheduled_start_time <= before]
        return due[:most]

    @property
    def begun(self) -> list[str]:
        return [execution.run.name for execution in self.executions]


def run(name: str, seconds: float = 0, **policy: Any) -> FlowRun:
    due = now() + timedelta(seconds=seconds)
    return FlowRun(
        id=uuid4(),
        name=name,
        flow_id=uuid4(),
        next_scheduled_start_time=due,
        empirical_policy=FlowRunPolicy(**policy),
    )


async def test_a_run_is_begun_at_its_time_and_the_next_look_is_for_the_one_after_it() -> None:
    field = Field()
    field.runs = [run("due"), run("soon", 5), run("later", 60)]
    wait = await field.poller.look()
    assert field.begun == ["due"]
    assert 3 < wait < 4.1, "a second before its time"
    assert await field.poller.look() <= 4.1
    assert field.begun == ["due"], "what is under way is not begun again"


async def test_no_more_runs_are_begun_than_the_limit_allows_and_a_full_house_asks_for_none() -> None:
    field = Field(limit=2)
    field.runs = [run(name) for name in "abc"]
    await field.poller.look()
    assert field.begun == ["a", "b"]
    await field.poller.look()
    assert field.asked == [2]
    field.under_way.freed.clear()
    field.executions[0].over.set()
    field.runs = field.runs[1:]
    await asyncio.wait_for(field.under_way.freed.wait(), 10)
    await field.poller.look()
    assert field.begun == ["a", "b", "c"]


async def test_a_run_that_waits_for_its_next_try_in_its_own_process_is_left_to_it() -> None:
    field = Field()
    field.runs = [run("own", retry_type="in_process"), run("anybodys", retry_type="reschedule")]
    await field.poller.look()
    assert field.begun == ["anybodys"]


async def test_a_run_that_could_not_be_claimed_does_not_bring_the_next_look_forward() -> None:
    field = Field()
    field.runs = [run("elsewhere")]
    await field.poller.look()
    field.executions[0]._claimed = False
    field.under_way.freed.clear()
    field.executions[0].over.set()
    await field.under_way.empty()
    assert not field.under_way.freed.is_set()


async def test_an_api_that_is_away_is_told_once_and_looked_for_again(caplog: pytest.LogCaptureFixture) -> None:
    field = Field()
    field.failure = ServiceUnavailable("nobody there")
    with caplog.at_level(logging.WARNING, "headrace.runner"):
        for _ in range(3):
            assert 0 < await field.poller.look() <= 10
        field.failure = None
        await field.poller.look()
    assert [record.message for record in caplog.records] == [
        "No runs can be fetched; this is tried again until they can be: nobody there",
        "Runs can be fetched again.",
    ]


async def test_being_woken_brings_the_next_look_forward() -> None:
    field = Field()
    looking = asyncio.create_task(field.poller.run())
    await asyncio.wait_for(field.looked.wait(), 5)
    field.runs = [run("new")]
    field.poller.wake.set()
    await asyncio.wait_for(field.started.wait(), 5)
    assert field.begun == ["new"]
    looking.cancel()


async def test_only_runs_that_are_executed_here_are_ended_here() -> None:
    field = Field()
    field.runs = [run("here")]
    await field.poller.look()
    field.under_way.end(uuid4())
    field.under_way.end(field.runs[0].id, ask=False)
    assert field.executions[0].asked == [False]
