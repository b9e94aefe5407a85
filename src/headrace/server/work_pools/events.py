"""`prefect.work-pool.<change or status>`: what a work pool's events say (contract §6.3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.server.events.facts import Change, differences, happened, resource, word_of, work_pool
from headrace.wire.events import Event, Resource
from headrace.wire.work_pools import WorkPool, WorkPoolStatus


def pool_changed(change: Change, pool: WorkPool, moment: datetime) -> Event:
    """The event of a pool that was made or deleted, as it is now or was last."""
    related: list[Resource] = []
    if pool.default_queue_id is not None:
        related.append(resource("work-queue", pool.default_queue_id, role="default-queue"))
    subject = work_pool(pool.id, pool.name, pool.type, "work-pool")
    return happened(f"prefect.work-pool.{change}", subject, moment, related)


def pool_updated(pool: WorkPool, changes: Mapping[str, Any], moment: datetime) -> Event | None:
    """The event of a pool of which these fields were set, or None if they were like that before.

    That it is paused is a status.
    """
    told = {field: value for field, value in changes.items() if field != "is_paused"}
    payload = differences({field: getattr(pool, field) for field in told}, told)
    if payload is None:
        return None
    subject = work_pool(pool.id, pool.name, pool.type, "work-pool")
    return happened(f"prefect.work-pool.{Change.UPDATED}", subject, moment, payload=payload)


def status_entered(status: WorkPoolStatus, pool: WorkPool, id: UUID, follows: UUID | None, moment: datetime) -> Event:
    """The event of a pool that was paused, or has or has lost its workers."""
    subject = work_pool(pool.id, pool.name, pool.type)
    return happened(f"prefect.work-pool.{word_of(status)}", subject, moment, id=id, follows=follows)
