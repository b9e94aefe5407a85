"""Triggers of every kind, made by the real client and set off by its runs and events; prints what fired."""

import json
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from prefect import flow
from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.actions import DoNothing
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.events.schemas.automations import CompoundTrigger, EventTrigger, Posture, SequenceTrigger

PATIENCE = 60.0
MARK = uuid4().hex[:8]


def watching(name: str, trigger: Any) -> Automation:
    return Automation(name=f"{name}-{MARK}", trigger=trigger, actions=[DoNothing()]).create()


def on(event: str, **fields: Any) -> EventTrigger:
    fields = {"posture": Posture.Reactive, "threshold": 1} | fields
    return EventTrigger(expect={f"{event}.{MARK}"}, match={"prefect.resource.id": "mill.*"}, **fields)


def emit(*names: str, resource: str = "mill.1") -> None:
    for name in names:
        emit_event(event=f"{name}.{MARK}", resource={"prefect.resource.id": resource})


@flow(name=f"milling-{MARK}")
def mill() -> str:
    return "flour"


@flow(name=f"breaking-{MARK}")
def break_down() -> None:
    raise ValueError("the wheel is stuck")


def firings(automation: Automation) -> list[dict[str, Any]]:
    """The events that told of its firings, in order."""
    wanted = EventFilter(
        event=EventNameFilter(name=["prefect.automation.triggered"]),
        resource=EventResourceFilter(id=[f"prefect.automation.{automation.id}"]),
        order="ASC",
    )
    with get_client(sync_client=True) as client:
        answer = client.request("POST", "/events/filter", json={"filter": wanted.model_dump(mode="json")})
    return answer.json()["events"]


def fired(automation: Automation, count: int) -> list[Any]:
    """What its first firings say of their events, once there are so many."""
    deadline = time.monotonic() + PATIENCE
    while len(found := firings(automation)) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return [shown(event["payload"]) for event in found]


def shown(payload: dict[str, Any]) -> list[Any]:
    event = payload["triggering_event"]
    name = None if event is None else event["event"].removesuffix(f".{MARK}")
    return [name, payload["triggering_labels"]]


def main() -> None:
    silent = watching("silent", on("never", posture=Posture.Proactive, within=10))
    completed = watching(
        "completed",
        EventTrigger(
            expect={"prefect.flow-run.Completed"},
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": f"milling-{MARK}"},
            posture=Posture.Reactive,
        ),
    )
    counted = watching("counted", on("grain", threshold=3, within=60, for_each={"prefect.resource.id"}))
    sequence = watching("sequence", SequenceTrigger(triggers=[on("one"), on("two"), on("three")], within=None))
    compound = watching("compound", CompoundTrigger(triggers=[on("left"), on("right")], require="all", within=60))
    disabled = watching("disabled", on("one"))
    disabled.disable()
    mill()
    with suppress(ValueError):
        break_down()
    for _ in range(3):
        emit("grain", resource="mill.1")
        emit("grain", resource="mill.2")
    emit("three", "two", "one", "two", "three", "right", "left")
    print(
        json.dumps(
            {
                "completed": fired(completed, 1),
                "counted": fired(counted, 2),
                "sequence": fired(sequence, 1),
                "compound": fired(compound, 1),
                "silent": fired(silent, 1)[:1],
                "disabled": fired(disabled, 0),
            }
        )
    )


if __name__ == "__main__":
    main()
