"""Statements on operations whose items are removed for good, and on the removed things themselves."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Dialect, Row, Statement, Store
from headrace.server.store.marks import PURGING
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.wire.operations import OperationKind, OperationNoun

ROWS_OF_AN_ITEM = 10
"""How many rows go with an item, where that is not known yet."""


class Due(msgspec.Struct, kw_only=True):
    """An operation of which something is to be removed, and how far that has come."""

    id: UUID
    kind: OperationKind
    items_of: UUID | None
    purge_position: int

    @property
    def source(self) -> UUID:
        """The operation whose items it has deleted: one that deletes anew what was restored has none of its own."""
        return self.items_of or self.id

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


_DUE_READER = Reader(
    Due, {"id": Kind.UUID, "kind": ENUM(OperationKind), "items_of": Kind.UUID, "purge_position": Kind.INTEGER}
)
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
_FINISH = Statement(
    "UPDATE operations SET purged = $2, purged_bytes = purged_bytes + $3 WHERE id = $1 AND purged IS NULL"
)
_NEXT_DUE = Statement(f"SELECT min(purge_at) AS oldest FROM operations AS o WHERE {_WAITING}")
_NEXT_DUE_READER = Reader(_first_due, {"oldest": Kind.TIME})
_IDS = Reader(_id, {"id": Kind.UUID})
_OWED_TEXT = f"""
    SELECT count(*) AS operations, {{sum}} AS items, min(purge_at) AS oldest
    FROM operations AS o WHERE {{when}} AND {_WAITING}
"""
_POSTGRES_SUM = "coalesce(sum(greatest(total - purge_position, 0)), 0)::bigint"
_SQLITE_SUM = "coalesce(sum(max(total - purge_position, 0)), 0)"
_OWED_WHEN = [
    Statement(_OWED_TEXT.format(sum=_POSTGRES_SUM, when=when), sqlite=_OWED_TEXT.format(sum=_SQLITE_SUM, when=when))
    for when in ("purge_at <= $1", "purge_at > $1")
]
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
_UNHIDE = both("DELETE FROM hidden_runs WHERE id {of}")
_EMPTY_BYTES = Statement("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size")
_HOLD_HIDDEN = both(f"UPDATE hidden_runs SET operation_id = '{PURGING}' WHERE id {{of}}")


async def claim(transaction: Connection, moment: datetime) -> Due | None:
    """The operation that is due first and that nobody else works on, locked until the transaction ends."""
    row = await transaction.fetch_one(_CLAIM, moment)
    return None if row is None else _DUE_READER.one(row, transaction.dialect)


async def next_items(transaction: Connection, due: Due, most: int) -> list[Item]:
    """The items behind those that were dealt with."""
    rows = await transaction.fetch(_NEXT_ITEMS, due.source, due.purge_position, most)
    return _ITEMS.all(rows, transaction.dialect)


async def move(transaction: Connection, due: Due, position: int, rows: int) -> None:
    """Everything up to that item is dealt with, and so many more rows are gone."""
    await transaction.execute(_MOVE, due.id, position, rows)


async def finish(connection: Connection, id: UUID, moment: datetime, bytes: int) -> None:
    """Nothing of the operation is left but its record; so many bytes were given back."""
    await connection.execute(_FINISH, id, moment, bytes)


async def unhide(transaction: Connection, ids: Sequence[UUID]) -> None:
    """Forget that these runs are hidden: they are gone."""
    if ids:
        await transaction.execute(_UNHIDE, ids)


async def empty_bytes(transaction: Connection) -> int:
    """How much of the database's file is empty; 0 where that is not known."""
    match transaction.dialect:
        case Dialect.SQLITE:
            return (await transaction.fetch(_EMPTY_BYTES))[0][0]
        case Dialect.POSTGRES:
            return 0


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


async def owed(store: Store, moment: datetime) -> tuple[Owed, Owed]:
    """What is due at that moment, and what is not yet."""
    due, waiting = [_OWED.one((await store.scan(when, moment))[0], store.dialect) for when in _OWED_WHEN]
    return due, waiting


async def _choose(
    transaction: Connection, statements: dict[bool, Statement], ids: Sequence[UUID], due: Due
) -> list[UUID]:
    owners = due.owners
    rows = await transaction.fetch(statements[owners is None], ids, *(owners or ()))
    return read_ids(rows, transaction.dialect)
