"""Events sent until they can be queried, beside Prefect: `python -m benchmarks.events [--peer] [--events 20000]`.

Over the WebSocket `/events/in` as Prefect's client sends them, and in batches over `POST /events` as headrace's
does; on SQLite and PostgreSQL. The clock runs from the first byte sent until a query finds every event.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from benchmarks.databases import cluster
from benchmarks.driver import Link
from benchmarks.servers import Running, headrace, peer
from benchmarks.socket_sender import Sender, frame

_POSTED = 500
_PATIENCE = 300.0
_Serve = Callable[[Path, str | None], AbstractContextManager[Running]]


def main() -> int:
    """Measure and print; answer 1 where a ratio to the peer is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--peers-events", type=int, default=2_000, help="how many Prefect is given")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    parser.add_argument("--peer", action="store_true", help="measure Prefect, too")
    options = parser.parse_args()
    missed = False
    with cluster() as databases:
        for kind in options.databases:
            url = databases.create("headrace") if kind == "postgres" else None
            ours = _measure(headrace, url, options.events, options.clients)
            print(f"headrace {kind}: " + _shown(ours), flush=True)
            if not options.peer or (kind == "postgres" and not databases.serves_peer):
                continue
            url = databases.create("prefect") if kind == "postgres" else None
            theirs = _measure(peer, url, options.peers_events, options.clients)
            print(f"prefect  {kind}: " + _shown(theirs), flush=True)
            ratio = max(ours.values()) / max(theirs.values())
            missed = missed or ratio < 20
            print(f"         {kind}: {ratio:.1f}× (must 20×, aim 40×)", flush=True)
    return int(missed)


def _measure(serve: _Serve, database_url: str | None, events: int, clients: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home, serve(Path(home), database_url) as server:
        return {
            "socket": asyncio.run(_until_queryable(server.url, _over_socket, events, clients)),
            "post": asyncio.run(_until_queryable(server.url, _over_post, events, clients)),
            "memory": server.resident_mb(),
        }


def _shown(rates: dict[str, float]) -> str:
    memory = rates.pop("memory")
    return ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items()) + f", {memory:.0f} MB"


async def _until_queryable(url: str, send: Callable[..., object], events: int, clients: int) -> float:
    """Events a second, from the first that is sent until a query finds all of them."""
    name = f"bench.{uuid4().hex}"
    shares = [[_event(name, number) for number in range(start, events, clients)] for start in range(clients)]
    prepared = [send(url, share) for share in shares]
    await asyncio.sleep(0.5)
    started = perf_counter()
    await asyncio.gather(*(prepared))
    await _found(url, name, events)
    return events / (perf_counter() - started)


def _event(name: str, number: int) -> bytes:
    return json.dumps(
        {
            "id": str(uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": name,
            "resource": {"prefect.resource.id": f"{name}.{number % 50}", "prefect.resource.name": "bench"},
            "related": [{"prefect.resource.id": "prefect.flow-run.x", "prefect.resource.role": "flow-run"}],
            "payload": {"number": number},
        }
    ).encode()


def _over_socket(url: str, events: Sequence[bytes]) -> object:
    frames = [frame(event) for event in events]

    async def send() -> None:
        sender = await Sender.open(url)
        for start in range(0, len(frames), 200):
            await sender.send(frames[start : start + 200])
        await sender.settle()
        await sender.close()

    return send()


def _over_post(url: str, events: Sequence[bytes]) -> object:
    bodies = [b"[" + b",".join(events[start : start + _POSTED]) + b"]" for start in range(0, len(events), _POSTED)]

    async def send() -> None:
        link = Link(url)
        for body in bodies:
            await link.call("POST", "/events", body)
        link.close()

    return send()


async def _found(url: str, name: str, events: int) -> None:
    link = Link(url)
    window = {"since": _hours(-1), "until": _hours(1)}
    body = {"filter": {"event": {"name": [name]}, "occurred": window}, "limit": 1}
    deadline = perf_counter() + _PATIENCE
    total = -1
    while total < events:
        if perf_counter() > deadline:
            raise RuntimeError(f"{total} of {events} events are there after {_PATIENCE:g} s")
        total = (await link.ask("POST", "/events/filter", body))["total"]
        await asyncio.sleep(0.005)
    link.close()


def _hours(number: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=number)).isoformat()


if __name__ == "__main__":
    sys.exit(main())
