"""Statements on deployments, and the reader of their rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.filters import Query
from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.base import encode_text
from headrace.wire.deployments import ConcurrencyOptions, Deployment, DeploymentStatus
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.flows import Labels

_ANYTHING = JSON(dict[str, Any])
_DEPLOYMENTS = Reader(
    Deployment,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "version": Kind.TEXT,
        "description": Kind.TEXT,
        "flow_id": Kind.UUID,
        "paused": Kind.BOOLEAN,
        "tags": JSON(list[str]),
        "labels": JSON(Labels),
        "parameters": _ANYTHING,
        "parameter_openapi_schema": _ANYTHING,
        "enforce_parameter_schema": Kind.BOOLEAN,
        "entrypoint": Kind.TEXT,
        "path": Kind.TEXT,
        "pull_steps": JSON(list[dict[str, Any]]),
        "job_variables": _ANYTHING,
        "concurrency_options": JSON(ConcurrencyOptions),
        "work_queue_id": Kind.UUID,
        "work_queue_name": Kind.TEXT,
        "storage_document_id": Kind.UUID,
        "infrastructure_document_id": Kind.UUID,
        "last_polled": Kind.TIME,
        "status": ENUM(DeploymentStatus),
        "created_by": JSON(CreatedBy),
        "updated_by": JSON(CreatedBy),
    },
)
_WIDTH = len(_DEPLOYMENTS.names)
_POOL_NAME = """(
    SELECT pool.name FROM work_queues AS queue JOIN work_pools AS pool ON pool.id = queue.work_pool_id
    WHERE queue.id = deployments.work_queue_id
)"""
_COLUMNS = f"{_DEPLOYMENTS.columns('deployments')}, deployments.concurrency_limit_id, {_POOL_NAME}"


class Stored(msgspec.Struct, frozen=True):
    """A deployment without its schedules, and the id of its concurrency limit."""

    deployment: Deployment
    concurrency_limit_id: UUID | None


class Upserted(msgspec.Struct, frozen=True):
    """A deployment that was written; `id` is that of the row, which may have been there before."""

    id: UUID
    concurrency_limit_id: UUID | None


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment with what its events are related to; None for what it has not."""

    id: UUID
    name: str
    flow_id: UUID
    flow_name: str
    queue_id: UUID | None
    queue_name: str | None
    pool_id: UUID | None
    pool_name: str | None
    pool_type: str | None
    storage_document_id: UUID | None
    infrastructure_document_id: UUID | None
    concurrency_limit_id: UUID | None


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment whose runs somebody asks for, as it was before."""

    id: UUID
    status: DeploymentStatus


def _upserted(id: UUID, concurrency_limit_id: UUID | None) -> Upserted:
    return Upserted(id, concurrency_limit_id)


def _id(id: UUID | None) -> UUID | None:
    return id


_UPSERTED = Reader(_upserted, {"id": Kind.UUID, "concurrency_limit_id": Kind.UUID})
_IDS = Reader(_id, {"id": Kind.UUID})

_BY_ID = Statement(f"SELECT {_COLUMNS} FROM deployments WHERE deployments.id = $1 AND deployments.deleted_at IS NULL")
_BY_NAME = Statement(
    f"""
    SELECT {_COLUMNS} FROM deployments JOIN flows ON flows.id = deployments.flow_id
    WHERE flows.name = $1 AND deployments.name = $2 AND flows.deleted_at IS NULL AND deployments.deleted_at IS NULL
    """
)
_FOR_UPDATE = "FOR NO KEY UPDATE OF deployments"  # runs may be made of it meanwhile
_LOCK = Statement(f"{_BY_ID.postgres} {_FOR_UPDATE}", sqlite=_BY_ID.postgres)
_NAMED = f"SELECT {_COLUMNS} FROM deployments WHERE flow_id = $1 AND name = $2 AND deleted_at IS NULL"
_LOCK_NAMED = Statement(f"{_NAMED} {_FOR_UPDATE}", sqlite=_NAMED)
_FLOW = "SELECT id FROM flows WHERE id = $1"
_LOCK_FLOW = Statement(f"{_FLOW} FOR NO KEY UPDATE", sqlite=_FLOW)
_SURROUNDINGS = Reader(
    Surroundings,
    {
        "id": Kind.UUID,
        "name": Kind.TEXT,
        "flow_id": Kind.UUID,
        "flow_name": Kind.TEXT,
        "queue_id": Kind.UUID,
        "queue_name": Kind.TEXT,
        "pool_id": Kind.UUID,
        "pool_name": Kind.TEXT,
        "pool_type": Kind.TEXT,
        "storage_document_id": Kind.UUID,
        "infrastructure_document_id": Kind.UUID,
        "concurrency_limit_id": Kind.UUID,
    },
)
_AROUND = """
    SELECT d.id, d.name, d.flow_id, f.name, q.id, q.name, p.id, p.name, p.type, d.storage_document_id,
        d.infrastructure_document_id, d.concurrency_limit_id
    FROM deployments d JOIN flows f ON f.id = d.flow_id
    LEFT JOIN work_queues q ON q.id = d.work_queue_id AND q.deleted_at IS NULL
    LEFT JOIN work_pools p ON p.id = q.work_pool_id AND p.deleted_at IS NULL
    WHERE d.id {} ORDER BY d.id
