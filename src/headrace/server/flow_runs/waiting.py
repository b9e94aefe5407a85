"""Statements on runs that wait for their time or have passed it, for the service that looks after them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.schedules import IfRunning


class Overdue(msgspec.Struct, frozen=True, kw_only=True):
    """A run whose time has passed."""

    id: UUID
    due: datetime
    deployment_id: UUID | None
    created_by: CreatedBy | None


class Minding(msgspec.Struct, frozen=True, kw_only=True):
    """A run whose time has come, and whose schedule minds others that go on."""

    id: UUID
    due: datetime
    deployment_id: UUID
    if_running: IfRunning


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has begun and not ended; `since` is when it was begun or picked up."""

    id: UUID
    since: datetime | None
    state_type: str


def _id(*, id: UUID) -> UUID:
    return id


_OVERDUE_ROWS = Reader(
    Overdue,
    {"id": Kind.UUID, "due": Kind.TIME, "deployment_id": Kind.UUID, "created_by": JSON(CreatedBy)},
)
_MINDING_ROWS = Reader(
    Minding, {"id": Kind.UUID, "due": Kind.TIME, "deployment_id": Kind.UUID, "if_running": Kind.TEXT}
)
_UNDER_WAY_ROWS = Reader(UnderWay, {"id": Kind.UUID, "since": Kind.TIME, "state_type": Kind.TEXT})
_IDS = Reader(_id, {"id": Kind.UUID})

# Left to itself, SQLite prefers indexes of all runs that are over to those of the few that are not.
_OVERDUE = """
    SELECT id, next_scheduled_start_time, deployment_id, created_by FROM flow_runs {index}
    WHERE state_name = 'Scheduled' AND state_type = 'SCHEDULED' AND next_scheduled_start_time <= $1
    AND next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL AND (next_scheduled_start_time, id) > ($2, $3)
    ORDER BY next_scheduled_start_time, id LIMIT $4
"""
OVERDUE = Statement(_OVERDUE.format(index=""), sqlite=_OVERDUE.format(index="INDEXED BY ix_flow_runs_not_late"))
_MINDING_TEXT = """
    SELECT r.id, r.next_scheduled_start_time, r.deployment_id, s.if_running
    FROM deployment_schedules s {of_few} JOIN flow_runs r {of_waiting} ON r.deployment_id = s.deployment_id
    WHERE s.if_running <> 'start' AND s.deleted_at IS NULL
    AND r.deployment_id IS NOT NULL AND r.next_scheduled_start_time IS NOT NULL AND r.deleted_at IS NULL
    AND r.next_scheduled_start_time <= $1 AND r.state_type = 'SCHEDULED' AND r.run_count = 0 AND r.auto_scheduled
    AND {of_schedule}
    AND EXISTS (
        SELECT 1 FROM flow_runs o
        WHERE o.deployment_id = s.deployment_id AND o.deployment_id IS NOT NULL AND o.end_time IS NULL
        AND (o.state_type <> 'SCHEDULED' OR o.run_count > 0) AND o.deleted_at IS NULL
    )
    ORDER BY r.next_scheduled_start_time, r.id LIMIT $2
"""
MINDING = Statement(
    _MINDING_TEXT.format(of_few="", of_waiting="", of_schedule="r.created_by ->> 'id' = s.id::text"),
    sqlite=_MINDING_TEXT.format(
        of_few="INDEXED BY ix_deployment_schedules_if_running",
        of_waiting="INDEXED BY ix_flow_runs_deployment_next_scheduled",
        of_schedule="r.created_by ->> '$.id' = s.id",
    ),
)
# In an order that no index of all runs has, which PostgreSQL might follow until it has found enough.
_UNDER_WAY = """
    SELECT id, COALESCE(start_time, state_timestamp), state_type FROM flow_runs {index}
    WHERE deployment_id = $1 AND end_time IS NULL AND (state_type <> 'SCHEDULED' OR run_count > 0)
    AND deployment_id IS NOT NULL AND deleted_at IS NULL ORDER BY created, id LIMIT $2
"""
UNDER_WAY = Statement(_UNDER_WAY.format(index=""), sqlite=_UNDER_WAY.format(index="INDEXED BY ix_flow_runs_under_way"))
_SURPLUS_TEXT = """
    SELECT id FROM flow_runs
    WHERE deployment_id = $1 AND deployment_id IS NOT NULL AND next_scheduled_start_time IS NOT NULL
    AND state_name = 'Late' AND state_type = 'SCHEDULED' AND run_count = 0 AND deleted_at IS NULL
    AND {of_schedule}
    ORDER BY next_scheduled_start_time DESC, id DESC LIMIT $4 OFFSET $3
"""
SURPLUS = Statement(
    _SURPLUS_TEXT.format(of_schedule="created_by ->> 'id' = $2::uuid::text"),
    sqlite=_SURPLUS_TEXT.format(of_schedule="created_by ->> '$.id' = $2"),
)


async def overdue(store: Store, before: datetime, after: tuple[datetime, UUID], limit: int) -> list[Overdue]:
    """Runs that nobody has picked up and that are not marked late, in the order of their time, behind `after`."""
    return _OVERDUE_ROWS.all(await store.scan(OVERDUE, before, *after, limit), store.dialect)


async def minding(store: Store, now: datetime, limit: int) -> list[Minding]:
    """Runs whose time has come while others of their deployment go on, where their schedule minds it."""
    return _MINDING_ROWS.all(await store.scan(MINDING, now, limit), store.dialect)


async def under_way(connection: Connection, deployment_id: UUID, limit: int) -> list[UnderWay]:
    """The runs of a deployment that go on, the oldest first; an index of their own holds no others."""
    return _UNDER_WAY_ROWS.all(await connection.fetch(UNDER_WAY, deployment_id, limit), connection.dialect)


async def surplus(store: Store, deployment_id: UUID, schedule_id: UUID, most: int, limit: int) -> Sequence[UUID]:
    """The late runs of a schedule beyond the `most` latest ones."""
    return _IDS.all(await store.fetch(SURPLUS, deployment_id, schedule_id, most, limit), store.dialect)
