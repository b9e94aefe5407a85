"""Deleting much at once: `python -m benchmarks.deleting --runs 100000 [--beside 50000] [--peer]`.

Fills a database of each kind with finished flow runs, each with a state, a task run with its state and a log line,
and deletes the newest `--runs` of them by a filter: how long until the request is answered, until no read shows any
of them, and, undone, until every read shows all of them; and whether the tables are byte for byte what they were.
Then they are deleted to be purged at once, while another client goes on working: how much slower it is answered, and
whether the bytes given back are those by which the database's files became shorter.
"""

import argparse
import asyncio
import hashlib
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, sleep
from typing import Any
from uuid import uuid4

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks import belongings, seeds
from benchmarks.databases import cluster
from benchmarks.driver import Link
from benchmarks.servers import headrace, peer

ACCEPTED, HIDDEN, UNDONE, SLOWER, AMISS = 0.2, 2.0, 2.0, 2.0, 0.05
_PATIENCE = 1800.0
_SIZES = """
    SELECT c.relname, pg_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'i')
    AND c.relname !~ 'operation_items|hidden_runs|_operations$|^operations$'
"""
_SINCE_PRESENT = "SELECT expected_start_time FROM flow_runs ORDER BY expected_start_time DESC LIMIT 1 OFFSET {}"


class Database:
    """What the benchmark looks up by itself, beside the server: `url` is PostgreSQL's, None for a SQLite file."""

    def __init__(self, url: str | None, path: Path) -> None:
        self.url, self._path = url, path

    def fill(self, runs: int) -> None:
        if self.url is None:
            seeds.fill_sqlite("headrace", self._path, runs)
            belongings.add_to_sqlite(self._path)
        else:
            seeds.fill_postgres("headrace", self.url, runs)
            belongings.add_to_postgres(self.url)

    async def newest_since(self, runs: int) -> datetime:
        """From when on so many runs were expected."""
        question = _SINCE_PRESENT.format(runs - 1)
        if self.url is None:
            return datetime.fromtimestamp(self._sqlite(question)[0][0] / 1e6, UTC)
        async with self._postgres() as connection:
            return await connection.fetchval(question)

    async def newest(self, runs: int) -> list[str]:
        """The ids of some of the newest runs."""
        question = f"SELECT id FROM flow_runs ORDER BY expected_start_time DESC LIMIT {runs}"
        if self.url is None:
            return [id for (id,) in self._sqlite(question)]
        async with self._postgres() as connection:
            return [str(row[0]) for row in await connection.fetch(question)]

    async def dump(self) -> dict[str, str]:
        """A digest of every table of runs and what belongs to them, and how many runs are counted."""
        found: dict[str, str] = {}
        for table in (*belongings.TABLES, "artifacts", "flow_run_input"):
            found[table] = await self._digest(f"SELECT * FROM {table} ORDER BY id")
        found["tallies"] = await self._digest("SELECT noun, sum(total) FROM tallies GROUP BY noun ORDER BY noun")
        return found

    async def rows(self, moment: datetime) -> int:
        """The rows made before a moment of all tables that a run is in."""
        before = f"'{moment.isoformat()}'" if self.url else str(int(moment.timestamp() * 1e6))
        counts = [f"(SELECT count(*) FROM {table} WHERE created < {before})" for table in belongings.TABLES]
        question = f"SELECT {' + '.join(counts)}"
        if self.url is None:
            return self._sqlite(question)[0][0]
        async with self._postgres() as connection:
            return await connection.fetchval(question)

    async def sizes(self) -> dict[str, int]:
        """Bytes of each file, but on PostgreSQL of those that only deleting itself writes."""
        if self.url is None:
            return {"file": self._path.stat().st_size}
        async with self._postgres() as connection:
            return {row[0]: row[1] for row in await connection.fetch(_SIZES)}

    async def _digest(self, question: str) -> str:
        digest = hashlib.sha256()
        if self.url is None:
            db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
            for row in db.execute(question):
                digest.update(repr(row).encode())
            db.close()
        else:

            async def add(data: bytes) -> None:
                digest.update(data)

            async with self._postgres() as connection:
                await connection.copy_from_query(question, output=add)
        return digest.hexdigest()

    def _sqlite(self, question: str) -> list[Any]:
        db = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)
        try:
            return db.execute(question).fetchall()
        finally:
            db.close()

    def _postgres(self) -> "_Connected":
        assert self.url is not None
        return _Connected(self.url)


