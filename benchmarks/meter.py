"""What noting a request costs each request: `python -m benchmarks.meter [--requests 200000]`.

The meter is on the path of every request, so that the purge can see what clients see; it has to cost nothing that
they could see themselves. `--must` is the bound in microseconds; the exit code is 1 where it is missed.
"""

import argparse
from time import perf_counter

from rich.console import Console
from rich.table import Table

from headrace.server.latency.meter import Meter

_ROUNDS = 7


def main() -> int:
    """Measure, print, and answer 1 when the bound was missed."""
    options = _options()
    quiet, busy = Meter(), Meter()
    alone = _microseconds(quiet, options.requests)
    with busy.working():
        beside = _microseconds(busy, options.requests)
    table = Table(title="noting a request")
    for column in ("while", "µs", "must"):
        table.add_column(column, justify="left" if column == "while" else "right")
    table.add_row("nothing goes on", f"{alone:.2f}", f"≤ {options.must:g}")
    table.add_row("the purge goes on", f"{beside:.2f}", f"≤ {options.must:g}")
    Console(width=120).print(table)
    return 0 if max(alone, beside) <= options.must else 1


class Options(argparse.Namespace):
    """What was asked for on the command line."""

    requests: int
    must: float


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.meter", description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--must", type=float, default=2.0, help="most microseconds for a request")
    return parser.parse_args(namespace=Options())


def _microseconds(meter: Meter, requests: int) -> float:
    """For one request, the best of some rounds, as other processes may hold the processor."""
    return min(_round(meter, requests) for _ in range(_ROUNDS)) / requests * 1e6


def _round(meter: Meter, requests: int) -> float:
    began = perf_counter()
    for _ in range(requests):
        meter.note(began, 200)
    return perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
