"""Deleting a flow with many runs: `python -m benchmarks.one_flow [--runs 200000]`.

Once by an operation and once by Prefect's own route, each with a fresh server. `memory` is by how much the server's
own memory grows at most until everything is deleted (files that are mapped into it not counted), `answered` how long
the request takes.
"""

import argparse
import asyncio
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import asyncpg
from rich.console import Console
from rich.table import Table

from benchmarks.deleting import prepared
from benchmarks.driver import Link
from benchmarks.servers import Running, headrace

_ONE = "SELECT id FROM flows ORDER BY id LIMIT 1"
_GATHER = f"UPDATE flow_runs SET flow_id = ({_ONE})"
_LOOK = 0.02
_MB = 1024


@dataclass
class Outcome:
    """Seconds until the answer and until all runs are deleted, megabytes beyond those at first, and how many runs."""

    answered: float = 0.0
    over: float = 0.0
    memory: float = 0.0
    deleted: int = 0


async def delete(server: Running, flow_id: str, *, by_route: bool) -> Outcome:
    """Delete the flow, watching the server's memory until the operation is over."""
    link, outcome = Link(server.url), Outcome()
    await link.ask("GET", "/x/operations")  # what is imported for the first operation is imported
    before, started = _own_memory(server.pid), perf_counter()
    watching = asyncio.create_task(_watch(server.pid, before, outcome))
    if by_route:
        await link.call("DELETE", f"/flows/{flow_id}")
    else:
        body = {"kind": "delete", "noun": "flows", "target": {"ids": [flow_id]}}
        await link.ask("POST", "/x/operations", body)
    outcome.answered = perf_counter() - started
    while True:
        (told,) = await link.ask("GET", "/x/operations?limit=1")
        if told["finished"] is not None:
            break
        await asyncio.sleep(0.1)
    outcome.over, outcome.deleted = perf_counter() - started, told["counts"]["flow_runs"]
    watching.cancel()
    link.close()
    return outcome


async def _watch(pid: int, before: float, outcome: Outcome) -> None:
    while True:
        outcome.memory = max(outcome.memory, _own_memory(pid) - before)
        await asyncio.sleep(_LOOK)


def _own_memory(pid: int) -> float:
    """Megabytes that a process holds, without what is in files."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / _MB for line in lines if line.startswith("RssAnon:"))


def gather(home: Path, url: str | None) -> str:
    """Make all runs those of one flow; its id."""
    if url is None:
        db = sqlite3.connect(home / "headrace.db")
        db.execute(_GATHER)
        (found,) = db.execute(_ONE).fetchone()
        db.commit()
        db.close()
        return found
    return asyncio.run(_gather_on_postgres(url))


async def _gather_on_postgres(url: str) -> str:
    connection = await asyncpg.connect(url)
    await connection.execute(_GATHER)
    await connection.execute("VACUUM ANALYZE flow_runs")
    found = await connection.fetchval(_ONE)
    await connection.close()
    return str(found)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_flow", description=__doc__)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    options = parser.parse_args()
    table = Table(title=f"deleting a flow with {options.runs:,} runs")
    for column in ("database", "by", "answered", "all over", "memory", "deleted"):
        table.add_column(column, justify="left" if column in ("database", "by") else "right")
    for kind in options.databases:
        for by_route in (False, True):
            with prepared(kind, options.runs) as (_, home, url):
                flow_id = gather(home, url)
                with headrace(home, url) as server:
                    found = asyncio.run(delete(server, flow_id, by_route=by_route))
            table.add_row(
                kind,
                "DELETE /flows/{id}" if by_route else "operation",
                f"{found.answered * 1e3:,.0f} ms",
                f"{found.over:.1f} s",
                f"{found.memory:,.0f} MB",
                f"{found.deleted:,}",
            )
    Console(width=120).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
