"""Measure what a million runs cost: `python -m benchmarks.history [--runs 1000000] [--deleted 0 [--newest]] [--peer]`.

Fills a database of each kind by SQL, starts the server on it and asks what a user interface asks: the newest
runs, how many there are, a page, and a history of seven days in 500 bars. Prints medians, beside Prefect's
on the same runs if asked, and answers 1 when a budget was missed.

A server does more in its first seconds than answer: it loads what it will need and, here, counts the histories of
runs that it has not seen come. Both products are left alone for `--settle` seconds; give 0 to see what a history
takes meanwhile.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import seeds
from benchmarks.databases import cluster
from benchmarks.driver import Link
from benchmarks.servers import headrace, peer

_BARS = 500
_SERVERS = {"headrace": headrace, "prefect": peer}
Medians = dict[str, float]


@dataclass(frozen=True)
class Question:
    """A call whose median is measured; `must` and `aim` are milliseconds, or, as `ratio`, times the peer's speed."""

    title: str
    path: str
    body: Callable[[], Any]
    must: float | None = None
    aim: float | None = None
    ratio: float | None = None


def _history() -> Any:
    end = datetime.now(UTC)
    start = end - timedelta(days=seeds.DAYS)
    seconds = (end - start).total_seconds() / _BARS
    return {
        "history_start": start.isoformat(),
        "history_end": end.isoformat(),
        "history_interval_seconds": seconds,
    }


def _failed() -> Any:
    return {"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}}


QUESTIONS = (
    Question("newest 200", "/flow_runs/filter", lambda: {"sort": "START_TIME_DESC", "limit": 200}, ratio=15),
    Question("count", "/flow_runs/count", dict, must=30, aim=5),
    Question("page 5 of 20 each", "/flow_runs/paginate", lambda: {"page": 5, "limit": 20}, must=30, aim=5),
    Question("count of failed runs", "/flow_runs/count", _failed),
    Question("newest 20 failed runs", "/flow_runs/filter", lambda: _failed() | {"limit": 20}),
    Question("history, 7 days, 500 bars", "/flow_runs/history", _history, must=150, aim=30),
    Question("history of failed runs", "/flow_runs/history", lambda: _failed() | _history()),
)


def main() -> int:
    """Measure, print, and answer 1 when a budget was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--deleted", type=int, default=0, help="how many deleted ones there are among them (ours)")
    parser.add_argument("--newest", action="store_true", help="the deleted ones are the newest, not spread among them")
    parser.add_argument("--peer", action="store_true", help="measure Prefect too (needs `make peer`)")
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--repeat", type=int, default=15, help="how many times each question is asked")
    parser.add_argument("--settle", type=float, default=30, help="seconds between a server's start and the questions")
    options = parser.parse_args()
    products = ["headrace", "prefect"] if options.peer else ["headrace"]
    missed = False
    for kind in options.databases:
        with _databases(kind) as fresh_url:
            found = {product: _measure(product, kind, fresh_url(product), options) for product in products}
        missed |= _print(kind, options.runs, options.deleted, found)
    return int(missed)


@contextmanager
def _databases(kind: str) -> Iterator[Callable[[str], str | None]]:
    """Makes a database of that kind for a product and gives its URL; SQLite's is in the product's home."""
    if kind == "sqlite":
        yield lambda _product: None
    else:
        with cluster() as running:
            yield running.create


def _measure(product: str, kind: str, url: str | None, options: argparse.Namespace) -> Medians:
    with tempfile.TemporaryDirectory() as home:
        with _SERVERS[product](Path(home), url):
            pass  # The schema is made at the first start.
        runs, started = options.runs, perf_counter()
        deleted = options.deleted if product == "headrace" else 0
        if url is None:
            seeds.fill_sqlite(product, next(Path(home).glob("*.db")), runs, deleted, newest=options.newest)
        else:
            seeds.fill_postgres(product, url, runs, deleted, newest=options.newest)
        print(f"{product} on {kind}: {runs:,} runs in {perf_counter() - started:.0f} s", file=sys.stderr)
        with _SERVERS[product](Path(home), url) as server:
            sleep(options.settle)
            return asyncio.run(_ask(server.url, options.repeat))


async def _ask(url: str, repeat: int) -> Medians:
    """The median of each question in milliseconds, and what it took the first time."""
    link = Link(url)
    found: Medians = {}
    for question in QUESTIONS:
        took: list[float] = []
        for _ in range(repeat):
            started = perf_counter()
            await link.call("POST", question.path, question.body())
            took.append((perf_counter() - started) * 1e3)
            if sum(took) > 20_000:
                break
        found[f"first {question.title}"] = took[0]
        found[question.title] = statistics.median(took)
    link.close()
    return found


def _print(kind: str, runs: int, deleted: int, found: dict[str, Medians]) -> bool:
    """A table of one database; whether a budget was missed."""
    beside = f" and {deleted:,} deleted ones" if deleted else ""
    table = Table(title=f"{runs:,} flow runs{beside} on {kind}, milliseconds (median)")
    for column in ("question", "headrace", "the first time", "Prefect", "ratio", "must", "aim", ""):
        table.add_column(column, justify="left" if column == "question" else "right")
    missed = False
    for question in QUESTIONS:
        ours, peers = found["headrace"][question.title], found.get("prefect", {}).get(question.title)
        is_met = _is_met(question, ours, peers)
        missed |= is_met is False
        table.add_row(
            question.title,
            f"{ours:,.1f}",
            f"{found['headrace'][f'first {question.title}']:,.1f}",
            "" if peers is None else f"{peers:,.1f}",
            "" if peers is None else f"{peers / ours:,.0f}×",
            f"≥ {question.ratio:g}×" if question.ratio else f"≤ {question.must:g}" if question.must else "",
            f"≤ {question.aim:g}" if question.aim else "",
            {True: "[green]held[/]", False: "[red]missed[/]", None: ""}[is_met],
        )
    Console(width=120).print(table)
    return missed


def _is_met(question: Question, ours: float, peers: float | None) -> bool | None:
    if question.must is not None:
        return ours <= question.must
    if question.ratio is not None and peers is not None:
        return peers / ours >= question.ratio
    return None


if __name__ == "__main__":
    sys.exit(main())
