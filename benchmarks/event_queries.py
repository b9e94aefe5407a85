"""Measure what asking a log of a million events costs: `python -m benchmarks.event_queries [--events 1000000]`.

Fills a database of each kind with a week of what runs tell, starts the server on it and asks what users, their tools
and a user interface ask. Prints medians and answers 1 when a budget was missed.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table

from benchmarks.databases import cluster
from benchmarks.driver import Link
from benchmarks.servers import headrace
from headrace.server.events import log
from headrace.server.store import make_store
from headrace.settings import ServerDatabaseSettings, ServerSettings, Settings
from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE, Event

_DAYS = 7
_BATCH = 2_000
_TASKS = 4
"""Task runs of a flow run; each run tells of three states."""
_STATES = ("Pending", "Running", "Completed")
_RUN_EVENTS = (_TASKS + 1) * len(_STATES)
_FLOWS, _DEPLOYMENTS = 40, 60


@dataclass(frozen=True)
class Question:
    """A call whose median is measured; `must` is milliseconds."""

    title: str
    path: str
    body: Callable[[int], Any]
    must: float | None = None


def _asked(**criteria: Any) -> Callable[[int], Any]:
    return lambda _events: {"filter": criteria}


def _last(**duration: float) -> dict[str, str]:
    until = datetime.now(UTC)
    return {"since": (until - timedelta(**duration)).isoformat(), "until": until.isoformat()}


def _run(events: int) -> str:
    """A flow run from the middle of the week."""
    return _flow_run(events // _RUN_EVENTS // 2)


QUESTIONS = (
    Question("one resource", "filter", lambda n: {"filter": {"resource": {"id": [_run(n)]}}}, must=30),
    Question("a run, itself or related", "filter", lambda n: {"filter": {"any_resource": {"id": [_run(n)]}}}, must=30),
    Question("related in a role", "filter", lambda n: {"filter": {"related": {"id": [_run(n)], "role": ["flow-run"]}}}),
    Question("a deployment, itself or related", "filter", _asked(any_resource={"id": ["prefect.deployment.7"]})),
    Question(
        "two deployments", "filter", _asked(any_resource={"id": ["prefect.deployment.7", "prefect.deployment.8"]})
    ),
    Question(
        "a name, one day",
        "filter",
        lambda _: {"filter": {"occurred": _last(days=1), "event": {"name": ["prefect.flow-run.Completed"]}}},
        must=50,
    ),
    Question(
        "a prefix, one day",
        "filter",
        lambda _: {"filter": {"occurred": _last(days=1), "event": {"prefix": ["prefect.flow-run."]}}},
    ),
    Question(
        "all but task runs, one day",
        "filter",
        lambda _: {"filter": {"occurred": _last(days=1), "event": {"exclude_prefix": ["prefect.task-run."]}}},
    ),
    Question("everything, one day", "filter", lambda _: {"filter": {"occurred": _last(days=1)}}),
    Question("everything", "filter", _asked()),
    Question(
        "resources of a kind, one day",
        "filter",
        lambda _: {"filter": {"occurred": _last(days=1), "resource": {"id_prefix": ["prefect.flow-run."]}}},
    ),
    Question(
        "a label, one hour",
        "filter",
        lambda _: {"filter": {"occurred": _last(hours=1), "resource": {"labels": {"prefect.state-name": "Comp*"}}}},
    ),
    Question(
        "a text, one hour", "filter", lambda _: {"filter": {"occurred": _last(hours=1), "text": {"query": "umbrella"}}}
    ),
    Question(
        "a text, one day", "filter", lambda _: {"filter": {"occurred": _last(days=1), "text": {"query": "umbrella"}}}
    ),
    Question(
        "newest of each resource, one hour",
        "filter",
        lambda _: {"filter": {"occurred": _last(hours=1), "resource": {"distinct": True}}},
    ),
    Question("count by day, 7 days", "count-by/day", lambda _: {"filter": {"occurred": _last(days=7)}}, must=150),
    Question(
        "count by hour, 1 day", "count-by/time", lambda _: {"filter": {"occurred": _last(days=1)}, "time_unit": "hour"}
    ),
    Question("count by name, 7 days", "count-by/event", lambda _: {"filter": {"occurred": _last(days=7)}}),
    Question("count by resource, 1 day", "count-by/resource", lambda _: {"filter": {"occurred": _last(days=1)}}),
)


def main() -> int:
    """Measure, print, and answer 1 when a budget was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_queries", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--repeat", type=int, default=15, help="how many times each question is asked")
    options = parser.parse_args()
    missed = False
    for kind in options.databases:
        with _database(kind) as url, tempfile.TemporaryDirectory() as home:
            with headrace(Path(home), url):
                pass  # The schema is made at the first start.
            started = perf_counter()
            asyncio.run(_fill(Path(home), url, options.events))
            print(f"{kind}: {options.events:,} events in {perf_counter() - started:.0f} s", file=sys.stderr)
            with headrace(Path(home), url) as server:
                medians = asyncio.run(_ask(server.url, options.events, options.repeat))
        missed |= _print(kind, options.events, medians)
    return int(missed)


