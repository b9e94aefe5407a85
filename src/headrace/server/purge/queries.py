"""Statements on operations whose items are removed for good, and on the removed things themselves."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.marks import PURGING
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.wire.operations import OperationKind, OperationNoun


class Due(msgspec.Struct, kw_only=True):
    """An operation of which something is to be removed, and how far that has come."""

    id: UUID
    kind: OperationKind
    purge_position: int

    @property
    def owners(self) -> list[UUID] | None:
        """In whose name a row has to be deleted for it to be removed; None for anybody's."""
        return None if self.kind is OperationKind.PURGE else [self.id, PURGING]


class Item(msgspec.Struct, kw_only=True):
    position: int
    noun: OperationNoun
    id: UUID


class Owed(msgspec.Struct, frozen=True):
    """What is still to be removed: operations, their items, and since when the first is due or will be."""

    operations: int
    items: int
    oldest: datetime | None


def _id(*, id: UUID) -> UUID:
    return id


def _first_due(*, oldest: datetime | None) -> datetime | None:
    return oldest


def read_ids(rows: Sequence[Row], dialect: Dialect) -> list[UUID]:
    """The ids that a statement has answered."""
    return _IDS.all(rows, dialect)


def both(text: str) -> Statement:
    """A statement in which `{of}` stands for being one of the ids `$1`, `{lock}` for locking rows in their order."""
    return Statement(
        text.format(of="= ANY($1::uuid[])", lock="ORDER BY id FOR UPDATE"),
        sqlite=text.format(of="IN (SELECT value FROM json_each($1))", lock=""),
    )


_DUE_READER = Reader(Due, {"id": Kind.UUID, "kind": ENUM(OperationKind), "purge_position": Kind.INTEGER})
_ITEMS = Reader(Item, {"position": Kind.INTEGER, "noun": ENUM(OperationNoun), "id": Kind.UUID})
_OWED = Reader(Owed, {"operations": Kind.INTEGER, "items": Kind.INTEGER, "oldest": Kind.TIME})

# What is being given back is let alone: whoever asked for it in time is to have it.
_WAITING = """
    purge_at IS NOT NULL AND purged IS NULL AND finished IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM operations AS r WHERE r.finished IS NULL AND r.undoes = o.id)
"""
_CLAIM_TEXT = f"""
    SELECT {_DUE_READER.columns("o")} FROM operations AS o WHERE purge_at <= $1 AND {_WAITING}
    ORDER BY purge_at, id LIMIT 1
"""
_CLAIM = Statement(f"{_CLAIM_TEXT} FOR UPDATE SKIP LOCKED", sqlite=_CLAIM_TEXT)
_NEXT_ITEMS = Statement(
    f"SELECT {_ITEMS.columns()} FROM operation_items WHERE operation_id = $1 AND position > $2"
    " ORDER BY position LIMIT $3"
)
_MOVE = Statement(
    "UPDATE operations SET purge_position = $2, purged_rows = purged_rows + $3 WHERE id = $1",
)
_FINISH = Statement("UPDATE operations SET purged = $2 WHERE id = $1")
_ADD_BYTES = Statement("UPDATE operations SET purged_bytes = purged_bytes + $2 WHERE id = $1")
_FORGET_ITEMS = Statement(
    "DELETE FROM operation_items WHERE operation_id = $1 AND position <= "
    "(SELECT max(position) FROM (SELECT position FROM operation_items WHERE operation_id = $1"
    " ORDER BY position LIMIT $2) AS first)"
)
_NEXT_DUE = Statement(f"SELECT min(purge_at) AS oldest FROM operations AS o WHERE {_WAITING}")
_NEXT_DUE_READER = Reader(_first_due, {"oldest": Kind.TIME})
_OWED_SINCE = Statement(
    f"""
    SELECT count(*) AS operations, coalesce(sum(greatest(total - purge_position, 0)), 0)::bigint AS items,
        min(purge_at) AS oldest
    FROM operations AS o WHERE purge_at <= $1 AND {_WAITING}
    """,
    sqlite=f"""
    SELECT count(*) AS operations, coalesce(sum(max(total - purge_position, 0)), 0) AS items, min(purge_at) AS oldest
    FROM operations AS o WHERE purge_at <= $1 AND {_WAITING}
    """,
)

