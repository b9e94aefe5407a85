"""The schedules that the scheduler has to look at: read, and settled together with the runs that it makes of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

import msgspec

from headrace.rules.scheduling import Look, Times
from headrace.server.deployments import events, queries
from headrace.server.deployments.scheduling import series
from headrace.server.events import log
from headrace.server.flow_runs import scheduled
from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.deployments import Deployment
from headrace.wire.events import Event
from headrace.wire.flows import Labels
from headrace.wire.schedules import DeploymentSchedule

PUT_OFF = timedelta(hours=1)
"""How long a schedule that cannot be followed is left alone."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the scheduler is with a schedule."""

    due_at: datetime
    until: datetime | None


class Due(msgspec.Struct, frozen=True):
    """A schedule that is to be looked at, and as much of its deployment as its runs take over."""

    schedule: DeploymentSchedule
    source: Deployment
    place: Place

    @property
    def times(self) -> Times:
        schedule = self.schedule
        return Times(
            schedule=schedule.schedule,
            until=self.place.until,
            catchup=schedule.catchup,
            max_queued=schedule.max_queued,
        )


class Failure(msgspec.Struct, frozen=True):
    """Why a schedule cannot be followed."""

    reason: str


Result = tuple[Due, Look | Failure]

_PLACES = Reader(Place, {"due_at": Kind.TIME, "until": Kind.TIME})
_SCHEDULES = Reader(
    DeploymentSchedule,
    {
        "id": Kind.UUID,
        "deployment_id": Kind.UUID,
        "schedule": JSON(dict[str, Any]),
        "parameters": JSON(dict[str, Any]),
        "slug": Kind.TEXT,
        "catchup": Kind.TEXT,
        "max_queued": Kind.INTEGER,
        "error": Kind.TEXT,
    },
)
_SOURCES = Reader(
    Deployment,
    {
        "id": Kind.UUID,
        "name": Kind.TEXT,
        "flow_id": Kind.UUID,
        "version": Kind.TEXT,
        "tags": JSON(list[str]),
        "labels": JSON(Labels),
        "parameters": JSON(dict[str, Any]),
        "work_queue_id": Kind.UUID,
        "work_queue_name": Kind.TEXT,
    },
)
_AFTER_PLACE = len(_PLACES.names)
_AFTER_SCHEDULE = _AFTER_PLACE + len(_SCHEDULES.names)
DUE = Statement(
    f"""
    SELECT s.due_at, s.scheduled_until, {_SCHEDULES.columns("s")}, {_SOURCES.columns("d")}
    FROM deployment_schedules s JOIN deployments d ON d.id = s.deployment_id
    WHERE s.due_at <= $1 AND s.due_at IS NOT NULL AND s.active AND s.deleted_at IS NULL
    AND NOT d.paused AND d.deleted_at IS NULL
    ORDER BY s.due_at LIMIT $2
    """
)
# Whoever changes a deployment waits, and then takes back the runs that are made here; whoever is at it is waited for.
_LOCK_DEPLOYMENTS = Statement(
    "SELECT id FROM deployments WHERE id = ANY($1::uuid[]) ORDER BY id FOR SHARE",
    sqlite="SELECT id FROM deployments WHERE FALSE AND id IN (SELECT value FROM json_each($1))",
)
_LOCK_SCHEDULES = Statement(
    """
    SELECT id, due_at FROM deployment_schedules WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
    """,
    sqlite="""
    SELECT id, due_at FROM deployment_schedules
    WHERE id IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL
    """,
)
_SETTLE = Statement(
    """
    UPDATE deployment_schedules s SET due_at = g.due_at, scheduled_until = g.until, error = g.error
    FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[]) AS g (id, due_at, until, error)
    WHERE s.id = g.id
    """,
    sqlite="UPDATE deployment_schedules SET due_at = $2, scheduled_until = $3, error = $4 WHERE id = $1",
)


def _pair(*, id: UUID, due_at: datetime | None) -> tuple[UUID, datetime | None]:
    return id, due_at


_PAIRS = Reader(_pair, {"id": Kind.UUID, "due_at": Kind.TIME})


async def read(store: Store, now: datetime, limit: int) -> list[Due]:
    """The schedules that have been due for longest."""
    rows = await store.scan(DUE, now, limit)
    schedules = _SCHEDULES.all(_part(rows, _AFTER_PLACE, _AFTER_SCHEDULE), store.dialect)
    sources = _SOURCES.all(_part(rows, _AFTER_SCHEDULE, None), store.dialect)
    places = _PLACES.all(_part(rows, 0, _AFTER_PLACE), store.dialect)
    return [Due(*each) for each in zip(schedules, sources, places, strict=True)]


async def settle(store: Store, results: Sequence[Result], now: datetime) -> int:
    """Make the runs that are to be made and note when to look again; how many times runs were made for.

    A schedule that was changed or settled by somebody else since it was read is left to them.
    """
    made = [
        (due, result, series(due.source, due.schedule, result.moments if isinstance(result, Look) else ()))
        for due, result in results
    ]
    async with store.transaction() as transaction:
        await transaction.fetch(_LOCK_DEPLOYMENTS, [due.source.id for due, _ in results])
        rows = await transaction.fetch(_LOCK_SCHEDULES, [due.schedule.id for due, _ in results])
        unchanged = dict(_PAIRS.all(rows, transaction.dialect))
        ours = [each for each in made if unchanged.get(each[0].schedule.id) == each[0].place.due_at]
        await scheduled.insert(transaction, [runs for _, _, runs in ours if runs.moments], now)
        await _update(transaction, [_settled(due, result, now) for due, result, _ in ours])
        await _tell(transaction, [(due, result) for due, result, _ in ours], now)
    return sum(len(runs.moments) for _, _, runs in ours)


def _part(rows: Sequence[Row], first: int, after: int | None) -> list[Row]:
    return [row[first:after] for row in rows]


def _settled(due: Due, result: Look | Failure, now: datetime) -> tuple[Any, ...]:
    match result:
        case Look(again=again, until=until):
            return due.schedule.id, again, until, None
        case Failure(reason=reason):
            return due.schedule.id, now + PUT_OFF, due.place.until, reason
        case _:
            assert_never(result)


async def _update(transaction: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    if transaction.dialect is Dialect.POSTGRES:
        await transaction.execute(_SETTLE, *map(list, zip(*rows, strict=True)))
    else:
        await transaction.execute_many(_SETTLE, rows)


async def _tell(transaction: Connection, results: Iterable[Result], now: datetime) -> None:
    """Put into the log which times were missed, and which schedules cannot be followed any more."""
    worth = [(due, result) for due, result in results if _is_news(due, result)]
    if not worth:
        return
    around = {found.id: found for found in await queries.surroundings(transaction, [due.source.id for due, _ in worth])}
    told: list[Event] = []
    for due, result in worth:
        match result:
            case Look(missed=missed) if missed is not None:
                told.append(events.runs_missed(around[due.source.id], due.schedule, missed, now))
            case Look():
                continue
            case Failure(reason=reason):
                told.append(events.schedule_failed(around[due.source.id], due.schedule, reason, now))
            case _:
                assert_never(result)
    await log.append(transaction, told, now)


def _is_news(due: Due, result: Look | Failure) -> bool:
    return result.missed is not None if isinstance(result, Look) else result.reason != due.schedule.error
