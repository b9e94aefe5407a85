"""Statements on limits and leases, and the reader of their rows.

Locks are always taken in one order, so that nobody waits in a circle: first runs, then limits by id, then
leases by id.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.rows import Kind, Reader


class Limit(msgspec.Struct, kw_only=True):
    """A limit's row; `active_slots` are those taken without a lease, as of `updated`."""

    id: UUID
    created: datetime
    updated: datetime
    name: str
    active: bool
    slot_limit: int
    active_slots: int
    denied_slots: int
    slot_decay_per_second: float
    avg_slot_occupancy_seconds: float


class Leased(msgspec.Struct, kw_only=True):
    """What is leased of one limit: slots that are held, and how many leases have run out since."""

    limit_id: UUID
    slots: int
    expired: int


class Lease(msgspec.Struct, kw_only=True):
    """A lease that was just ended."""

    created: datetime
    slots: int


class ExpiredLease(Lease, kw_only=True):
    """A lease that was ended because it had run out."""

    expires_at: datetime


class Holding(msgspec.Struct, kw_only=True):
    """A live lease's share in one limit."""

    limit_id: UUID
    lease_id: UUID
    created: datetime
    holder_type: str | None
    holder_id: UUID | None
    slots: int


LIMITS = Reader(
    Limit,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "updated": Kind.TIME,
        "name": Kind.TEXT,
        "active": Kind.BOOLEAN,
        "slot_limit": Kind.INTEGER,
        "active_slots": Kind.INTEGER,
        "denied_slots": Kind.INTEGER,
        "slot_decay_per_second": Kind.FLOAT,
        "avg_slot_occupancy_seconds": Kind.FLOAT,
    },
)
_LEASED = Reader(Leased, {"limit_id": Kind.UUID, "slots": Kind.INTEGER, "expired": Kind.INTEGER})
_LEASES = Reader(Lease, {"created": Kind.TIME, "slots": Kind.INTEGER})
_EXPIRED_LEASES = Reader(ExpiredLease, {"created": Kind.TIME, "expires_at": Kind.TIME, "slots": Kind.INTEGER})
_HOLDINGS = Reader(
    Holding,
    {
        "limit_id": Kind.UUID,
        "lease_id": Kind.UUID,
        "created": Kind.TIME,
        "holder_type": Kind.TEXT,
        "holder_id": Kind.UUID,
        "slots": Kind.INTEGER,
    },
)


def _id(*, id: UUID) -> UUID:
    return id


_IDS = Reader(_id, {"id": Kind.UUID})
_COLUMNS = LIMITS.columns()


def _chosen(column: str, values: str, list_type: str) -> tuple[str, str]:
    """A column that is one of a list's values, for PostgreSQL and for SQLite."""
    return f"{column} = ANY({values}::{list_type}[])", f"{column} IN (SELECT value FROM json_each({values}))"


def _by(column: str, list_type: str, lock: str) -> Statement:
    postgres, sqlite = _chosen(column, "$1", list_type)
    text = f"SELECT {_COLUMNS} FROM concurrency_limits WHERE {{chosen}} AND deleted_at IS NULL ORDER BY id"
    return Statement(text.format(chosen=postgres) + lock, sqlite=text.format(chosen=sqlite))


def _of_limits(text: str) -> Statement:
    """A statement whose `{chosen}` is about the limits with the ids $1."""
    postgres, sqlite = _chosen("x.limit_id", "$1", "uuid")
    return Statement(text.format(chosen=postgres, lock="FOR UPDATE"), sqlite=text.format(chosen=sqlite, lock=""))


def _chosen_by(text: str, column: str, values: str) -> Statement:
    """A statement whose `{chosen}` is about the rows that have one of these ids."""
    postgres, sqlite = _chosen(column, values, "uuid")
    return Statement(text.format(chosen=postgres), sqlite=text.format(chosen=sqlite))


