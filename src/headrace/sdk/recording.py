"""Task runs are orchestrated here, and the API learns of them from events (contract §7).

The engine puts a `Transition` for each state; the recorder's thread makes the event of it, sends it, and sends it
again until it is acknowledged.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from headrace.sdk.results import ResultRecord
from headrace.sdk.shipping import Shipper, Terms
from headrace.wire.events import Event, Resource
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State, StateDetails, StateType
from headrace.wire.task_runs import TaskInputs, TaskRun, TaskRunPolicy

_FOLLOWS_WITHIN = timedelta(minutes=5)


class Origin(msgspec.Struct, frozen=True):
    """The flow run around a task run, as its events name it."""

    flow_run: FlowRun
    flow_name: str


class Transition(msgspec.Struct, frozen=True):
    """A task run entered a state: the run as it was in that moment."""

    run: TaskRun
    previous: State | None
    state: State
    origin: Origin | None


class EventSink(Protocol):
    def post_events(self, events: Sequence[Event]) -> None: ...


class _StateReport(msgspec.Struct):
    type: StateType
    name: str
    message: str | None
    state_details: StateDetails
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
    labels: dict[str, Any] | None
    task_inputs: TaskInputs
    run_count: int
    flow_run_run_count: int
    expected_start_time: datetime | None
    next_scheduled_start_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    total_run_time: float
    estimated_run_time: float
    estimated_start_time_delta: float


def recorder(sink: EventSink, patience: float) -> Shipper[Transition]:
    """A shipper of transitions; when it is full the run waits, so that no task run goes unrecorded."""

    def send(transitions: list[Transition]) -> None:
        sink.post_events([event_of(transition) for transition in transitions])

    return Shipper(send, Terms(what="task run states", patience=patience))


def event_of(transition: Transition) -> Event:
    """The event that reports a transition (contract §7)."""
    run, state, previous = transition.run, transition.state, transition.previous
    follows = previous is not None and state.timestamp - previous.timestamp < _FOLLOWS_WITHIN
    return Event(
        id=state.id,
        occurred=state.timestamp,
        event=f"prefect.task-run.{state.name}",
        resource=_resource(run, state),
        related=_related(run, transition.origin),
        payload={
            "intended": {"from": previous.type if previous else None, "to": state.type},
            "initial_state": _report(previous) if previous else None,
            "validated_state": _report(state),
            "task_run": _RunReport(**{name: getattr(run, name) for name in _RunReport.__struct_fields__}),
        },
        follows=previous.id if follows and previous is not None else None,
    )


def _resource(run: TaskRun, state: State) -> Resource:
    return {
        "prefect.resource.id": f"prefect.task-run.{run.id}",
        "prefect.resource.name": run.name,
        "prefect.run-count": str(run.run_count),
        "prefect.state-message": state.message or "",
        "prefect.state-type": state.type.value,
        "prefect.state-name": state.name,
        "prefect.state-timestamp": state.timestamp.isoformat(),
        "prefect.orchestration": "client",
    }


def _related(run: TaskRun, origin: Origin | None) -> list[Resource]:
    related: list[Resource] = []
    if origin is not None:
        flow_run = origin.flow_run
        related.append(_resource_of("flow-run", flow_run.id, flow_run.name))
        related.append(_resource_of("flow", flow_run.flow_id, origin.flow_name))
        if flow_run.deployment_id is not None:
            related.append(
                {"prefect.resource.id": f"prefect.deployment.{flow_run.deployment_id}", **_role("deployment")}
            )
    return related + [{"prefect.resource.id": f"prefect.tag.{tag}", **_role("tag")} for tag in run.tags]


def _resource_of(kind: str, id_: UUID, name: str) -> Resource:
    return {"prefect.resource.id": f"prefect.{kind}.{id_}", "prefect.resource.name": name, **_role(kind)}


def _role(role: str) -> Resource:
    return {"prefect.resource.role": role}


def _report(state: State) -> _StateReport:
    data = state.data.metadata if isinstance(state.data, ResultRecord) else state.data
    return _StateReport(state.type, state.name, state.message, state.state_details, data)
