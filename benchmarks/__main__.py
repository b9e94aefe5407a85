"""Measure headrace beside Prefect and print a table: `python -m benchmarks [--only …] [--no-peer]`.

Both products run in turns, close together, on databases of the same kind. A bare figure means little on a
shared machine; the ratios are what counts.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import sdk
from benchmarks.api import Api
from benchmarks.budgets import BUDGETS, Budget
from benchmarks.databases import cluster
from benchmarks.servers import PEER, Running, headrace, peer

Figures = dict[str, float]
_SERVERS: dict[str, Callable[[Path, str | None], AbstractContextManager[Running]]] = {
    "headrace": headrace,
    "prefect": peer,
}
# Enough jobs to take seconds: Prefect on SQLite refuses most writes of eight clients, and does few a second.
_JOBS = {
    ("headrace", "sqlite"): 10,
    ("headrace", "postgres"): 10,
    ("prefect", "postgres"): 1,
    ("prefect", "sqlite"): 0.2,
}
_SCRIPTS = ("import", "hello", "help")
_API = ("health", "create", "lifecycle", "read", "newest", "logs")


def main() -> int:
    """Measure, print, and answer 1 when a budget was missed."""
    options = _options()
    products = ["headrace"] if options.no_peer else ["headrace", "prefect"]
    if "prefect" in products and not (PEER / "prefect").exists():
        print("Prefect is not installed in .peer: run `make peer` first, or give --no-peer.", file=sys.stderr)
        return 2
    figures: dict[str, Figures] = {product: {} for product in products}
    if any(map(options.wants, _SCRIPTS)):
        for product in products:
            figures[product] |= _scripts(product, options)
    for database in options.databases:
        with _database(database) as fresh_url:
            for product in products:
                try:
                    figures[product] |= _served(product, database, fresh_url(product), options)
                except Unserved as reason:
                    _say(f"{product} on {database} is left out: {reason}")
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        _print(figures)
    missed = [key for key, budget in BUDGETS.items() if _met(budget, key, figures) is False]
    return 1 if missed else 0


class Options(argparse.Namespace):
    """What was asked for on the command line."""

    only: str
    no_peer: bool
    json: bool
    scale: float
    databases: list[str]

    def wants(self, name: str) -> bool:
        return not self.only or name in self.only.split(",")


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", default="", help="comma separated: import,hello,help,sdk,start,memory," + ",".join(_API)
    )
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--no-peer", action="store_true", help="measure headrace alone (no ratios)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply the number of jobs")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args(namespace=Options())


def _scripts(product: str, options: Options) -> Figures:
    figures: Figures = {}
    if options.wants("import"):
        figures["import"] = sdk.import_ms(product)
    if options.wants("hello"):
        figures["hello"] = sdk.hello_ms(product)
    if options.wants("help"):
        figures["help"] = sdk.help_ms(product)
    return figures


def _served(product: str, database: str, url: str | None, options: Options) -> Figures:
    """Everything that is measured against one running server."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as home, _SERVERS[product](Path(home), url) as server:
        _say(f"{product} on {database}: up after {server.cold_start:.2f} s")
        figures["start"] = server.cold_start
        if options.wants("sdk"):
            figures |= {k: v for k, v in sdk.probe(product, server.url).items() if k != "import"}
        asyncio.run(_drive(Api(server.url, options.scale * _JOBS[product, database]), options, figures))
        figures["memory"] = server.resident_mb()
    return {f"{name} {database}": value for name, value in figures.items()}


async def _drive(api: Api, options: Options, figures: Figures) -> None:
    await api.prepare()
    for name in _API:
        if not options.wants(name):
            continue
        measured = await getattr(api, name)()
        figures[name] = measured.rate
        p50, p99 = measured.percentile(0.5) * 1e3, measured.percentile(0.99) * 1e3
        _say(f"  {name}: {measured.rate:,.1f}/s  p50 {p50:.1f} ms  p99 {p99:.1f} ms  refused {measured.refused}")


@contextmanager
def _database(kind: str) -> Iterator[Callable[[str], str | None]]:
    """A function that gives each product a fresh database of that kind; raises `Unserved` where it cannot."""
    if kind == "sqlite":
        yield lambda _product: None
        return
    with cluster() as running:

        def fresh(product: str) -> str:
            if product == "prefect" and not running.serves_peer:
                raise Unserved("Prefect needs PostgreSQL's contrib extensions: apt-get install postgresql")
            return running.create(product)

        yield fresh


class Unserved(Exception):
    """A product that cannot be measured here, and why."""


def _print(figures: dict[str, Figures]) -> None:
    table = Table(title="headrace beside Prefect, same machine, same run")
    for column in ("work", "headrace", "Prefect", "ratio", "must", "aim", ""):
        table.add_column(column, justify="left" if column == "work" else "right")
    for key, budget in BUDGETS.items():
        ours = figures["headrace"].get(key)
        if ours is None:
            continue
        peers = figures.get("prefect", {}).get(key)
        ratio = budget.ratio(ours, peers)
        table.add_row(
            budget.title,
            _figure(ours, budget.unit),
            "" if peers is None else _figure(peers, budget.unit),
            "" if ratio is None else f"{ratio:.1f}×",
            _bound(budget, budget.must),
            _bound(budget, budget.aim),
            {True: "[green]held[/]", False: "[red]missed[/]", None: ""}[_met(budget, key, figures)],
        )
    Console(width=120).print(table)


def _met(budget: Budget, key: str, figures: dict[str, Figures]) -> bool | None:
    ours = figures["headrace"].get(key)
    return None if ours is None else budget.met(ours, figures.get("prefect", {}).get(key))


def _figure(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.2f} {unit}"


def _bound(budget: Budget, value: float) -> str:
    match budget.kind:
        case "ratio":
            return f"{value:g}×"
        case "at most":
            return f"≤ {value:g} {budget.unit}"
        case "at least":
            return f"≥ {value:g} {budget.unit}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