class _Connected:
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Any:
        self._connection: Any = await asyncpg.connect(self._url)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


@dataclass
class Found:
    """Seconds, unless it says otherwise."""

    accepted: float = 0.0
    hidden: float = 0.0
    undo_accepted: float = 0.0
    undone: float = 0.0
    same: bool = False
    idle_p95: float = 0.0
    purge_p95: float = 0.0
    purge: float = 0.0
    removed: int = 0
    reclaimed: int = 0
    shrunk: int = 0
    size: int = 0
    different: list[str] = field(default_factory=list[str])


class Neighbour:
    """Another client: makes a run, moves it on, reads it and lists the newest twenty, over and over."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.latencies: list[float] = []

    async def work(self, until: Callable[[], Awaitable[bool]]) -> None:
        """Go on until it is true, which is asked twice a second."""
        ended = asyncio.Event()

        async def watch() -> None:
            while True:
                if await until():
                    return ended.set()
                await asyncio.sleep(0.5)

        watching = asyncio.create_task(watch())
        link = Link(self._url)
        flow = (await link.ask("POST", "/flows/", {"name": "neighbour"}))["id"]
        while not ended.is_set():
            run = await self._timed(link, "POST", "/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})
            state = {"state": {"type": "RUNNING"}}
            await self._timed(link, "POST", f"/flow_runs/{run['id']}/set_state", state)
            await self._timed(link, "GET", f"/flow_runs/{run['id']}", None)
            await self._timed(link, "POST", "/flow_runs/filter", {"limit": 20})
            await asyncio.sleep(0.02)
        await watching
        link.close()

    def p95(self) -> float:
        ordered = sorted(self.latencies)
        return ordered[int(len(ordered) * 0.95)]

    async def _timed(self, link: Link, method: str, path: str, body: Any) -> Any:
        started = perf_counter()
        answer = await link.ask(method, path, body)
        self.latencies.append(perf_counter() - started)
        return answer


async def measure(url: str, database: Database, runs: int, found: Found) -> None:
    """Delete, undo, delete for good; `found` is filled on the way."""
    link = Link(url)
    since, before = await database.newest_since(runs), datetime.now(UTC)
    chosen = {"expected_start_time": {"after_": since.isoformat(), "before_": before.isoformat()}}
    samples = await database.newest(3)
    seen_before = await _seen(link, samples)
    link.close()  # the server would, while the tables are read
    dumped = await database.dump()
    operation, found.accepted, started = await _delete(link, chosen, {})
    await _until(link, samples, _without(seen_before, runs))
    found.hidden = perf_counter() - started
    await _ended(link, operation)

    started = perf_counter()
    undo = (await link.ask("POST", f"/x/operations/{operation}/undo", {}))["id"]
    found.undo_accepted = perf_counter() - started
    await _until(link, samples, seen_before)
    found.undone = perf_counter() - started
    await _ended(link, undo)
    link.close()
    after = await database.dump()
    found.different = [table for table in dumped if dumped[table] != after[table]]
    found.same = not found.different

    idle = Neighbour(url)
    begun = perf_counter()

    async def ten_seconds_have_passed() -> bool:
        return perf_counter() - begun > 10

    await idle.work(ten_seconds_have_passed)
    found.idle_p95 = idle.p95()

    link.close()
    moment = datetime.now(UTC)
    rows, largest = await database.rows(moment), await database.sizes()
    operation, _, started = await _delete(link, chosen, {"purge_after": 0})
    busy = Neighbour(url)

    async def is_purged() -> bool:
        if perf_counter() - started > _PATIENCE:
            raise RuntimeError("the purge has not ended within half an hour")
        if database.url is not None:  # rows are marked meanwhile, and moved
            for name, size in (await database.sizes()).items():
                largest[name] = max(size, largest.get(name, 0))
        return (await link.ask("GET", f"/x/operations/{operation}"))["purged"] is not None

    await busy.work(is_purged)
    found.purge, found.purge_p95 = perf_counter() - started, busy.p95()
    link.close()
    told = await link.ask("GET", f"/x/operations/{operation}")
    found.removed = rows - await database.rows(moment)
    found.reclaimed, found.size = told["purged_bytes"], sum(largest.values())
    found.shrunk = sum(largest.get(name, size) - size for name, size in (await database.sizes()).items())
    link.close()


async def _delete(link: Link, chosen: Any, options: Any) -> tuple[str, float, float]:
    """Ask for it; the operation's id, how long the answer took, and when it was asked for."""
    started = perf_counter()
    target = {"filters": {"flow_runs": chosen}}
    body = {"kind": "delete", "noun": "flow_runs", "target": target, "options": options, "reason": f"bench {uuid4()}"}
    operation = (await link.ask("POST", "/x/operations", body))["id"]
    return operation, perf_counter() - started, started