_READ_BY_ID = _by("id", "uuid", "")
_READ_BY_NAME = _by("name", "text", "")
_LOCK_BY_ID = _by("id", "uuid", " FOR NO KEY UPDATE")
_LOCK_BY_NAME = _by("name", "text", " FOR NO KEY UPDATE")
_LIST_TEXT = f"""
    SELECT {_COLUMNS} FROM concurrency_limits WHERE substr(name, 1, length({{prefix}})) = $3 AND deleted_at IS NULL
    ORDER BY name LIMIT $1 OFFSET $2
"""
_LIST = Statement(_LIST_TEXT.format(prefix="$3::text"), sqlite=_LIST_TEXT.format(prefix="$3"))
_INSERT = Statement(
    """
    INSERT INTO concurrency_limits (
        id, created, updated, name, active, slot_limit, active_slots, denied_slots, slot_decay_per_second
    ) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8)
    """
)
_UPDATE = Statement(
    """
    UPDATE concurrency_limits SET
        updated = $2, name = $3, active = $4, slot_limit = $5, active_slots = $6, denied_slots = $7,
        slot_decay_per_second = $8, avg_slot_occupancy_seconds = $9
    WHERE id = $1
    """
)
_DELETE = Statement("DELETE FROM concurrency_limits WHERE id = $1 AND deleted_at IS NULL")

_LEASED_OF = _of_limits(
    """
    SELECT x.limit_id, sum(CASE WHEN l.expires_at <= $2 THEN 0 ELSE l.slots END),
        sum(CASE WHEN l.expires_at <= $2 THEN 1 ELSE 0 END)
    FROM concurrency_lease_limits x JOIN concurrency_leases l ON l.id = x.lease_id
    WHERE {chosen} GROUP BY x.limit_id
    """
)
_HOLDINGS_OF = _of_limits(
    """
    SELECT x.limit_id, x.lease_id, l.created, l.holder_type, l.holder_id, l.slots
    FROM concurrency_lease_limits x JOIN concurrency_leases l ON l.id = x.lease_id
    WHERE {chosen} AND (l.expires_at IS NULL OR l.expires_at > $2) ORDER BY l.created, l.id
    """
)
_LIMITS_OF_LEASE = Statement("SELECT limit_id FROM concurrency_lease_limits WHERE lease_id = $1")
_LIMITS_OF_LEASES = _chosen_by(
    "SELECT DISTINCT limit_id FROM concurrency_lease_limits WHERE {chosen} ORDER BY limit_id", "lease_id", "$1"
)
PUT_AWAY = _chosen_by("UPDATE concurrency_limits SET deleted_at = $2 WHERE {chosen} AND deleted_at IS NULL", "id", "$1")
TAKE_BACK = _chosen_by(
    "UPDATE concurrency_limits SET deleted_at = NULL WHERE {chosen} AND deleted_at IS NOT NULL", "id", "$1"
)
_LEASES_OF = _chosen_by("SELECT id FROM concurrency_leases WHERE {chosen} AND holder_type = $1", "holder_id", "$2")
# Those who give slots back may hold the leases, and those who renew one may have saved it: they are waited for.
_END_EXPIRED = Statement(
    """
    DELETE FROM concurrency_leases WHERE id IN (
        SELECT id FROM concurrency_leases WHERE expires_at <= $1 ORDER BY id FOR UPDATE
    )
    """,
    sqlite="DELETE FROM concurrency_leases WHERE expires_at <= $1",
)
_EXPIRED = Statement("SELECT id FROM concurrency_leases WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2")
_END_IF_EXPIRED = Statement(
    "DELETE FROM concurrency_leases WHERE id = $1 AND expires_at <= $2 RETURNING created, expires_at, slots"
)
_ADD_LEASE = Statement(
    """
    INSERT INTO concurrency_leases (id, created, expires_at, holder_type, holder_id, slots)
    VALUES ($1, $2, $3, $4, $5, $6)
    """
)
_ADD_SHARE = Statement("INSERT INTO concurrency_lease_limits (lease_id, limit_id) VALUES ($1, $2)")
_END_LEASE = Statement("DELETE FROM concurrency_leases WHERE id = $1 RETURNING created, slots")
_RENEW = Statement(
    "UPDATE concurrency_leases SET expires_at = $2 WHERE id = $1 AND (expires_at IS NULL OR expires_at > $3)"
)
_KEEP = Statement("UPDATE concurrency_leases SET expires_at = NULL WHERE id = $1 AND expires_at > $2")
_HOLDS = Statement(
    "SELECT 1 FROM concurrency_leases WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2) FOR UPDATE",
    sqlite="SELECT 1 FROM concurrency_leases WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)",
)
_HELD_BY = Statement(
    """
    SELECT x.limit_id FROM concurrency_lease_limits x JOIN concurrency_leases l ON l.id = x.lease_id
    WHERE l.holder_type = $1 AND l.holder_id = $2 AND (l.expires_at IS NULL OR l.expires_at > $3)
    """
)
_END_SHARE = Statement("DELETE FROM concurrency_lease_limits WHERE lease_id = $1 AND limit_id = $2")
_END_IF_EMPTY = Statement(
    """
    DELETE FROM concurrency_leases
    WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM concurrency_lease_limits WHERE lease_id = $1)
    """
)


