"""Many who delete the same at once: `python -m benchmarks.crowd [--clients 50] [--runs 10000]`.

Each of the clients deletes the newest `--runs` flow runs, half of them by a filter and half by their ids, and all wait
until every operation is over. Holds when each run was deleted once, whoever got it, and nothing failed.
"""

import argparse
import asyncio
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.deleting import Database, prepared
from benchmarks.driver import Link
from benchmarks.servers import headrace


@dataclass
class Outcome:
    """What came of all operations together; `requests` are seconds until each was accepted."""

    seconds: float = 0.0
    requests: list[float] = field(default_factory=list[float])
    changed: int = 0
    skipped: int = 0
    failed: int = 0
    statuses: set[str] = field(default_factory=set[str])
    gone: int = 0


async def crowd(url: str, database: Database, runs: int, clients: int) -> Outcome:
    """Delete the same runs as that many clients; what came of it."""
    link = Link(url)
    before = await link.ask("POST", "/flow_runs/count", {})
    since, until = await database.newest_since(runs), datetime.now(UTC)
    expected = {"after_": since.isoformat(), "before_": until.isoformat()}
    targets: list[Any] = [
        {"filters": {"flow_runs": {"expected_start_time": expected}}},
        {"ids": await database.newest(runs)},
    ]
    outcome, started = Outcome(), perf_counter()

    async def client(number: int) -> None:
        own = Link(url)
        asked = perf_counter()
        body = {"kind": "delete", "noun": "flow_runs", "target": targets[number % 2]}
        operation = (await own.ask("POST", "/x/operations", body))["id"]
        outcome.requests.append(perf_counter() - asked)
        while True:
            told = await own.ask("GET", f"/x/operations/{operation}")
            if told["finished"] is not None:
                break
            await asyncio.sleep(0.1)
        outcome.changed += told["changed"]
        outcome.skipped += told["skipped"]
        outcome.failed += told["failed"]
        outcome.statuses.add(told["status"])
        own.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    outcome.seconds = perf_counter() - started
    link.close()  # the server would, after so long
    outcome.gone = before - await link.ask("POST", "/flow_runs/count", {})
    link.close()
    return outcome


def main() -> int:
    """Measure, print, and answer 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    options = parser.parse_args()
    table = Table(title=f"{options.clients} clients delete the same {options.runs:,} flow runs at once")
    for column in ("database", "all over", "accepted, slowest", "deleted", "there already", "failed", ""):
        table.add_column(column, justify="left" if column == "database" else "right")
    held = True
    for kind in options.databases:
        with prepared(kind, 2 * options.runs) as (database, home, url), headrace(home, url) as server:
            found = asyncio.run(crowd(server.url, database, options.runs, options.clients))
        once = found.changed == found.gone == options.runs and not found.failed and found.statuses == {"completed"}
        held &= once
        table.add_row(
            kind,
            f"{found.seconds:.1f} s",
            f"{max(found.requests) * 1e3:,.0f} ms",
            f"{found.changed:,}",
            f"{found.skipped:,}",
            f"{found.failed:,}",
            "[green]held[/]" if once else "[red]missed[/]",
        )
    Console(width=120).print(table)
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
