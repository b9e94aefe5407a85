"""`prefect.work-queue.<change or status>`: what a work queue's events say (contract §6.3)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.events.facts import Change, differences, happened, resource, word_of, work_pool
from headrace.wire.events import Event
from headrace.wire.work_queues import WorkQueue, WorkQueueStatus

_TOLD = ("name", "description", "concurrency_limit", "priority")
"""The fields whose changes are told; that a queue is paused is a status."""


class PoolLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of the pool that a queue is of."""

    id: UUID
    name: str
    type: str


def queue_changed(
    change: Change, queue: WorkQueue, pool: PoolLabels, moment: datetime, payload: dict[str, Any] | None = None
) -> Event:
    """The event of a queue that was made, changed or deleted, as it is now or was last."""
    return _event(str(change), queue, pool, moment, payload)


def queue_updated(before: WorkQueue, after: WorkQueue, pool: PoolLabels, moment: datetime) -> Event | None:
    """The event of a queue whose fields were set, or None if all that is told of it is as it was."""
    payload = differences(*({field: getattr(queue, field) for field in _TOLD} for queue in (before, after)))
    return None if payload is None else queue_changed(Change.UPDATED, after, pool, moment, payload)


def status_entered(status: WorkQueueStatus, queue: WorkQueue, pool: PoolLabels, moment: datetime) -> Event:
    """The event of a queue that was paused, or is or is not polled any more."""
    return _event(word_of(status), queue, pool, moment)


def _event(
    what: str, queue: WorkQueue, pool: PoolLabels, moment: datetime, payload: dict[str, Any] | None = None
) -> Event:
    subject = resource("work-queue", queue.id, queue.name, "work-queue")
    related = [work_pool(pool.id, pool.name, pool.type, "work-pool")]
    return happened(f"prefect.work-queue.{what}", subject, moment, related, payload)
