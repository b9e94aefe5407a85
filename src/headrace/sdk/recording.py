"""Task runs are orchestrated here, and the API learns of them from events (contract §7).

The engine puts a `Transition` for each state; the recorder's thread makes the event of it, sends it, and sends it
again until it is acknowledged. Users' own events go the same way, so that all come in the order they happened.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from headrace.sdk.results import ResultRecord
from headrace.sdk.shipping import Shipper, Terms
from headrace.wire.events import Event, Resource
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State, StateType
from headrace.wire.task_runs import TaskInputs, TaskRun, TaskRunPolicy

_FOLLOWS_WITHIN = timedelta(minutes=5)
_BATCH = 100
"""Events in a request: few, for encoding them holds up every other thread of this process."""


class Origin:
    """The flow run around task runs, as their events name it: the same for all of them."""

    __slots__ = ("related",)

    def __init__(self, flow_run: FlowRun, flow_name: str) -> None:
        self.related = [
            _named("flow-run", flow_run.id, flow_run.name),
            _named("flow", flow_run.flow_id, flow_name),
        ]
        if flow_run.deployment_id is not None:
            self.related.append(_related("deployment", flow_run.deployment_id))

    @classmethod
    def of_flow_run(cls, flow_run_id: UUID) -> "Origin":
        """Of a flow run that this process knows no more of than its id."""
        origin = cls.__new__(cls)
        origin.related = [_related("flow-run", flow_run_id)]
        return origin


class Transition(msgspec.Struct, frozen=True):
    """A task run entered a state: the run as it was in that moment."""

    run: TaskRun
    previous: State | None
    state: State
    origin: Origin | None


MakesEvent = Callable[[], Event]
"""Makes an event in the recorder's thread; it must not raise."""
Recorded = Transition | MakesEvent


class EventSink(Protocol):
    def post_events(self, events: Sequence[Event]) -> None: ...


class _StateReport(msgspec.Struct):
    type: StateType
    name: str
    message: str | None
    state_details: dict[str, Any]
    data: Any


class _RunReport(msgspec.Struct):
    name: str
    task_key: str
    dynamic_key: str
    task_version: str | None
    cache_key: str | None
    cache_expiration: datetime | None
    empirical_policy: TaskRunPolicy
    tags: list[str]
    task_inputs: TaskInputs
    run_count: int
    flow_run_run_count: int
    expected_start_time: datetime | None
    next_scheduled_start_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    total_run_time: float


def recorder(sink: EventSink, patience: float) -> Shipper[Recorded]:
    """A shipper of events; when it is full the run waits, so that no task run goes unrecorded."""

    def send(recorded: list[Recorded]) -> None:
        sink.post_events(list(map(_event_of, recorded)))

    return Shipper(send, Terms(what="events", patience=patience, batch=_BATCH))


def _event_of(recorded: Recorded) -> Event:
    """Lets the runs' own threads go first: the interpreter would let them wait for 5 ms each time they blocked."""
    time.sleep(0)
    return event_of(recorded) if isinstance(recorded, Transition) else recorded()


def event_of(transition: Transition) -> Event:
    """The event that reports a transition (contract §7)."""
    run, state, previous = transition.run, transition.state, transition.previous
    follows = previous is not None and state.timestamp - previous.timestamp < _FOLLOWS_WITHIN
    return Event(
        id=state.id,
        occurred=state.timestamp,
        event=f"prefect.task-run.{state.name}",
        resource={
            "prefect.resource.id": f"prefect.task-run.{run.id}",
            "prefect.resource.name": run.name,
            "prefect.run-count": str(run.run_count),
            "prefect.state-message": state.message or "",
            "prefect.state-type": state.type.value,
            "prefect.state-name": state.name,
            "prefect.state-timestamp": state.timestamp.isoformat(),
            "prefect.orchestration": "client",
        },
        related=[
            *(transition.origin.related if transition.origin is not None else ()),
            *(_related("tag", tag) for tag in run.tags),
        ],
        payload={
            "intended": {"from": previous.type if previous is not None else None, "to": state.type},
            "initial_state": _state_report(previous) if previous is not None else None,
            "validated_state": _state_report(state),
            "task_run": _run_report(run),
        },
        follows=previous.id if follows and previous is not None else None,
    )


def _named(kind: str, id_: UUID, name: str) -> Resource:
    return {"prefect.resource.name": name, **_related(kind, id_)}


def _related(kind: str, id_: UUID | str) -> Resource:
    return {"prefect.resource.id": f"prefect.{kind}.{id_}", "prefect.resource.role": kind}


def _state_report(state: State) -> _StateReport:
    data = state.data.metadata if isinstance(state.data, ResultRecord) else state.data
    details = {name: value for name, value in asdict(state.state_details).items() if value is not None}
    return _StateReport(state.type, state.name, state.message, details, data)


def _run_report(run: TaskRun) -> _RunReport:
    """The fields one by one: three of these are made for each task run, and any loop over names costs more."""
    return _RunReport(
        run.name,
        run.task_key,
        run.dynamic_key,
        run.task_version,
        run.cache_key,
        run.cache_expiration,
        run.empirical_policy,
        run.tags,
        run.task_inputs,
        run.run_count,
        run.flow_run_run_count,
        run.expected_start_time,
        run.next_scheduled_start_time,
        run.start_time,
        run.end_time,
        run.total_run_time,
    )
