"""Causal order under fire: `python -m benchmarks.causality --events 10000`.

An automation fires for each event. A chain of events is sent backwards, and a fan of followers before the one they
all follow; the server is killed with -9 while they come and again while they are handled. Holds when each event has
fired once, in causal order, on both databases.
"""

import argparse
import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any, Protocol
from uuid import uuid4

from benchmarks.databases import cluster
from benchmarks.driver import Link, Refused
from benchmarks.servers import headrace
from headrace.server.store import make_store
from headrace.server.store.base import Statement, Store
from headrace.settings import ServerDatabaseSettings, ServerSettings, Settings

BATCH = 250
PATIENCE = 300.0

_FIRED = Statement("SELECT key FROM automation_firings ORDER BY id")
_COUNT = Statement("SELECT count(*) FROM automation_firings")
_AUTOMATION = {
    "name": "each event",
    "trigger": {
        "type": "event",
        "posture": "Reactive",
        "expect": ["causal"],
        "for_each": ["prefect.resource.id"],
    },
    "actions": [],
}

Event = dict[str, Any]


class Served(Protocol):
    """A server that can be killed."""

    @property
    def url(self) -> str: ...
    @property
    def pid(self) -> int: ...


@dataclass(frozen=True)
class Scenario:
    """Events in the order in which they are to be handled, and the order in which they are sent, the last one last."""

    handled: list[Event]
    sent: list[Event]


@dataclass(frozen=True)
class Outcome:
    """What fired, in order, and how long it took from the last event to the last firing, a restart included."""

    expected: list[str]
    fired: list[str]
    kills: int
    seconds: float

    @property
    def held(self) -> bool:
        """Whether each event fired once, in causal order."""
        return self.fired == self.expected


def chain(count: int) -> Scenario:
    """Each event follows the one before it, and the last comes first."""
    events = [_event(number) for number in range(count)]
    for before, event in pairwise(events):
        event["follows"] = before["id"]
    return Scenario(events, events[::-1])


def fan(count: int) -> Scenario:
    """All follow one, which comes last; the latest to occur comes first."""
    leader, *followers = events = [_event(number) for number in range(count)]
    for event in followers:
        event["follows"] = leader["id"]
    return Scenario(events, [*followers[::-1], leader])


SCENARIOS: dict[str, Callable[[int], Scenario]] = {"chain": chain, "fan": fan}


async def run(scenario: Scenario, settings: Settings, start: Callable[[], AbstractContextManager[Served]]) -> Outcome:
    """Send the events, killing the server twice; `start` serves the database of the settings."""
    half = len(scenario.sent) // 2
    with start() as server:
        await _ask(server.url, "POST", "/automations/", _AUTOMATION)
        await _send(server.url, scenario.sent[:half])
        os.kill(server.pid, signal.SIGKILL)
    store = make_store(settings)
    await store.open()
    try:
        with start() as server:
            await _send(server.url, scenario.sent[half:])
            began = monotonic()
            await _until_fired(store, 1)
            os.kill(server.pid, signal.SIGKILL)
        with start():
            await _until_fired(store, len(scenario.sent))
            seconds = monotonic() - began
        fired = [json.loads(row[0])[0] for row in await store.fetch(_FIRED)]
    finally:
        await store.close()
    return Outcome([event["resource"]["prefect.resource.id"] for event in scenario.handled], fired, 2, seconds)


async def _send(url: str, events: list[Event]) -> None:
    for start in range(0, len(events), BATCH):
        await _ask(url, "POST", "/events", events[start : start + BATCH])


async def _ask(url: str, method: str, path: str, body: Any) -> None:
    link = Link(url)
    try:
        await link.call(method, path, body)
    except Refused as error:
        raise RuntimeError(f"the server refused {path}: {error}") from error
    finally:
        link.close()


async def _until_fired(store: Store, wanted: int) -> None:
    deadline = monotonic() + PATIENCE
    while (await store.fetch(_COUNT))[0][0] < wanted:
        if monotonic() > deadline:
            raise RuntimeError(f"fewer than {wanted} events were handled within {PATIENCE:g} s")
        await asyncio.sleep(0.01)


def _event(number: int) -> Event:
    occurred = datetime.now(UTC) + timedelta(milliseconds=number)
    return {
        "id": str(uuid4()),
        "occurred": occurred.isoformat(),
        "event": "causal",
        "resource": {"prefect.resource.id": f"event.{number}"},
        "follows": None,
    }


def main() -> int:
    """Run both scenarios on both databases; answer 1 when one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.causality", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    options = parser.parse_args()
    held = True
    for name, url in _databases():
        for kind, make in SCENARIOS.items():
            with tempfile.TemporaryDirectory() as folder:
                home, database = Path(folder), url(kind)
                settings = Settings(home=home, server=ServerSettings(database=ServerDatabaseSettings(url=database)))
                outcome = asyncio.run(run(make(options.events), settings, _starter(home, database)))
            held &= outcome.held
            print(
                f"{name}, {kind} of {options.events}: {len(outcome.fired)} fired, killed {outcome.kills} times, "
                f"{outcome.seconds:.1f} s from the last event on: {'held' if outcome.held else 'MISSED'}",
                flush=True,
            )
    return 0 if held else 1


def _starter(home: Path, database: str | None) -> Callable[[], AbstractContextManager[Served]]:
    return lambda: headrace(home, database)


def _databases() -> Iterator[tuple[str, Callable[[str], str | None]]]:
    """Each database by name, with how to make one for a scenario."""
    yield "SQLite", lambda kind: None
    with cluster() as postgres:
        yield "PostgreSQL", lambda kind: postgres.create(f"causality_{kind}")


if __name__ == "__main__":
    raise SystemExit(main())
