"""Work pools: where runs are sent to be executed, and by what kind of worker (contract §3, §11.1)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Parts, Wire, assume_utc
from headrace.wire.flow_runs import FlowRun
from headrace.wire.flows import Name
from headrace.wire.listings import PageNumber
from headrace.wire.states import StateType

Slots = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""How many runs may be under way at once."""
JobTemplate = dict[str, Any]
"""`job_configuration`, with `{{ placeholders }}`, and `variables`, the JSON Schema of what fills them; or empty."""

AGENT = "prefect-agent"
"""The type of pools whose queues are polled one by one, without workers."""
DEFAULT_AGENT_POOL = "default-agent-pool"
DEFAULT_QUEUE = "default"


class WorkPoolStatus(StrEnum):
    """READY: a worker has been heard of lately. Pools of the agent type have no status."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class WorkPoolStorageConfiguration(Body, kw_only=True):
    """How code bundles get to the workers of a pool, and where its runs keep their results (unset: not shown)."""

    bundle_upload_step: dict[str, Any] | None = None
    bundle_execution_step: dict[str, Any] | None = None
    default_result_storage_block_id: UUID | None | msgspec.UnsetType = None


class WorkPool(Wire, kw_only=True):
    """`active_slots` is counted only where there is a `concurrency_limit`."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    description: str | None = None
    type: str
    base_job_template: JobTemplate = {}
    is_paused: bool = False
    concurrency_limit: int | None = None
    status: WorkPoolStatus | None = None
    default_queue_id: UUID | None = None
    storage_configuration: WorkPoolStorageConfiguration = msgspec.field(default_factory=WorkPoolStorageConfiguration)
    active_slots: int | None = None


class WorkPoolCreate(Body, kw_only=True):
    name: Name
    description: str | None = None
    type: str = AGENT
    base_job_template: JobTemplate = {}
    is_paused: bool = False
    concurrency_limit: Slots | None = None
    storage_configuration: WorkPoolStorageConfiguration = msgspec.field(default_factory=WorkPoolStorageConfiguration)


class WorkPoolUpdate(Body, kw_only=True):
    """Only the keys that are present change anything."""

    description: str | None | msgspec.UnsetType = msgspec.UNSET
    is_paused: bool | None | msgspec.UnsetType = msgspec.UNSET
    base_job_template: JobTemplate | None | msgspec.UnsetType = msgspec.UNSET
    concurrency_limit: Slots | None | msgspec.UnsetType = msgspec.UNSET
    storage_configuration: WorkPoolStorageConfiguration | None | msgspec.UnsetType = msgspec.UNSET


class ScheduledRunsRequest(Parts, kw_only=True):
    """What a worker polls for: due runs of these queues of a pool, of all its queues where none is named."""

    work_queue_names: list[str] | None = None
    scheduled_before: datetime | None = None
    scheduled_after: datetime | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        """Datetimes without an offset are read as UTC."""
        assume_utc(self)


class WorkerFlowRun(Wire, kw_only=True):
    """A due run, and where it was found; the run comes without its state object."""

    work_pool_id: UUID
    work_queue_id: UUID
    flow_run: FlowRun


class FlowRunSlotSummary(Wire, kw_only=True):
    """A run that holds a slot; `time_in_current_state` is in seconds."""

    id: UUID
    name: str
    state_type: StateType | None = None
    state_name: str | None = None
    start_time: datetime | None = None
    state_timestamp: datetime | None = None
    time_in_current_state: float | None = None


class WorkQueueConcurrencyStatusDetail(Wire, kw_only=True):
    """`flow_run_count` is of all runs that hold a slot; `flow_runs` are the first of them."""

    queue_id: UUID
    queue_name: str
    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = []
    flow_run_count: int | None = None


class PoolConcurrencyRequest(Parts, kw_only=True):
    """A page of a pool's queues, each with `flow_run_limit` of the runs that hold its slots."""

    page: PageNumber = 1
    limit: int | None = None
    flow_run_limit: Annotated[int, msgspec.Meta(ge=0, le=200)] = 10


class WorkPoolConcurrencyStatus(Wire, kw_only=True):
    """Who holds a pool's slots, by queue. `count` is of the queues."""

    active_slots: int
    concurrency_limit: int | None = None
    queues: list[WorkQueueConcurrencyStatusDetail] = []
    count: int
    limit: int
    pages: int
    page: int