_IDS = Reader(_id, {"id": Kind.UUID})
_TABLES: Collection[str] = [noun.value for noun in OperationNoun]


def _chosen(table: str, condition: str, owner: str) -> dict[bool, Statement]:
    """The rows of these ids that are deleted, locked: True where anybody's count, False where those of `$2`."""
    anybody = f"SELECT id FROM {table} WHERE id {{of}}{condition} {{lock}}"
    theirs = f"SELECT id FROM {table} WHERE id {{of}}{condition} AND {owner} IN ($2, $3) {{lock}}"
    return {True: both(anybody), False: both(theirs)}


_MARKED = {table: _chosen(table, " AND deleted_at IS NOT NULL", "deleted_by") for table in _TABLES}
_HIDDEN = _chosen("hidden_runs", "", "operation_id")
_HOLD = {
    table: both(f"UPDATE {table} SET deleted_by = '{PURGING}' WHERE id {{of}} AND deleted_at IS NOT NULL")
    for table in _TABLES
}
_HOLD_HIDDEN = both(f"UPDATE hidden_runs SET operation_id = '{PURGING}' WHERE id {{of}}")


async def claim(transaction: Connection, moment: datetime) -> Due | None:
    """The operation that is due first and that nobody else works on, locked until the transaction ends."""
    row = await transaction.fetch_one(_CLAIM, moment)
    return None if row is None else _DUE_READER.one(row, transaction.dialect)


async def next_items(transaction: Connection, due: Due, most: int) -> list[Item]:
    """The items behind those that were dealt with."""
    rows = await transaction.fetch(_NEXT_ITEMS, due.id, due.purge_position, most)
    return _ITEMS.all(rows, transaction.dialect)


async def move(transaction: Connection, due: Due, position: int, rows: int) -> None:
    """Everything up to that item is dealt with, and so many more rows are gone."""
    await transaction.execute(_MOVE, due.id, position, rows)


async def forget_items(transaction: Connection, due: Due, most: int) -> int:
    """Remove the first items of an operation; how many."""
    return await transaction.execute(_FORGET_ITEMS, due.id, most)


async def finish(transaction: Connection, due: Due, moment: datetime) -> None:
    """Nothing of the operation is left but its record."""
    await transaction.execute(_FINISH, due.id, moment)


async def add_bytes(connection: Connection, id: UUID, bytes: int) -> None:
    """So many bytes were given back by what the operation's purge removed."""
    await connection.execute(_ADD_BYTES, id, bytes)


async def marked(transaction: Connection, noun: OperationNoun, ids: Sequence[UUID], due: Due) -> list[UUID]:
    """Which of these are marked as deleted in the name of the operation; locked."""
    return await _choose(transaction, _MARKED[noun.value], ids, due)


async def hidden(transaction: Connection, ids: Sequence[UUID], due: Due) -> list[UUID]:
    """Which of these runs are hidden in the name of the operation; locked."""
    return await _choose(transaction, _HIDDEN, ids, due)


async def hold(transaction: Connection, noun: OperationNoun, ids: Sequence[UUID], hidden: Sequence[UUID]) -> None:
    """See to it that no operation gives these back: they are partly gone. `hidden` are those that are only hidden."""
    await transaction.execute(_HOLD[noun.value], ids)
    if hidden:
        await transaction.execute(_HOLD_HIDDEN, hidden)


async def next_due(connection: Connection) -> datetime | None:
    """When something is due next, or was due first."""
    row = await connection.fetch_one(_NEXT_DUE)
    return None if row is None else _NEXT_DUE_READER.one(row, connection.dialect)


async def owed(store: Store, moment: datetime) -> Owed:
    """What is due at that moment."""
    rows = await store.scan(_OWED_SINCE, moment)
    return _OWED.one(rows[0], store.dialect)


async def _choose(
    transaction: Connection, statements: dict[bool, Statement], ids: Sequence[UUID], due: Due
) -> list[UUID]:
    owners = due.owners
    rows = await transaction.fetch(statements[owners is None], ids, *(owners or ()))
    return read_ids(rows, transaction.dialect)
