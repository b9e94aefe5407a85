"""Work queues: the runs of a pool by priority (contract §3)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Parts, Wire, assume_utc
from headrace.wire.flows import Name
from headrace.wire.listings import PageNumber
from headrace.wire.work_pools import FlowRunSlotSummary, Slots

Priority = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
"""1 comes first."""


class WorkQueueStatus(StrEnum):
    """READY: polled within the last minute."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class QueueFilter(Wire, kw_only=True):
    """What runs a queue of the old kind took; kept, no longer used."""

    tags: list[str] | None = None
    deployment_ids: list[UUID] | None = None


class WorkQueue(Wire, kw_only=True):
    """`active_slots` is counted only where there is a `concurrency_limit`."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int = 1
    work_pool_id: UUID | None = None
    filter: QueueFilter | None = None
    last_polled: datetime | None = None
    work_pool_name: str | None = None
    status: WorkQueueStatus | None = None
    active_slots: int | None = None


class WorkQueueCreate(Body, kw_only=True):
    """Without a priority the queue takes the first that is free; one that is taken moves the others down."""

    name: Name
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: Slots | None = None
    priority: Priority | None = None
    filter: QueueFilter | None = None


class WorkQueueUpdate(Body, kw_only=True):
    """Only the keys that are present change anything."""

    name: Name | None | msgspec.UnsetType = msgspec.UNSET
    description: str | None | msgspec.UnsetType = msgspec.UNSET
    is_paused: bool | msgspec.UnsetType = msgspec.UNSET
    concurrency_limit: Slots | None | msgspec.UnsetType = msgspec.UNSET
    priority: Priority | None | msgspec.UnsetType = msgspec.UNSET
    last_polled: datetime | None | msgspec.UnsetType = msgspec.UNSET
    filter: QueueFilter | None | msgspec.UnsetType = msgspec.UNSET


class QueueRunsRequest(Parts, kw_only=True):
    """The runs of a queue that are due."""

    scheduled_before: datetime | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        """Datetimes without an offset are read as UTC."""
        assume_utc(self)


class WorkQueueHealthPolicy(Wire, kw_only=True):
    maximum_late_runs: int | None = 0
    maximum_seconds_since_last_polled: int | None = 60


class WorkQueueStatusDetail(Wire, kw_only=True):
    """Whether a queue's runs are being fetched in time."""

    healthy: bool
    late_runs_count: int = 0
    last_polled: datetime | None = None
    health_check_policy: WorkQueueHealthPolicy = msgspec.field(default_factory=WorkQueueHealthPolicy)


class QueueConcurrencyRequest(Parts, kw_only=True):
    """A page of the runs that hold a queue's slots."""

    page: PageNumber = 1
    limit: int | None = None


class WorkQueueConcurrencyStatus(Wire, kw_only=True):
    """Who holds a queue's slots. `count` is of the runs."""

    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = []
    count: int
    limit: int
    pages: int
    page: int
