"""Cancelling many runs at once: `python -m benchmarks.cancelling --runs 500`.

Each run has two subflow runs, and each of the three has four task runs under way. All are asked to end by many clients
at once, in three scenarios: *stopped*, where a runner stops each run as soon as it sees that it is Cancelling;
*deserted*, where nobody does and the server ends them at the deadline, 10 s here; and *killed*, which is deserted with
the server killed with -9 half way. Holds when no run is open after a minute, on both databases.
"""

import argparse
import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from benchmarks.databases import cluster
from benchmarks.driver import Link, Refused
from benchmarks.servers import Running, headrace

SUBFLOWS, TASKS = 2, 4
CLIENTS = 16
LIMIT = 60.0
TIMEOUT = 10.0
_PATIENCE = 300.0
_SETTINGS = {"HEADRACE_SERVER_SERVICES_CANCELLATION_CLEANUP_CANCELLING_TIMEOUT_SECONDS": f"{TIMEOUT:g}"}
_OPEN = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"]


@dataclass
class Outcome:
    """How long it took from the first request until nothing was open, and how long the requests took, in seconds."""

    seconds: float = 0.0
    requests: list[float] = field(default_factory=list[float])

    @property
    def held(self) -> bool:
        return self.seconds < LIMIT

    def percentile(self, share: float) -> float:
        ordered = sorted(self.requests)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class World:
    """The API of one server, and the runs that are cancelled in it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._links: list[Link] = []

    @asynccontextmanager
    async def link(self) -> AsyncGenerator[Link]:
        """A connection that nobody else uses meanwhile."""
        link = self._links.pop() if self._links else Link(self._url)
        try:
            yield link
        finally:
            self._links.append(link)

    def close(self) -> None:
        for link in self._links:
            link.close()

    async def ask(self, path: str, body: Any) -> Any:
        async with self.link() as link:
            return await link.ask("POST", path, body)

    async def populate(self, count: int) -> list[str]:
        """Make so many runs with what is inside them; the runs' ids."""
        flow = (await self.ask("/flows/", {"name": "cancelled"}))["id"]
        return await each([flow] * count, self._tree)

    async def _tree(self, flow: str) -> str:
        root = await self._run(flow)
        for _ in range(SUBFLOWS):
            task = {"task_key": "sub", "dynamic_key": uuid4().hex, "flow_run_id": root, "state": {"type": "PENDING"}}
            await self._run(flow, parent_task_run_id=(await self.ask("/task_runs/", task))["id"])
        return root

    async def _run(self, flow: str, **fields: str) -> str:
        run = (await self.ask("/flow_runs/", {"flow_id": flow, "state": {"type": "RUNNING"}, **fields}))["id"]
        for _ in range(TASKS):
            task = {"task_key": "t", "dynamic_key": uuid4().hex, "flow_run_id": run, "state": {"type": "RUNNING"}}
            await self.ask("/task_runs/", task)
        return run

    async def set_state(self, run: str, type: str, *, force: bool = False) -> float:
        """Propose a state; the seconds that the answer took."""
        began = monotonic()
        await self.ask(f"/flow_runs/{run}/set_state", {"state": {"type": type}, "force": force})
        return monotonic() - began

    async def count_open(self, kind: str) -> int:
        return await self.ask(f"/{kind}/count", {kind: {"state": {"type": {"any_": _OPEN}}}})

    async def until_nothing_is_open(self) -> None:
        deadline = monotonic() + _PATIENCE
        while await self.count_open("flow_runs") or await self.count_open("task_runs"):
            if monotonic() > deadline:
                raise RuntimeError(f"runs were still open after {_PATIENCE:g} s")
            await asyncio.sleep(0.1)

    async def keep_stopping(self) -> None:
        """What a runner does: see which of its runs are Cancelling, end their processes, and say so."""
        cancelling = {"state": {"type": {"any_": ["CANCELLING"]}}, "parent_task_run_id": {"is_null_": True}}
        while True:
            found = await self.ask("/flow_runs/filter", {"flow_runs": cancelling})
            await each([run["id"] for run in found], self._stop)
            await asyncio.sleep(0 if found else 0.05)

    async def _stop(self, run: str) -> None:
        step = {"step": "killed", "by": "runner", "infrastructure": "gone"}
        async with self.link() as link:
            await link.call("POST", f"/x/flow_runs/{run}/cancellation", step)
        await self.set_state(run, "CANCELLED", force=True)