async def _ended(link: Link, operation: str) -> None:
    while True:
        told = await link.ask("GET", f"/x/operations/{operation}")
        if told["finished"] is not None:
            assert told["status"] == "completed", told
            return
        await asyncio.sleep(0.02)


Seen = dict[str, int]


async def _seen(link: Link, samples: list[str]) -> Seen:
    """What a client sees of the runs: kept and real counts, task runs, newest list, lines, history."""
    ids = {"id": {"any_": samples}}
    newest = await link.ask("POST", "/flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC", "limit": 200})
    return {
        "runs": await link.ask("POST", "/flow_runs/count", {}),
        "task runs": await link.ask("POST", "/task_runs/count", {}),
        "finished": await link.ask("POST", "/flow_runs/count", {"flow_runs": {"end_time": {"is_null_": False}}}),
        "named": await link.ask("POST", "/flow_runs/count", {"flow_runs": ids}),
        "newest": sum(run["id"] in samples for run in newest),
        "their task runs": await link.ask("POST", "/task_runs/count", {"flow_runs": ids}),
        "their lines": len(await link.ask("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": samples}}})),
    }


def _without(before: Seen, runs: int) -> Seen:
    hidden = dict.fromkeys(before, 0)
    return hidden | {name: before[name] - runs for name in ("runs", "task runs", "finished")}


async def _until(link: Link, samples: list[str], wanted: Seen) -> None:
    """Until just that is seen: looked at in whole when the kept count, which costs nothing, is as it should be."""
    deadline = perf_counter() + _PATIENCE
    while True:
        seen: Seen = {"runs": await link.ask("POST", "/flow_runs/count", {})}
        if seen["runs"] == wanted["runs"]:
            seen = await _seen(link, samples)
            if seen == wanted:
                return
        if perf_counter() > deadline:
            raise RuntimeError(f"half an hour has not sufficed; what is seen is {seen}")
        await asyncio.sleep(0.02)


async def delete_at_the_peer(url: str, seconds: float) -> float:
    """How many runs a second Prefect deletes, fifty in each request, as its API allows."""
    link = Link(url)
    deleted, started = 0, perf_counter()
    while perf_counter() - started < seconds:
        deleted += len((await link.ask("POST", "/flow_runs/bulk_delete", {"limit": 50}))["deleted"])
    link.close()
    return deleted / (perf_counter() - started)