@contextmanager
def _database(kind: str) -> Iterator[str | None]:
    """The URL of a new database; SQLite's is in the home."""
    with nullcontext() if kind == "sqlite" else cluster() as running:
        yield None if running is None else running.create("headrace")


async def _fill(home: Path, url: str | None, events: int) -> None:
    store = make_store(Settings(home=home, server=ServerSettings(database=ServerDatabaseSettings(url=url))))
    await store.open()
    try:
        batch: list[Event] = []
        end = datetime.now(UTC)
        for event in _told(events, end):
            batch.append(event)
            if len(batch) == _BATCH:
                async with store.transaction() as transaction:
                    await log.append(transaction, batch, end)
                batch = []
        async with store.transaction() as transaction:
            await log.append(transaction, batch, end)
    finally:
        await store.close()


def _flow_run(number: int) -> str:
    return f"prefect.flow-run.{UUID(int=number << 64)}"


def _told(events: int, end: datetime) -> Iterator[Event]:
    """What flow runs and their task runs tell, spread evenly over the week before `end`."""
    step = timedelta(days=_DAYS) / events
    at, number = end - timedelta(days=_DAYS), 0
    for run in range(events // _RUN_EVENTS + 1):
        flow = {RESOURCE_ID: f"prefect.flow.{run % _FLOWS}", RESOURCE_ROLE: "flow"}
        deployment = {RESOURCE_ID: f"prefect.deployment.{run % _DEPLOYMENTS}", RESOURCE_ROLE: "deployment"}
        tag = {RESOURCE_ID: f"prefect.tag.team-{run % 5}", RESOURCE_ROLE: "tag"}
        parent = {RESOURCE_ID: _flow_run(run), RESOURCE_ROLE: "flow-run", "prefect.resource.name": f"able-newt-{run}"}
        told = [("flow-run", _flow_run(run), [flow, deployment, tag])]
        told += [
            ("task-run", f"prefect.task-run.{UUID(int=(run << 64) + task)}", [parent, flow, tag])
            for task in range(_TASKS)
        ]
        for state in _STATES:
            for kind, resource, related in told:
                if number == events:
                    return
                yield Event(
                    id=UUID(int=number + 1),
                    occurred=at + step * number,
                    event=f"prefect.{kind}.{state}",
                    resource={
                        RESOURCE_ID: resource,
                        "prefect.resource.name": f"able-newt-{number}",
                        "prefect.state-name": state,
                        "prefect.state-type": state.upper(),
                        "prefect.state-message": "umbrella lost" if number % 1_000 == 0 else "all is well",
                        "prefect.run-count": "1",
                    },
                    related=related,
                    payload={
                        "intended": {"from": "PENDING", "to": state.upper()},
                        "initial_state": {"type": "PENDING", "name": "Pending", "message": None},
                        "validated_state": {"type": state.upper(), "name": state, "message": "all is well"},
                    },
                )
                number += 1


async def _ask(url: str, events: int, repeat: int) -> dict[str, tuple[float, float]]:
    """The first and the median time of each question, in milliseconds."""
    link = Link(url)
    found: dict[str, tuple[float, float]] = {}
    for question in QUESTIONS:
        took: list[float] = []
        for _ in range(repeat):
            started = perf_counter()
            await link.call("POST", f"/events/{question.path}", question.body(events))
            took.append((perf_counter() - started) * 1e3)
            if sum(took) > 10_000:
                break
        found[question.title] = (took[0], statistics.median(took))
    link.close()
    return found


def _print(kind: str, events: int, found: dict[str, tuple[float, float]]) -> bool:
    """A table of one database; whether a budget was missed."""
    table = Table(title=f"{events:,} events on {kind}, milliseconds (median)")
    for column in ("question", "headrace", "the first time", "must", ""):
        table.add_column(column, justify="left" if column == "question" else "right")
    missed = False
    for question in QUESTIONS:
        first, median = found[question.title]
        held = None if question.must is None else median <= question.must
        missed |= held is False
        verdict = {True: "[green]held[/]", False: "[red]missed[/]", None: ""}[held]
        bound = "" if question.must is None else f"≤ {question.must:g}"
        table.add_row(question.title, f"{median:,.1f}", f"{first:,.1f}", bound, verdict)
    Console(width=120).print(table)
    return missed


if __name__ == "__main__":
    sys.exit(main())
