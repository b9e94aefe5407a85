"""When deployments run by themselves: their schedules, read and changed (contract §3, §9)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules import recurrence
from headrace.server.store.base import Connection, Statement, Topic
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.errors import Conflict, InvalidRequest, ObjectAlreadyExists, Unprocessable
from headrace.wire.ids import uuid7
from headrace.wire.schedules import (
    DeploymentSchedule,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    IfRunning,
    Schedule,
)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Until when the times of a schedule, as it is stored, have been dealt with."""

    schedule: str
    slug: str | None
    until: datetime


class Policies(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a schedule's runs that wait, and of those whose time comes while others go on."""

    max_queued: int | None
    if_running: IfRunning


_POLICIES = Reader(Policies, {"max_queued": Kind.INTEGER, "if_running": Kind.TEXT})
_POLICIES_OF = Statement(f"SELECT {_POLICIES.columns()} FROM deployment_schedules WHERE id = $1 AND deleted_at IS NULL")
_SCHEDULES = Reader(
    DeploymentSchedule,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "deployment_id": Kind.UUID,
        "schedule": JSON(dict[str, Any]),
        "active": Kind.BOOLEAN,
        "max_scheduled_runs": Kind.INTEGER,
        "parameters": JSON(dict[str, Any]),
        "slug": Kind.TEXT,
        "catchup": Kind.TEXT,
        "max_queued": Kind.INTEGER,
        "if_running": Kind.TEXT,
        "error": Kind.TEXT,
    },
)
_COLUMNS = _SCHEDULES.columns()
_NEWEST_FIRST = "ORDER BY updated DESC, id DESC"

_OF = Statement(
    f"SELECT {_COLUMNS} FROM deployment_schedules WHERE deployment_id = ANY($1::uuid[]) AND deleted_at IS NULL"
    f" {_NEWEST_FIRST}",
    sqlite=f"""
    SELECT {_COLUMNS} FROM deployment_schedules
    WHERE deployment_id IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL {_NEWEST_FIRST}
    """,
)
_INSERT = Statement(
    """
    INSERT INTO deployment_schedules (
        id, created, updated, deployment_id, schedule, active, max_scheduled_runs, parameters, slug,
        catchup, max_queued, if_running, scheduled_until
    ) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    """
)
_UPDATE = Statement(
    """
    UPDATE deployment_schedules
    SET updated = $2, schedule = $4, active = $5, max_scheduled_runs = $6, parameters = $7, slug = $8,
        catchup = $9, max_queued = $10, if_running = $11,
        scheduled_until = CASE WHEN $12 THEN NULL ELSE scheduled_until END
    WHERE deployment_id = $3 AND id = $1 AND deleted_at IS NULL
    """
)
_DELETE = Statement("DELETE FROM deployment_schedules WHERE deployment_id = $1 AND id = $2 AND deleted_at IS NULL")
_CLEAR = Statement("DELETE FROM deployment_schedules WHERE deployment_id = $1")
_UNTIL = Reader(Progress, {"schedule": Kind.TEXT, "slug": Kind.TEXT, "until": Kind.TIME})
_PROGRESS = Statement(
    """
    SELECT schedule, slug, scheduled_until FROM deployment_schedules
    WHERE deployment_id = $1 AND deleted_at IS NULL AND scheduled_until IS NOT NULL
    """
)
# What a schedule that made no runs has missed by that is passed by, unless it is to be caught up.
_LOOK_AGAIN_TEXT = """
    UPDATE deployment_schedules SET
        error = NULL,
        due_at = CASE WHEN active AND NOT (SELECT paused FROM deployments WHERE id = $1) THEN $2{time} END,
        scheduled_until = CASE
            WHEN scheduled_until IS NULL OR (due_at IS NULL AND catchup = 'none') THEN $2{time}
            ELSE {earlier}(scheduled_until, $2{time})
        END
    WHERE deployment_id = $1 AND deleted_at IS NULL
"""
_LOOK_AGAIN = Statement(
    _LOOK_AGAIN_TEXT.format(earlier="least", time="::timestamptz"),
    sqlite=_LOOK_AGAIN_TEXT.format(earlier="min", time=""),
)


async def of(connection: Connection, deployment_ids: Sequence[UUID]) -> dict[UUID, list[DeploymentSchedule]]:
    """The schedules of these deployments, the last changed first."""
    found: defaultdict[UUID, list[DeploymentSchedule]] = defaultdict(list)
    rows = await connection.fetch(_OF, list(deployment_ids))
    for schedule in _SCHEDULES.all(rows, connection.dialect):
        assert schedule.deployment_id is not None
        found[schedule.deployment_id].append(schedule)
    return found


