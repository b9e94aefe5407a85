"""Deployments: flows with where, how and when they run (contract §3)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.concurrency import GlobalConcurrencyLimit
from headrace.wire.flow_runs import CreatedBy, FlowRunPolicy
from headrace.wire.flows import Labels, Name
from headrace.wire.names import random_name
from headrace.wire.schedules import DeploymentSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate, Positive
from headrace.wire.states import StateCreate

GraceSeconds = Annotated[int, msgspec.Meta(ge=60, le=86_400)]
Documents = list[dict[str, Any]]


class DeploymentStatus(StrEnum):
    """READY: something has asked for its runs within the last minute."""

    READY = "READY"
    NOT_READY = "NOT_READY"


class ConcurrencyLimitStrategy(StrEnum):
    """What becomes of a run for which its deployment has no free slot."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class ConcurrencyOptions(Wire, kw_only=True):
    """`grace_period_seconds`: how long a slot is held for a run that has not started yet."""

    collision_strategy: ConcurrencyLimitStrategy
    grace_period_seconds: GraceSeconds | None = None


class VersionInfo(Wire, kw_only=True):
    """Where a version comes from; only `version` is kept."""

    type: str
    version: str


class Deployment(Wire, kw_only=True):
    """A deployment as it is answered; `concurrency_limit` is always null, `global_concurrency_limit` holds it."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    version: str | None = None
    description: str | None = None
    flow_id: UUID
    paused: bool = False
    schedules: list[DeploymentSchedule] = []
    concurrency_limit: int | None = None
    global_concurrency_limit: GlobalConcurrencyLimit | None = None
    concurrency_options: ConcurrencyOptions | None = None
    job_variables: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    tags: list[str] = []
    labels: Labels = {}
    work_queue_name: str | None = None
    work_queue_id: UUID | None = None
    work_pool_name: str | None = None
    last_polled: datetime | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    enforce_parameter_schema: bool = True
    path: str | None = None
    pull_steps: Documents | None = None
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    created_by: CreatedBy | None = None
    updated_by: CreatedBy | None = None
    status: DeploymentStatus | None = DeploymentStatus.NOT_READY


class DeploymentCreate(Body, kw_only=True):
    """Of a deployment that exists already, the keys that are present change (contract §3)."""

    name: Name
    flow_id: UUID
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    schedules: list[DeploymentScheduleCreate] = []
    concurrency_limit: Positive | None | msgspec.UnsetType = msgspec.UNSET
    concurrency_options: ConcurrencyOptions | None | msgspec.UnsetType = msgspec.UNSET
    global_concurrency_limit_id: UUID | None | msgspec.UnsetType = msgspec.UNSET
    enforce_parameter_schema: bool | msgspec.UnsetType = msgspec.UNSET
    parameter_openapi_schema: dict[str, Any] | None | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    labels: Labels | None | msgspec.UnsetType = msgspec.UNSET
    pull_steps: Documents | None | msgspec.UnsetType = msgspec.UNSET
    work_queue_name: str | None | msgspec.UnsetType = msgspec.UNSET
    work_pool_name: str | None | msgspec.UnsetType = msgspec.UNSET
    storage_document_id: UUID | None | msgspec.UnsetType = msgspec.UNSET
    infrastructure_document_id: UUID | None | msgspec.UnsetType = msgspec.UNSET
    description: str | None | msgspec.UnsetType = msgspec.UNSET
    path: str | None | msgspec.UnsetType = msgspec.UNSET
    version: str | None | msgspec.UnsetType = msgspec.UNSET
    entrypoint: str | None | msgspec.UnsetType = msgspec.UNSET
    job_variables: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    version_info: VersionInfo | None | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Only one of the two ways to limit runs at once can be meant."""
        super().__post_init__()
        _check_limits(self.concurrency_limit, self.global_concurrency_limit_id)


class DeploymentUpdate(Body, kw_only=True):
    """Only the keys that are present change anything."""

    version: str | None | msgspec.UnsetType = msgspec.UNSET
    description: str | None | msgspec.UnsetType = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    schedules: list[DeploymentScheduleUpdate] | msgspec.UnsetType = msgspec.UNSET
    concurrency_limit: Positive | None | msgspec.UnsetType = msgspec.UNSET
    concurrency_options: ConcurrencyOptions | None | msgspec.UnsetType = msgspec.UNSET
    global_concurrency_limit_id: UUID | None | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | None | msgspec.UnsetType = msgspec.UNSET
    parameter_openapi_schema: dict[str, Any] | None | msgspec.UnsetType = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    work_queue_name: str | None | msgspec.UnsetType = msgspec.UNSET
    work_pool_name: str | None | msgspec.UnsetType = msgspec.UNSET
    path: str | None | msgspec.UnsetType = msgspec.UNSET
    job_variables: dict[str, Any] | None | msgspec.UnsetType = msgspec.UNSET
    pull_steps: Documents | None | msgspec.UnsetType = msgspec.UNSET
    entrypoint: str | None | msgspec.UnsetType = msgspec.UNSET
    storage_document_id: UUID | None | msgspec.UnsetType = msgspec.UNSET
    infrastructure_document_id: UUID | None | msgspec.UnsetType = msgspec.UNSET
    enforce_parameter_schema: bool | None | msgspec.UnsetType = msgspec.UNSET
    version_info: VersionInfo | None | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Only one of the two ways to limit runs at once can be meant."""
        super().__post_init__()
        _check_limits(self.concurrency_limit, self.global_concurrency_limit_id)


def _check_limits(own: object, linked: object) -> None:
    if own not in (None, msgspec.UNSET) and linked not in (None, msgspec.UNSET):
        raise ValueError(
            "A deployment cannot have both a concurrency limit and a global concurrency limit: give one of them."
        )


class DeploymentFlowRunCreate(Body, kw_only=True):
    """A run of a deployment: what is given goes over the deployment's own."""

    state: StateCreate | None = None
    name: str | None = None
    parameters: dict[str, Any] = {}
    enforce_parameter_schema: bool | None = None
    context: dict[str, Any] = {}
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = msgspec.field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    idempotency_key: str | None = None
    labels: Labels | None = None
    parent_task_run_id: UUID | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """A run without a name, or with an empty one, is given one."""
        super().__post_init__()
        if not self.name:
            self.name = random_name()


class FlowRunCreateResult(Wire, kw_only=True):
    """How one run of a bulk fared; `error` says why there is none."""

    flow_run_id: UUID | None = None
    status: Literal["CREATED", "FAILED"]
    error: str | None = None


class FlowRunBulkCreateResult(Wire, kw_only=True):
    results: list[FlowRunCreateResult] = []
