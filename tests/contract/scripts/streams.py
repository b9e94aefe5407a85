"""Events and log lines as they come: the real client's subscribers and its commands that follow.

Prints what came as one JSON line. Run in the peer's environment, with PREFECT_API_URL at the server under test.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from prefect import flow, get_run_logger
from prefect.events import emit_event
from prefect.events.clients import get_events_client, get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.events import Event, Resource

PREFECT = str(Path(sys.executable).with_name("prefect"))


@contextmanager
def command(*arguments: str) -> Iterator[Iterator[str]]:
    """The lines that a command prints while it runs; it is ended with the block."""
    process = subprocess.Popen(
        [PREFECT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        yield iter(process.stdout)
    finally:
        process.terminate()
        process.wait()


def named(name: str) -> Event:
    return Event(event=name, resource=Resource({"prefect.resource.id": "mill.1"}), id=uuid4())


async def subscribed() -> dict[str, list[str]]:
    """Events sent before and after a subscriber came."""
    wanted = EventFilter(event=EventNameFilter(prefix=["mill."]))
    got: list[str] = []
    async with get_events_client() as client:
        await client.emit(named("mill.before"))
        await client.emit(named("other.before"))
    async with get_events_subscriber(filter=wanted) as subscriber, get_events_client() as client:
        async for event in subscriber:
            got.append(event.event)
            if event.event == "mill.before":
                for name in ("mill.one", "other.one", "mill.two"):
                    await client.emit(named(name))
            if event.event == "mill.two":
                break
    return {"subscribed": got}


def streamed() -> dict[str, list[str]]:
    """What `prefect event stream` prints."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.2):
            emit_event("mill.tick", resource={"prefect.resource.id": "mill.2"})

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        with command("event", "stream") as lines:
            line = next(line for line in lines if '"mill.tick"' in line)
    finally:
        over.set()
        ticking.join()
    event = json.loads(line)
    return {"streamed": [event["event"], event["resource"]["prefect.resource.id"]]}


go_on = threading.Event()


@flow(name="contract-watched", flow_run_name="watched", log_prints=False)
def watched() -> None:
    number = 0
    while not go_on.wait(0.2):
        get_run_logger().info("waiting %s", number)
        number += 1
    get_run_logger().info("the last line")


def watch() -> dict[str, bool]:
    """What `prefect flow-run watch` prints of a run that ends while it is watched."""
    running = threading.Thread(target=watched)
    running.start()
    flow_run_id = None
    while flow_run_id is None:
        flow_run_id = asyncio.run(find_run())
    said: list[str] = []
    with command("flow-run", "watch", flow_run_id) as lines:
        for line in lines:
            said.append(line)
            if "waiting" in line:
                go_on.set()
    running.join()
    text = "".join(said)
    return {"watched_lines": "the last line" in text, "watched_end": "Completed" in text or "completed" in text}


async def find_run() -> str | None:
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName

    async with get_client() as client:
        runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(name=FlowRunFilterName(any_=["watched"])))
    return str(runs[0].id) if runs and runs[0].state and runs[0].state.is_running() else None


if __name__ == "__main__":
    print(json.dumps(asyncio.run(subscribed()) | streamed() | watch()))