async def add(
    transaction: Connection,
    deployment_id: UUID,
    wanted: Iterable[DeploymentScheduleCreate],
    now: datetime,
    before: Sequence[Progress] = (),
) -> list[DeploymentSchedule]:
    """Give a deployment more schedules; one that is as one `before` goes on where that was.

    Raises `ObjectAlreadyExists` for a slug that it has already.
    """
    added = [_made(deployment_id, create, now) for create in wanted]
    if not added:
        return []
    until = {(_comparable(each.schedule), each.slug): each.until for each in before}
    rows = [
        (*_row(schedule), until.get((_comparable(encode_text(schedule.schedule)), schedule.slug))) for schedule in added
    ]
    try:
        await transaction.execute_many(_INSERT, rows)
    except Conflict as error:
        raise ObjectAlreadyExists(
            "A schedule of this deployment has that slug already: give another one, or change that schedule."
        ) from error
    return added


async def replace(
    transaction: Connection, deployment_id: UUID, wanted: Iterable[DeploymentScheduleCreate], now: datetime
) -> None:
    """Give a deployment these schedules in place of all it had."""
    before = _UNTIL.all(await transaction.fetch(_PROGRESS, deployment_id), transaction.dialect)
    await transaction.execute(_CLEAR, deployment_id)
    await add(transaction, deployment_id, wanted, now, before)


async def policies(connection: Connection, schedule_id: UUID) -> Policies | None:
    """What the schedule says of its runs; None if there is no such schedule."""
    row = await connection.fetch_one(_POLICIES_OF, schedule_id)
    return None if row is None else _POLICIES.one(row, connection.dialect)


async def look_again(transaction: Connection, deployment_id: UUID, now: datetime) -> None:
    """Have the scheduler look at a deployment's schedules: they, the deployment or their runs have changed.

    Nothing is made of inactive ones, nor of those of a deployment that is paused.
    """
    if await transaction.execute(_LOOK_AGAIN, deployment_id, now):
        transaction.announce(Topic.SCHEDULES)


async def change(
    transaction: Connection, schedule: DeploymentSchedule, update: DeploymentScheduleUpdate, now: datetime
) -> None:
    """Set what is given of a schedule. Raises `ObjectAlreadyExists` for a slug that another one has."""
    changed = _changed(schedule, update, now)
    try:
        await transaction.execute(_UPDATE, *_row(changed, created=False), changed.schedule != schedule.schedule)
    except Conflict as error:
        raise ObjectAlreadyExists(
            f"Another schedule of this deployment has the slug {update.slug!r} already: give another one."
        ) from error


async def remove(transaction: Connection, deployment_id: UUID, schedule_id: UUID) -> bool:
    """Take a schedule from a deployment; whether it had it."""
    return await transaction.execute(_DELETE, deployment_id, schedule_id) > 0


async def patch(
    transaction: Connection, deployment_id: UUID, updates: Sequence[DeploymentScheduleUpdate], now: datetime
) -> None:
    """Change a deployment's schedules as a PATCH asks (contract §3).

    If all that it has and all that is given have slugs, each is changed by its slug, or added; otherwise the
    given ones take the place of all. Raises `Unprocessable` where slugs are missing or collide.
    """
    _check_names(updates)
    existing = (await of(transaction, [deployment_id])).get(deployment_id, [])
    if existing and all(schedule.slug for schedule in existing):
        if not all(update.slug for update in updates):
            raise Unprocessable(
                "Please provide a slug for each schedule in your request to ensure schedules are updated correctly."
            )
        await _patch_by_slug(transaction, deployment_id, existing, updates, now)
    else:
        await replace(transaction, deployment_id, [_as_create(update) for update in updates], now)


def _check_names(updates: Sequence[DeploymentScheduleUpdate]) -> None:
    """Raise `Unprocessable` where two updates speak of the same schedule."""
    slugs = [update.slug for update in updates if update.slug]
    if len(slugs) != len(set(slugs)):
        raise Unprocessable("Schedule slugs must be unique within a deployment: one of them is given twice.")
    replaced = [update.replaces for update in updates if isinstance(update.replaces, str)]
    for slug in replaced:
        if replaced.count(slug) > 1:
            raise Unprocessable(f"Multiple schedules have 'replaces' targeting the same slug: {slug}")


