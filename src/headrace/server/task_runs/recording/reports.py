"""What one event says about a task run (contract §7)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.server.states.rows import StoredDetails
from headrace.wire.base import Wire, assume_utc
from headrace.wire.flows import Labels
from headrace.wire.states import StateType, default_name
from headrace.wire.task_runs import CacheKey, TaskInputs, TaskRunPolicy
from headrace.wire.times import to_micros

Stamp = tuple[int, UUID]
"""When a thing was said: microseconds since 1970, and the id of the state that came with it.

Two reports of one instant are told apart by the id, so that their order never depends on arrival.
"""

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]

_RUN_PREFIX = "prefect.task-run."
_FLOW_RUN_PREFIX = "prefect.flow-run."


class MalformedReport(ValueError):
    """The event claims to record a task run and cannot be read as one; the message says why."""


class _State(Wire, kw_only=True):
    type: StateType
    name: str | None = None
    message: str | None = None
    data: Any = None
    state_details: StoredDetails = msgspec.field(default_factory=StoredDetails)


class _TaskRun(Wire, kw_only=True):
    """The columns that a client may report. None says nothing: what was reported before stays."""

    task_key: str
    dynamic_key: str
    name: str
    cache_key: CacheKey | None = None
    cache_expiration: datetime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy | None = None
    tags: list[str] | None = None
    labels: Labels | None = None
    task_inputs: TaskInputs | None = None
    run_count: Count | None = None
    flow_run_run_count: Count | None = None
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float | None = None

    def __post_init__(self) -> None:
        assume_utc(self)


class _Payload(Wire, kw_only=True):
    validated_state: _State
    task_run: _TaskRun


_IDENTITY = frozenset({"task_key", "dynamic_key"})
FIELDS = tuple(name for name in _TaskRun.__struct_fields__ if name not in _IDENTITY)
"""The columns of a task run that reports can change, in the order of the recorder's statements."""

_decode = msgspec.json.Decoder(_Payload).decode
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


class ReportedState(msgspec.Struct, frozen=True):
    """A state as its client made it; the event's id and time are its own."""

    id: UUID
    timestamp: datetime
    type: StateType
    name: str
    message: str | None
    data: Any
    details: StoredDetails


class Report(msgspec.Struct, frozen=True):
    """One event: the run it is about, the state that run entered, and those of its columns that it tells."""

    task_run_id: UUID
    flow_run_id: UUID | None
    task_key: str
    dynamic_key: str
    stamp: Stamp
    state: ReportedState
    fields: Mapping[str, Any]


def concerns_task_run(event: str, resource: Mapping[str, str]) -> bool:
    """Whether an event records a task run that its client orchestrates."""
    return event.startswith("prefect.task-run") and resource.get("prefect.orchestration") == "client"


def read_report(
    id: UUID,
    occurred: datetime,
    resource: Mapping[str, str],
    related: Sequence[Mapping[str, str]],
    payload: msgspec.Raw,
) -> Report:
    """Read an event that `concerns_task_run`; raises `MalformedReport` with the reason if it cannot be."""
    try:
        said = _decode(_storable(payload))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedReport(f"payload: {error}") from error
    state = said.validated_state
    return Report(
        task_run_id=_id_after(_RUN_PREFIX, resource["prefect.resource.id"]),
        flow_run_id=_flow_run_id(related),
        task_key=said.task_run.task_key,
        dynamic_key=said.task_run.dynamic_key,
        stamp=(to_micros(occurred), id),
        state=ReportedState(
            id,
            occurred,
            state.type,
            state.name or default_name(state.type),
            state.message,
            state.data,
            state.state_details,
        ),
        fields={name: value for name in FIELDS if (value := getattr(said.task_run, name)) is not None},
    )


def _storable(payload: msgspec.Raw) -> bytes:
    """The payload without NUL characters, which no column of PostgreSQL can hold."""
    text = bytes(payload)
    return _NUL.sub(rb"\1", text) if b"\\u0000" in text else text


def _flow_run_id(related: Sequence[Mapping[str, str]]) -> UUID | None:
    for resource in related:
        if resource["prefect.resource.role"] == "flow-run":
            return _id_after(_FLOW_RUN_PREFIX, resource["prefect.resource.id"])
    return None


@lru_cache(maxsize=8192)
def _id_after(prefix: str, resource_id: str) -> UUID:
    if not resource_id.startswith(prefix):
        raise MalformedReport(f"the resource id {resource_id!r} does not begin with {prefix!r}")
    try:
        return UUID(resource_id[len(prefix) :])
    except ValueError:
        raise MalformedReport(f"the resource id {resource_id!r} does not end with a UUID") from None
