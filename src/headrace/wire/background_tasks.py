"""How headrace's own task workers get runs, begin them and keep them (docs/guide/background-tasks.md)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire
from headrace.wire.task_runs import TaskRun

LeaseSeconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
"""For how long a worker has a run that it gives no further sign of."""

TaskKeys = Annotated[list[str], msgspec.Meta(min_length=1, max_length=1000)]


class TaskWorkerHello(Body, kw_only=True, tag_field="type", tag="subscribe"):
    """The first frame: which tasks the worker executes, and its host and process."""

    task_keys: TaskKeys
    worker: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class TaskWorkerReady(Body, kw_only=True, tag_field="type", tag="ready"):
    """The worker has room for so many runs more."""

    room: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1


class TaskWorkerKnown(Wire, kw_only=True, tag_field="type", tag="subscribed"):
    """The server's answer to the first frame."""


class TaskDelivery(Wire, kw_only=True, tag_field="type", tag="delivery"):
    """A run that the worker may begin, under the id of this delivery."""

    delivery_id: UUID
    task_run: TaskRun


class TaskBegin(Body, kw_only=True):
    """Begin the run that came with a delivery; it is the worker's for so many seconds, unless that is renewed."""

    delivery_id: UUID
    seconds: LeaseSeconds


class TaskLeaseRenewal(Body, kw_only=True):
    """Signs of life of runs that a worker executes: the delivery of each, by its id."""

    leases: Annotated[dict[UUID, UUID], msgspec.Meta(max_length=10_000)]
    seconds: LeaseSeconds


class TaskLeasesEnded(Wire, kw_only=True):
    """Those of the runs that are not the worker's any more: they are over, deleted, or given to another."""

    ended: list[UUID]


class TaskQueueLine(Wire, kw_only=True):
    """What is queued of one task: runs that wait for a worker, that are due later, and that a worker has not begun.

    `oldest` is since when the first of those that wait has waited, `deliveries` how often any was delivered at most.
    """

    task_key: str
    waiting: int
    later: int
    delivered: int
    oldest: datetime | None = None
    deliveries: int = 0