def checked(schedule: Schedule, *path: str | int) -> Schedule:
    """The schedule in the form in which it is kept; raises `InvalidRequest` if nothing can come of it."""
    try:
        return recurrence.normalized(schedule)
    except recurrence.ScheduleError as error:
        raise InvalidRequest(str(error), ("body", *path, "schedule", error.field)) from None


def check_all(given: Sequence[DeploymentScheduleCreate] | Sequence[DeploymentScheduleUpdate], *path: str) -> None:
    """Bring schedules to the form in which they are kept; raises `InvalidRequest`."""
    for number, each in enumerate(given):
        if each.schedule is not None and each.schedule is not msgspec.UNSET:
            each.schedule = checked(each.schedule, *path, number)


async def _patch_by_slug(
    transaction: Connection,
    deployment_id: UUID,
    existing: Sequence[DeploymentSchedule],
    updates: Sequence[DeploymentScheduleUpdate],
    now: datetime,
) -> None:
    by_slug = {schedule.slug: schedule for schedule in existing}
    added: list[DeploymentScheduleCreate] = []
    for update in updates:
        renamed = by_slug.get(update.replaces) if isinstance(update.replaces, str) else None
        if renamed is not None and update.slug != update.replaces and update.slug in by_slug:
            raise Unprocessable(
                f"Cannot rename schedule from {update.replaces!r} to {update.slug!r}: "
                f"a schedule with slug {update.slug!r} already exists."
            )
        target = renamed or by_slug.get(update.slug if isinstance(update.slug, str) else None)
        if target is None:
            added.append(_as_create(update))
        else:
            await change(transaction, target, update, now)
    await add(transaction, deployment_id, added, now)


def _as_create(update: DeploymentScheduleUpdate) -> DeploymentScheduleCreate:
    """The whole schedule that an update is. Raises `Unprocessable` if it says nothing about when."""
    if update.schedule is None or update.schedule is msgspec.UNSET:
        raise Unprocessable("Unable to create new deployment schedules without a schedule configuration.")
    return DeploymentScheduleCreate(
        schedule=update.schedule,
        active=True if update.active in (None, msgspec.UNSET) else bool(update.active),
        max_scheduled_runs=_given(update.max_scheduled_runs, None),
        parameters=_given(update.parameters, {}),
        slug=_given(update.slug, None),
        catchup=_given(update.catchup, "none"),
        max_queued=_given(update.max_queued, None),
        if_running=_given(update.if_running, "start"),
    )


def _changed(schedule: DeploymentSchedule, update: DeploymentScheduleUpdate, now: datetime) -> DeploymentSchedule:
    return DeploymentSchedule(
        id=schedule.id,
        created=schedule.created,
        updated=now,
        deployment_id=schedule.deployment_id,
        schedule=_given(update.schedule, None) or schedule.schedule,
        active=schedule.active if update.active in (None, msgspec.UNSET) else bool(update.active),
        max_scheduled_runs=_given(update.max_scheduled_runs, schedule.max_scheduled_runs),
        parameters=_given(update.parameters, schedule.parameters),
        slug=_given(update.slug, schedule.slug),
        catchup=_given(update.catchup, schedule.catchup),
        max_queued=_given(update.max_queued, schedule.max_queued),
        if_running=_given(update.if_running, schedule.if_running),
    )


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is msgspec.UNSET else value


def _made(deployment_id: UUID, create: DeploymentScheduleCreate, now: datetime) -> DeploymentSchedule:
    return DeploymentSchedule(
        id=uuid7(),
        created=now,
        updated=now,
        deployment_id=deployment_id,
        schedule=create.schedule,
        active=create.active,
        max_scheduled_runs=create.max_scheduled_runs,
        parameters=create.parameters,
        slug=create.slug,
        catchup=create.catchup,
        max_queued=create.max_queued,
        if_running=create.if_running,
    )


def _row(schedule: DeploymentSchedule, *, created: bool = True) -> tuple[Any, ...]:
    return (
        schedule.id,
        schedule.created if created else schedule.updated,
        schedule.deployment_id,
        encode_text(schedule.schedule),
        schedule.active,
        schedule.max_scheduled_runs,
        encode_text(schedule.parameters),
        schedule.slug,
        schedule.catchup,
        schedule.max_queued,
        schedule.if_running,
    )


def _comparable(schedule: str) -> Any:
    """A stored schedule as a value that does not hang on how the database writes JSON."""
    return frozenset(msgspec.json.decode(schedule, type=dict[str, Any]).items())