"""
_ANY_OF, _ANY_OF_SQLITE = "= ANY($1::uuid[])", "IN (SELECT value FROM json_each($1))"
_SURROUNDINGS_OF = Statement(_AROUND.format(_ANY_OF), sqlite=_AROUND.format(_ANY_OF_SQLITE))
_AWAITED = Reader(Awaited, {"id": Kind.UUID, "status": ENUM(DeploymentStatus)})
_TO_POLL = "SELECT id, status FROM deployments WHERE {} {} AND deleted_at IS NULL ORDER BY id"
_READY = "UPDATE deployments SET status = 'READY', last_polled = $2 WHERE id {} AND deleted_at IS NULL"
_MARK_POLLED = Statement(_READY.format(_ANY_OF), sqlite=_READY.format(_ANY_OF_SQLITE))

_LAPSED = """
    SELECT d.id FROM deployments d LEFT JOIN work_queues q ON q.id = d.work_queue_id
    WHERE d.status = 'READY' AND (d.last_polled IS NULL OR d.last_polled < $1)
    AND (q.last_polled IS NULL OR q.last_polled < $1) AND d.deleted_at IS NULL
"""
_LAPSED_FIRST = Statement(f"{_LAPSED} ORDER BY d.id LIMIT $2")
# Whoever has one locked is polling or changing it.
_LOCK_LAPSED = Statement(
    f"{_LAPSED} AND d.id = ANY($2::uuid[]) ORDER BY d.id FOR NO KEY UPDATE OF d SKIP LOCKED",
    sqlite=f"{_LAPSED} AND d.id IN (SELECT value FROM json_each($2))",
)
_LAPSE = "UPDATE deployments SET status = 'NOT_READY' WHERE id {}"
_LAPSE_ALL = Statement(_LAPSE.format(_ANY_OF), sqlite=_LAPSE.format(_ANY_OF_SQLITE))


def _to_poll(column: str) -> Statement:
    """Locks deployments in the order of their ids, so that two who poll the same ones never wait in a circle."""
    sqlite = _TO_POLL.format(column, _ANY_OF_SQLITE)
    return Statement(f"{_TO_POLL.format(column, _ANY_OF)} {_FOR_UPDATE}", sqlite=sqlite)


_POLLED, _POLLED_BY_QUEUE = _to_poll("id"), _to_poll("work_queue_id")

LIST = Query(
    "deployments",
    _COLUMNS,
    "{matching} ORDER BY {order} LIMIT {limit} OFFSET {offset}",
    orders={
        "CREATED_DESC": "deployments.created DESC, deployments.id DESC",
        "UPDATED_DESC": "deployments.updated DESC, deployments.id DESC",
        "NAME_ASC": "deployments.name ASC, deployments.id ASC",
        "NAME_DESC": "deployments.name DESC, deployments.id DESC",
    },
    extras=("limit", "offset"),
)
COUNT = Query("deployments", "deployments.id", "SELECT count(*) FROM ({matching}) AS matching")

_DOCUMENTS = frozenset(
    {
        "tags",
        "labels",
        "parameters",
        "parameter_openapi_schema",
        "pull_steps",
        "job_variables",
        "concurrency_options",
        "version_info",
    }
)


async def by_id(connection: Connection, id: UUID) -> Stored | None:
    """The deployment, if there is one."""
    row = await connection.fetch_one(_BY_ID, id)
    return None if row is None else stored([row], connection.dialect)[0]


async def by_name(connection: Connection, flow_name: str, name: str) -> Stored | None:
    """The deployment of that name of the flow of that name, if there is one."""
    row = await connection.fetch_one(_BY_NAME, flow_name, name)
    return None if row is None else stored([row], connection.dialect)[0]


async def lock(transaction: Connection, id: UUID) -> Stored | None:
    """The deployment, which nobody else changes until the transaction ends."""
    row = await transaction.fetch_one(_LOCK, id)
    return None if row is None else stored([row], transaction.dialect)[0]


async def lock_flow(transaction: Connection, flow_id: UUID) -> None:
    """Let nobody else make deployments of a flow until the transaction ends."""
    await transaction.fetch_one(_LOCK_FLOW, flow_id)


async def lock_named(transaction: Connection, flow_id: UUID, name: str) -> Stored | None:
    """The same as `lock` for the deployment of that name of a flow."""
    row = await transaction.fetch_one(_LOCK_NAMED, flow_id, name)
    return None if row is None else stored([row], transaction.dialect)[0]


async def surroundings(connection: Connection, ids: Sequence[UUID]) -> list[Surroundings]:
    """What the events of these deployments are related to."""
    return _SURROUNDINGS.all(await connection.fetch(_SURROUNDINGS_OF, list(ids)), connection.dialect)


def stored(rows: Sequence[Row], dialect: Dialect) -> list[Stored]:
    """The deployments of rows of `LIST`."""
    deployments = _DEPLOYMENTS.all([row[:_WIDTH] for row in rows], dialect)
    limits = _IDS.all([row[_WIDTH : _WIDTH + 1] for row in rows], dialect)
    for deployment, row in zip(deployments, rows, strict=True):
        deployment.work_pool_name = row[_WIDTH + 1]
    return [Stored(deployment, limit) for deployment, limit in zip(deployments, limits, strict=True)]


async def upsert(
    transaction: Connection, id: UUID, flow_id: UUID, name: str, now: datetime, values: Mapping[str, Any]
) -> Upserted:
    """Add a deployment, or set these columns of the one that the flow has under that name."""
    row = await transaction.fetch_one(_upsert(tuple(values)), id, now, flow_id, name, *_stored_values(values))
    assert row is not None
    return _UPSERTED.one(row, transaction.dialect)


async def update(transaction: Connection, id: UUID, now: datetime, values: Mapping[str, Any]) -> bool:
    """Set columns of a deployment. False if there is no such deployment."""
    return await transaction.execute(_update(tuple(values)), id, now, *_stored_values(values)) > 0


async def fill(transaction: Connection, id: UUID, values: Mapping[str, Any]) -> None:
    """Give a new deployment what it was not given."""
    for column, value in values.items():
        await transaction.execute(_fill(column), id, encode_text(value))


async def mark_polled(transaction: Connection, ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Somebody has asked for the runs of these deployments; returns those that were not ready before."""
    return await _mark(transaction, await transaction.fetch(_POLLED, list(ids)), now)