async def read(connection: Connection, ids: Sequence[UUID]) -> list[Limit]:
    """The limits with these ids."""
    return LIMITS.all(await connection.fetch(_READ_BY_ID, list(ids)), connection.dialect)


async def read_named(connection: Connection, names: Sequence[str]) -> list[Limit]:
    """The limits with these names."""
    return LIMITS.all(await connection.fetch(_READ_BY_NAME, list(names)), connection.dialect)


async def lock(transaction: Connection, ids: Sequence[UUID]) -> list[Limit]:
    """The limits with these ids, which nobody else changes or takes slots of until the transaction ends."""
    return LIMITS.all(await transaction.fetch(_LOCK_BY_ID, list(ids)), transaction.dialect)


async def lock_named(transaction: Connection, names: Sequence[str]) -> list[Limit]:
    """The limits with these names, locked as well."""
    return LIMITS.all(await transaction.fetch(_LOCK_BY_NAME, list(names)), transaction.dialect)


async def listed(connection: Connection, limit: int, offset: int, prefix: str = "") -> list[Limit]:
    """Limits by name, those alone whose name begins with the prefix."""
    return LIMITS.all(await connection.fetch(_LIST, limit, offset, prefix), connection.dialect)


async def insert(connection: Connection, limit: Limit) -> None:
    """Add a limit; raises `Conflict` where its name is taken."""
    await connection.execute(
        _INSERT,
        limit.id,
        limit.created,
        limit.name,
        limit.active,
        limit.slot_limit,
        limit.active_slots,
        limit.denied_slots,
        limit.slot_decay_per_second,
    )


async def update(transaction: Connection, limit: Limit) -> None:
    """Write a locked limit back; raises `Conflict` where its name is taken."""
    await transaction.execute(
        _UPDATE,
        limit.id,
        limit.updated,
        limit.name,
        limit.active,
        limit.slot_limit,
        limit.active_slots,
        limit.denied_slots,
        limit.slot_decay_per_second,
        limit.avg_slot_occupancy_seconds,
    )


async def delete(connection: Connection, id: UUID) -> bool:
    """Delete a limit. Leases on it live on without it. False if there is no such limit."""
    return await connection.execute(_DELETE, id) > 0


async def leased(connection: Connection, ids: Sequence[UUID], moment: datetime) -> dict[UUID, Leased]:
    """What is leased of each of these limits; one that is missing has no leases at all."""
    rows = await connection.fetch(_LEASED_OF, list(ids), moment)
    return {found.limit_id: found for found in _LEASED.all(rows, connection.dialect)}


