"""Deployments: marked with their schedules, and with the limit that is their own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.concurrency import service as concurrency
from headrace.server.deployments import service as deployments
from headrace.server.store.base import Connection, Topic
from headrace.server.trash import marking
from headrace.server.trash.chosen import chosen
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed

_LIMITS = chosen(  # one that has a name of its own is shared with others, and stays
    "SELECT l.id FROM deployments d JOIN concurrency_limits l ON l.id = d.concurrency_limit_id"
    " WHERE d.id {among} AND l.name = 'deployment:' || {id} ORDER BY 1",
    id=("d.id::text", "d.id"),
)


async def remove(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Delete the deployments of these that are live; the runs that they have yet to run are items of their own."""
    live = await marking.lock_live(transaction, "deployments", ids)
    if not live:
        return Changed([], {})
    await deployments.deleting(transaction, live, moment)
    by = (moment, operation_id)
    await marking.mark(transaction, "deployments", live, *by)
    schedules = await marking.mark(transaction, "deployment_schedules", live, *by, key="deployment_id")
    await concurrency.put_away_limits(transaction, await _limits(transaction, live), moment)
    transaction.announce(Topic.SCHEDULES)
    return Changed(live, {"deployments": len(live), "deployment_schedules": len(schedules)})


async def restore(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Give back the deployments of these that the operation has deleted; their schedules go on from now."""
    cleared = IDS.all(await marking.clear(transaction, "deployments", ids, operation_id), transaction.dialect)
    schedules = await marking.clear(transaction, "deployment_schedules", cleared, operation_id, key="deployment_id")
    await concurrency.take_back_limits(transaction, await _limits(transaction, cleared))
    transaction.announce(Topic.SCHEDULES)
    transaction.announce(Topic.NAMES)
    return Changed(cleared, {"deployments": len(cleared), "deployment_schedules": len(schedules)})


async def _limits(transaction: Connection, ids: Sequence[UUID]) -> list[UUID]:
    return IDS.all(await transaction.fetch(_LIMITS, list(ids)), transaction.dialect) if ids else []