def main() -> int:
    """Measure, print, and answer 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deleting", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000, help="how many are deleted")
    parser.add_argument("--beside", type=int, default=50_000, help="how many others there are")
    parser.add_argument("--peer", action="store_true", help="measure Prefect too (needs `make peer`)")
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--settle", type=float, default=20, help="seconds between a server's start and the deleting")
    options = parser.parse_args()
    held = True
    for kind in options.databases:
        with prepared(kind, options.runs + options.beside) as (database, home, url):
            found = Found()
            try:
                with headrace(home, url) as server:
                    sleep(options.settle)
                    asyncio.run(measure(server.url, database, options.runs, found))
            finally:
                held &= _print(kind, options.runs, found)
        if options.peer:
            _measure_peer(kind, options)
    return int(not held)


@contextmanager
def prepared(kind: str, runs: int) -> Iterator[tuple[Database, Path, str | None]]:
    """A database of that kind with so many runs and what belongs to them, the home of its server, and its URL."""
    with ExitStack() as stack:
        home, url = Path(stack.enter_context(tempfile.TemporaryDirectory())), None
        if kind == "postgres":
            url = stack.enter_context(cluster()).create("headrace")
        database = Database(url, home / "headrace.db")
        with headrace(home, url):
            pass  # The schema is made at the first start.
        started = perf_counter()
        database.fill(runs)
        print(f"filled in {perf_counter() - started:.0f} s", file=sys.stderr)
        yield database, home, url


def _measure_peer(kind: str, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder, cluster() as running:
        home, url = Path(folder), running.create("prefect") if kind == "postgres" else None
        with peer(home, url):
            pass
        runs = options.runs + options.beside
        if url is None:
            seeds.fill_sqlite("prefect", next(home.glob("*.db")), runs)
        else:
            seeds.fill_postgres("prefect", url, runs)
        with peer(home, url) as server:
            sleep(options.settle)
            rate = asyncio.run(delete_at_the_peer(server.url, 30))
    print(f"Prefect on {kind}: {rate:,.0f} runs deleted a second, without task runs and lines; not undoable")


def _print(kind: str, runs: int, found: Found) -> bool:
    """A table of one database; whether all of it held."""
    slower = found.purge_p95 / found.idle_p95 if found.idle_p95 else 0.0
    amiss = abs(found.reclaimed - found.shrunk) / found.size if found.size else 1.0
    expected = runs * len(belongings.TABLES)
    lines = (
        ("delete accepted", f"{found.accepted * 1e3:,.0f} ms", "< 200 ms", 0 < found.accepted < ACCEPTED),
        ("all hidden", f"{found.hidden:.2f} s", "< 2 s", 0 < found.hidden < HIDDEN),
        ("undo accepted", f"{found.undo_accepted * 1e3:,.0f} ms", "< 200 ms", 0 < found.undo_accepted < ACCEPTED),
        ("all back", f"{found.undone:.2f} s", "< 2 s", 0 < found.undone < UNDONE),
        ("tables as before", "yes" if found.same else f"no: {', '.join(found.different)}", "yes", found.same),
        ("purged", f"{found.purge:,.0f} s, {found.removed:,} rows", f"{expected:,} rows", found.removed == expected),
        ("another client's p95, idle", f"{found.idle_p95 * 1e3:.1f} ms", "", None),
        ("… while purging", f"{found.purge_p95 * 1e3:.1f} ms, {slower:.1f}×", "≤ 2×", 0 < slower <= SLOWER),
        ("bytes given back", f"{found.reclaimed:,}", f"{found.shrunk:,} ± 5 % of the whole", amiss <= AMISS),
    )
    table = Table(title=f"{runs:,} flow runs with all that belongs to them, {expected:,} rows, on {kind}")
    for column in ("what", "found", "must", ""):
        table.add_column(column, justify="left" if column == "what" else "right")
    for what, value, must, held in lines:
        table.add_row(what, value, must, "" if held is None else "[green]held[/]" if held else "[red]missed[/]")
    Console(width=120).print(table)
    return all(held is not False for *_, held in lines)


if __name__ == "__main__":
    sys.exit(main())
