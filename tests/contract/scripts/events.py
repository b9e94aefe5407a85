"""What the log says of what the real client does: its runs, its own events and the objects that it keeps.

Prints what the client reads back as one JSON line. Run in the peer's environment, with PREFECT_API_URL at the server
under test.
"""

import json
import time
from typing import Any

from prefect import flow, get_client, task
from prefect.context import get_run_context
from prefect.events import emit_event
from prefect.events.schemas.events import ReceivedEvent
from prefect.variables import Variable

DEADLINE = 60.0
runs: dict[str, str] = {}


@task(tags=["grain"])
def grind() -> None:
    emit_event("mill.ground", resource={"prefect.resource.id": "mill.1"}, payload={"sacks": [1, 2.5, None, "ö"]})


@flow(name="contract-mill-wheel")
def wheel() -> None:
    runs["wheel"] = str(get_run_context().flow_run.id)


@flow(name="contract-mill", retries=1, retry_delay_seconds=0)
def mill() -> None:
    runs["mill"] = str(get_run_context().flow_run.id)
    grind()
    wheel()
    if get_run_context().flow_run.run_count == 1:
        raise RuntimeError("the wheel is stuck")


def read(wanted: dict[str, Any]) -> list[ReceivedEvent]:
    """The events that match, page by page, as the client understands them."""
    with get_client(sync_client=True) as client:
        page = client._client.post("/events/filter", json={"filter": wanted | {"order": "ASC"}, "limit": 7}).json()
        events = page["events"]
        while page["next_page"]:
            page = client._client.get(page["next_page"]).json()
            events += page["events"]
    return [ReceivedEvent.model_validate(event) for event in events]


def awaited(wanted: dict[str, Any], last: str) -> list[ReceivedEvent]:
    """The same, once an event of the name `last` is among them: the client sends its own in the background."""
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        events = read(wanted)
        if any(event.event == last for event in events):
            return events
        time.sleep(0.2)
    raise TimeoutError(f"{last} has not come")


def of(events: list[ReceivedEvent], kind: str, run: str) -> list[ReceivedEvent]:
    return [event for event in events if event.resource.id == f"prefect.{kind}.{run}"]


def chained(events: list[ReceivedEvent]) -> bool:
    """Whether each event follows the one before."""
    return [event.follows for event in events] == [None, *(event.id for event in events[:-1])]


mill()
Variable.set("contract_grain", "rye")
Variable.set("contract_grain", "oats", overwrite=True)
Variable.unset("contract_grain")

around = awaited({"any_resource": {"id": [f"prefect.flow-run.{runs['mill']}"]}}, "mill.ground")
states = [event for event in of(around, "flow-run", runs["mill"]) if not event.event.endswith("heartbeat")]
child = read(
    {"resource": {"id": [f"prefect.flow-run.{runs['wheel']}"]}, "event": {"exclude_prefix": ["prefect.flow-run.h"]}}
)
ground = next(event for event in around if event.event == "mill.ground")
kept = read({"event": {"prefix": ["prefect.variable."]}})
print(
    json.dumps(
        {
            "states": [event.event.removeprefix("prefect.flow-run.") for event in states],
            "chained": chained(states),
            "in order": [event.occurred for event in states] == sorted(event.occurred for event in states),
            "flow": [label["prefect.resource.name"] for label in states[0].related if label.role == "flow"],
            "child": [event.event.removeprefix("prefect.flow-run.") for event in child[:3]],
            "child chained": chained(child[:3]),
            "child of": [label["prefect.resource.name"] for label in child[0].related if label.role == "task-run"],
            "tasks": sorted({event.event for event in around if event.event.startswith("prefect.task-run.")}),
            "ground": ground.payload,
            "ground by": [label.id for label in ground.related if label.role == "flow-run"]
            == [f"prefect.flow-run.{runs['mill']}"],
            "variable": [[event.event.removeprefix("prefect.variable."), event.payload["value"]] for event in kept],
        }
    )
)
