"""Flow runs: one execution of a flow (contract §3)."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.flows import Label, Labels
from headrace.wire.names import random_name
from headrace.wire.states import State, StateCreate, StateType


class FlowRunPolicy(Wire, kw_only=True):
    """How a run is retried and paused; the server keeps `pause_keys`, `resuming` and `retry_type` current."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: int | None = None
    pause_keys: set[str] | None = msgspec.field(default_factory=set[str])
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None

    def __post_init__(self) -> None:
        """The legacy pair of fields fills the modern one where only the former is set."""
        if self.retries is None and self.max_retries:
            self.retries = self.max_retries
        if self.retry_delay is None and self.retry_delay_seconds:
            self.retry_delay = int(self.retry_delay_seconds)


class CreatedBy(Wire, kw_only=True):
    """What made an object: a deployment, a schedule, an automation; None for a person's own call."""

    id: UUID | None = None
    type: str | None = None
    display_value: str | None = None


class FlowRun(Wire, kw_only=True):
    """A flow run as it is answered. Durations are float seconds; `estimated_*` are as of the answer."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    flow_id: UUID
    state_id: UUID | None = None
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = {}
    idempotency_key: str | None = None
    context: dict[str, Any] = {}
    empirical_policy: FlowRunPolicy = msgspec.field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    labels: Labels = {}
    parent_task_run_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    estimated_run_time: float = 0.0
    estimated_start_time_delta: float = 0.0
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: CreatedBy | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    state: State | None = None
    job_variables: dict[str, Any] | None = None


class FlowRunCreate(Body, kw_only=True):
    flow_id: UUID
    state: StateCreate | None = None
    name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = {}
    context: dict[str, Any] = {}
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = msgspec.field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    labels: Labels | None = {}
    idempotency_key: str | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = {}
    deployment_id: UUID | None = None

    def __post_init__(self) -> None:
        """A run without a name, or with an empty one, is given one."""
        super().__post_init__()
        if not self.name:
            self.name = random_name()


class FlowRunUpdate(Body, kw_only=True):
    """Only the keys that are present change anything; an empty name asks for a random one."""

    name: str | None | msgspec.UnsetType = msgspec.UNSET
    flow_version: str | None | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    empirical_policy: FlowRunPolicy | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    infrastructure_pid: str | None | msgspec.UnsetType = msgspec.UNSET
    job_variables: dict[str, Any] | None | msgspec.UnsetType = msgspec.UNSET


class FlowRunInput(Wire, kw_only=True):
    """A value handed to a run while it runs; `value` is the JSON text its receiver expects."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    flow_run_id: UUID
    key: str
    value: str
    sender: str | None = None


LabelUpdate = dict[str, Label]
