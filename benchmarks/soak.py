"""Many clients making and finishing runs for a while: `python -m benchmarks.soak --clients 32 --seconds 60`.

Holds when nothing was refused and every run is there afterwards, Completed.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path
from time import monotonic

from benchmarks.api import Api
from benchmarks.driver import Link, Refused
from benchmarks.servers import headrace


def main() -> int:
    """Run the soak; answer 1 when something was refused or is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--database", help="a PostgreSQL URL; SQLite in a fresh folder otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, headrace(Path(home), options.database) as server:
        done, refused, completed = asyncio.run(_soak(server.url, options.clients, options.seconds))
    held = refused == 0 and completed == done
    print(
        f"{options.clients} clients, {options.seconds:g} s: {done} runs finished, {completed} recorded as Completed, "
        f"{refused} refusals: {'held' if held else 'MISSED'}"
    )
    return 0 if held else 1


async def _soak(url: str, clients: int, seconds: float) -> tuple[int, int, int]:
    api = Api(url, scale=1)
    await api.prepare()
    deadline = monotonic() + seconds
    counts = {"done": 0, "refused": 0}

    async def client() -> None:
        link = Link(url)
        while monotonic() < deadline:
            try:
                await api.live(link)
                counts["done"] += 1
            except Refused:
                counts["refused"] += 1
        link.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    link = Link(url)
    body = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}, "flows": {"id": {"any_": [api.flow_id]}}}
    completed = await link.ask("POST", "/flow_runs/count", body)
    link.close()
    return counts["done"], counts["refused"], completed


if __name__ == "__main__":
    raise SystemExit(main())