async def holdings(connection: Connection, ids: Sequence[UUID], moment: datetime) -> list[Holding]:
    """The live leases on these limits, oldest first."""
    return _HOLDINGS.all(await connection.fetch(_HOLDINGS_OF, list(ids), moment), connection.dialect)


async def limits_of(connection: Connection, lease_id: UUID) -> list[UUID]:
    """The limits on which a lease holds slots."""
    return _IDS.all(await connection.fetch(_LIMITS_OF_LEASE, lease_id), connection.dialect)


async def limits_of_all(connection: Connection, lease_ids: Sequence[UUID]) -> list[UUID]:
    """The limits on which any of these leases holds slots."""
    return _IDS.all(await connection.fetch(_LIMITS_OF_LEASES, list(lease_ids)), connection.dialect)


async def leases_of(connection: Connection, holder_type: str, holder_ids: Sequence[UUID]) -> list[UUID]:
    """The leases of these holders."""
    return _IDS.all(await connection.fetch(_LEASES_OF, holder_type, list(holder_ids)), connection.dialect)


async def end_expired(transaction: Connection, moment: datetime) -> None:
    """Remove the leases that have run out, so that they cannot be renewed once their slots count as free."""
    await transaction.execute(_END_EXPIRED, moment)


async def add_lease(
    transaction: Connection,
    id: UUID,
    limit_ids: Sequence[UUID],
    slots: int,
    created: datetime,
    expires_at: datetime | None,
    holder_type: str | None,
    holder_id: UUID | None,
) -> None:
    """Hold slots on each of these limits, which are locked; `expires_at` None: until they are given back."""
    await transaction.execute(_ADD_LEASE, id, created, expires_at, holder_type, holder_id, slots)
    if limit_ids:
        await transaction.execute_many(_ADD_SHARE, [(id, limit_id) for limit_id in limit_ids])


async def end_lease(transaction: Connection, id: UUID) -> Lease | None:
    """Remove a lease, whose limits are locked; None if it is gone already."""
    row = await transaction.fetch_one(_END_LEASE, id)
    return None if row is None else _LEASES.one(row, transaction.dialect)


async def expired(store: Store, moment: datetime, limit: int) -> list[UUID]:
    """The leases that have run out, those first that did so first."""
    return _IDS.all(await store.scan(_EXPIRED, moment, limit), store.dialect)


async def end_if_expired(transaction: Connection, id: UUID, moment: datetime) -> ExpiredLease | None:
    """Remove a lease, whose limits are locked, if it has run out; None if it has not, or is gone already."""
    row = await transaction.fetch_one(_END_IF_EXPIRED, id, moment)
    return None if row is None else _EXPIRED_LEASES.one(row, transaction.dialect)


async def renew(connection: Connection, id: UUID, expires_at: datetime, moment: datetime) -> bool:
    """Let a lease that still holds run until then. False if it has run out or is gone."""
    return await connection.execute(_RENEW, id, expires_at, moment) > 0


async def keep(transaction: Connection, id: UUID, moment: datetime) -> None:
    """Let a lease that still holds do so until it is given back."""
    await transaction.execute(_KEEP, id, moment)


async def holds(transaction: Connection, id: UUID, moment: datetime) -> bool:
    """Whether a lease still holds; if it does, it does so until the transaction ends."""
    return await transaction.fetch_one(_HOLDS, id, moment) is not None


async def held_by(connection: Connection, holder_type: str, holder_id: UUID, moment: datetime) -> set[UUID]:
    """The limits on which somebody holds slots."""
    rows = await connection.fetch(_HELD_BY, holder_type, holder_id, moment)
    return set(_IDS.all(rows, connection.dialect))


async def end_shares(transaction: Connection, shares: Sequence[Holding]) -> None:
    """Take these leases' slots on these limits away; a lease without any is over."""
    for share in sorted(shares, key=lambda share: share.lease_id):
        await transaction.execute(_END_SHARE, share.lease_id, share.limit_id)
        await transaction.execute(_END_IF_EMPTY, share.lease_id)