async def each(items: Sequence[Any], job: Callable[[Any], Any]) -> list[Any]:
    """Do a job for each, by some clients at once."""
    gate = asyncio.Semaphore(CLIENTS)

    async def one(item: Any) -> Any:
        async with gate:
            return await job(item)

    return await asyncio.gather(*(one(item) for item in items))


async def stopped(serve: Callable[[], Any], count: int) -> Outcome:
    """A runner stops each run."""
    outcome = Outcome()
    with serve() as server:
        world = World(server.url)
        runs, began = await world.populate(count), monotonic()
        stopping = asyncio.create_task(world.keep_stopping())
        outcome.requests = await each(runs, lambda run: world.set_state(run, "CANCELLING"))
        await world.until_nothing_is_open()
        outcome.seconds = monotonic() - began
        stopping.cancel()
        world.close()
    return outcome


async def deserted(serve: Callable[[], Any], count: int) -> Outcome:
    """Nobody stops any run."""
    outcome = Outcome()
    with serve() as server:
        world = World(server.url)
        runs, began = await world.populate(count), monotonic()
        outcome.requests = await each(runs, lambda run: world.set_state(run, "CANCELLING"))
        await world.until_nothing_is_open()
        outcome.seconds = monotonic() - began
        world.close()
    return outcome


async def killed(serve: Callable[[], Any], count: int) -> Outcome:
    """Nobody does, and the server dies while it is asked; whoever got no answer asks the next one again."""
    outcome = Outcome()
    with serve() as server:
        world = World(server.url)
        runs, began = await world.populate(count), monotonic()
        answered: list[str] = []

        async def ask(run: str) -> None:
            try:
                outcome.requests.append(await world.set_state(run, "CANCELLING"))
            except (Refused, OSError):
                return
            answered.append(run)
            if len(answered) == count // 2:
                _kill(server)

        await each(runs, ask)
        world.close()
    with serve() as server:
        world = World(server.url)
        left = sorted(set(runs) - set(answered))
        outcome.requests += await each(left, lambda run: world.set_state(run, "CANCELLING"))
        await world.until_nothing_is_open()
        outcome.seconds = monotonic() - began
        world.close()
    return outcome


def _kill(server: Running) -> None:
    os.kill(server.pid, signal.SIGKILL)


SCENARIOS = {"stopped": stopped, "deserted": deserted, "killed": killed}


def main() -> int:
    """Run the scenarios on both databases; answer 1 when one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cancelling", description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    options = parser.parse_args()
    held = True
    for name, make_url in _databases():
        for kind in options.scenarios.split(","):
            with tempfile.TemporaryDirectory() as folder:
                home, url = Path(folder), make_url(kind)
                outcome = asyncio.run(SCENARIOS[kind](_server(home, url, kind), options.runs))
            held &= outcome.held
            print(
                f"{name}, {kind}: {options.runs} runs with {options.runs * SUBFLOWS} subflow runs and "
                f"{options.runs * (SUBFLOWS + 1) * TASKS} task runs all final in {outcome.seconds:.1f} s, a request "
                f"took {outcome.percentile(0.5) * 1000:.0f} ms (99 % {outcome.percentile(0.99) * 1000:.0f} ms): "
                f"{'held' if outcome.held else 'MISSED'}",
                flush=True,
            )
    return 0 if held else 1


def _server(home: Path, url: str | None, kind: str) -> Callable[[], Any]:
    return lambda: headrace(home, url, {} if kind == "stopped" else _SETTINGS)


def _databases() -> Iterator[tuple[str, Callable[[str], str | None]]]:
    """Each database by name, with how to make one for a scenario."""
    yield "SQLite", lambda kind: None
    with cluster() as postgres:
        yield "PostgreSQL", lambda kind: postgres.create(f"cancelling_{kind}")


if __name__ == "__main__":
    raise SystemExit(main())