async def mark_polled_by_queue(transaction: Connection, work_queue_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """The same for the deployments that send their runs to these work queues."""
    return await _mark(transaction, await transaction.fetch(_POLLED_BY_QUEUE, list(work_queue_ids)), now)


async def lapsed(store: Store, since: datetime, limit: int) -> list[UUID]:
    """Deployments that count as ready although nobody has asked for their runs since then."""
    return _lapsed_ids(await store.scan(_LAPSED_FIRST, since, limit), store.dialect)


async def lapse(transaction: Connection, ids: Sequence[UUID], since: datetime) -> list[UUID]:
    """Take those of them for not ready of which that still holds; which they are."""
    found = _lapsed_ids(await transaction.fetch(_LOCK_LAPSED, since, list(ids)), transaction.dialect)
    await transaction.execute(_LAPSE_ALL, found)
    return found


def _lapsed_ids(rows: Sequence[Row], dialect: Dialect) -> list[UUID]:
    return [id for id in _IDS.all(rows, dialect) if id is not None]


async def _mark(transaction: Connection, rows: Sequence[Row], now: datetime) -> list[UUID]:
    polled = _AWAITED.all(rows, transaction.dialect)
    if polled:
        await transaction.execute(_MARK_POLLED, [found.id for found in polled], now)
    return [found.id for found in polled if found.status is not DeploymentStatus.READY]


def _stored_values(values: Mapping[str, Any]) -> list[Any]:
    return [
        encode_text(value) if column in _DOCUMENTS and value is not None else value for column, value in values.items()
    ]


@lru_cache(maxsize=256)
def _upsert(columns: tuple[str, ...]) -> Statement:
    places = [f"${number}" for number in range(5, 5 + len(columns))]
    inserted = "".join(f", {column}" for column in columns)
    values = "".join(f", {place}" for place in places)
    changed = "".join(f", {column} = excluded.{column}" for column in columns)
    return Statement(
        f"INSERT INTO deployments (id, created, updated, flow_id, name{inserted})"
        f" VALUES ($1, $2, $2, $3, $4{values})"
        f" ON CONFLICT (flow_id, name) WHERE deleted_at IS NULL DO UPDATE SET updated = excluded.updated{changed}"
        f" RETURNING id, concurrency_limit_id"
    )


@lru_cache(maxsize=256)
def _update(columns: tuple[str, ...]) -> Statement:
    changed = "".join(f", {column} = ${number}" for number, column in enumerate(columns, start=3))
    return Statement(f"UPDATE deployments SET updated = $2{changed} WHERE id = $1 AND deleted_at IS NULL")


@lru_cache
def _fill(column: str) -> Statement:
    return Statement(f"UPDATE deployments SET {column} = $2 WHERE id = $1 AND {column} IS NULL")
