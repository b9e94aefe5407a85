"""How long an event takes from its sender to the followers of `/events/out`: `python -m benchmarks.event_streams`.

One client sends at a steady rate over `/events/in`; each follower gets every event. The clock runs from the moment an
event is sent until a follower has read it, so the commit to the database lies between. Fails where the latency of the
99th of 100 events is 50 ms or more, or where an event is missed or comes twice.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.databases import cluster
from benchmarks.servers import headrace
from benchmarks.socket_sender import Sender, frame

_MUST = 0.050
_TICK = 0.01
_WARM_UP = 1
"""Seconds of events that are sent before it counts: a server loads some of its code with the first of them."""

_PATIENCE = 60.0


def main() -> int:
    """Measure and print; answer 1 where the budget is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_streams", description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--followers", type=int, default=3)
    parser.add_argument("--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"])
    options = parser.parse_args()
    missed = False
    with cluster() as databases:
        for kind in options.databases:
            url = databases.create("streams") if kind == "postgres" else None
            with tempfile.TemporaryDirectory() as home, headrace(Path(home), url) as server:
                before = server.cpu_seconds()
                latencies = asyncio.run(_measure(server.url, options.rate, options.seconds, options.followers))
                busy = (server.cpu_seconds() - before) / (options.seconds + _WARM_UP)
            middle, most, worst = (_percentile(latencies, share) for share in (0.5, 0.99, 1.0))
            missed = missed or most >= _MUST
            print(
                f"{kind}: {options.rate}/s to {options.followers} followers: p50 {middle * 1e3:.1f} ms, "
                f"p99 {most * 1e3:.1f} ms (must 50), worst {worst * 1e3:.1f} ms, server {busy:.0%} of a core",
                flush=True,
            )
    return int(missed)


async def _measure(url: str, rate: int, seconds: int, followers: int) -> list[float]:
    name, count = f"bench.{uuid4().hex}", rate * (seconds + _WARM_UP)
    ready = [asyncio.Event() for _ in range(followers)]
    following = [asyncio.create_task(_follow(url, name, count, event)) for event in ready]
    for event in ready:
        await event.wait()
    sender = await Sender.open(url)
    started, sent = perf_counter(), 0
    while sent < count:
        due = min(count, int((perf_counter() - started) * rate) + 1)
        await sender.send([frame(_event(name, number)) for number in range(sent, due)])
        sent = due
        await asyncio.sleep(_TICK)
    await sender.settle()
    await sender.close()
    async with asyncio.timeout(_PATIENCE):
        return [latency for latencies in await asyncio.gather(*following) for latency in latencies[rate * _WARM_UP :]]


def _event(name: str, number: int) -> bytes:
    return json.dumps(
        {
            "id": str(uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": name,
            "resource": {"prefect.resource.id": f"{name}.{number % 50}", "prefect.resource.name": "bench"},
            "related": [{"prefect.resource.id": "prefect.flow-run.x", "prefect.resource.role": "flow-run"}],
            "payload": {"number": number, "sent": perf_counter()},
        }
    ).encode()


async def _follow(url: str, name: str, count: int, ready: asyncio.Event) -> list[float]:
    """Read every event once and give its latency."""
    now = datetime.now(UTC)
    window = {"since": (now - timedelta(minutes=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}
    latencies: list[float] = []
    seen: set[int] = set()
    address = url.replace("http", "ws", 1) + "/events/out"
    async with connect(address, subprotocols=[Subprotocol("prefect")], max_size=None) as socket:
        await socket.send('{"type":"auth","token":null}')
        await socket.recv()
        await socket.send(json.dumps({"type": "filter", "filter": {"occurred": window, "event": {"name": [name]}}}))
        ready.set()
        while len(latencies) < count:
            event = json.loads(await socket.recv())["event"]
            latencies.append(perf_counter() - event["payload"]["sent"])
            seen.add(event["payload"]["number"])
    if len(seen) != count:
        raise RuntimeError(f"{count - len(seen)} of {count} events came twice, and as many never")
    return latencies


def _percentile(latencies: list[float], share: float) -> float:
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


if __name__ == "__main__":
    sys.exit(main())
