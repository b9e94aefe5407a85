"""What can be done with variables."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Row, Store
from headrace.server.variables import events, queries
from headrace.wire.base import encode_text
from headrace.wire.errors import Conflict, ObjectAlreadyExists, ObjectNotFound
from headrace.wire.ids import uuid7
from headrace.wire.variables import Variable, VariableCreate, VariableUpdate


async def create(store: Store, wanted: VariableCreate, now: datetime) -> Variable:
    """Make a variable, or raise `ObjectAlreadyExists` if its name is taken."""
    made = Variable(id=uuid7(), created=now, updated=now, name=wanted.name, value=wanted.value, tags=wanted.tags)
    stored = (made.id, now, made.name, encode_text(made.value), encode_text(made.tags))
    async with store.transaction() as transaction:
        if not await transaction.execute(queries.INSERT, *stored):
            raise _taken(made.name)
        await log.append(transaction, [events.variable_changed(Change.CREATED, made, now)], now)
    return made


async def read(connection: Connection, variable_id: UUID) -> Variable:
    """The variable, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.BY_ID, variable_id)
    if row is None:
        raise missing()
    return queries.VARIABLES.one(row, connection.dialect)


async def read_by_name(connection: Connection, name: str) -> Variable:
    """The variable of that name, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.BY_NAME, name)
    if row is None:
        raise missing()
    return queries.VARIABLES.one(row, connection.dialect)


async def values(connection: Connection, names: Collection[str]) -> dict[str, Any]:
    """The values of variables by name; a name that no variable has is left out."""
    if not names:
        return {}
    rows = await connection.fetch(queries.BY_NAMES, list(names))
    return {found.name: found.value for found in queries.VARIABLES.all(rows, connection.dialect)}


async def update(store: Store, key: UUID | str, body: VariableUpdate, now: datetime) -> None:
    """Set what the body sets on the variable with that id or name.

    Raises `ObjectNotFound`, and `ObjectAlreadyExists` if another variable has the new name.
    """
    changes: dict[str, Any] = {"updated": now}
    if isinstance(body.name, str):
        changes["name"] = body.name
    if body.value is not msgspec.UNSET:
        changes["value"] = encode_text(body.value)
    if body.tags is not msgspec.UNSET and body.tags is not None:
        changes["tags"] = encode_text(body.tags)
    statement = queries.change("id" if isinstance(key, UUID) else "name", tuple(changes))
    try:
        async with store.transaction() as transaction:
            await _tell(
                transaction, Change.UPDATED, await transaction.fetch_one(statement, key, *changes.values()), now
            )
    except Conflict as error:
        raise _taken(str(body.name)) from error


async def deleting(transaction: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Tell of variables, which are still there, that they are deleted."""
    for id in ids:
        await _tell(transaction, Change.DELETED, await transaction.fetch_one(queries.BY_ID, id), now)


async def _tell(transaction: Connection, change: Change, row: Row | None, now: datetime) -> None:
    """Put into the log what became of the variable of a row, or raise `ObjectNotFound` where there is none."""
    if row is None:
        raise missing()
    variable = queries.VARIABLES.one(row, transaction.dialect)
    await log.append(transaction, [events.variable_changed(change, variable, now)], now)


def missing() -> ObjectNotFound:
    """What to raise where there is no such variable."""
    return ObjectNotFound("Variable not found.")


def _taken(name: str) -> ObjectAlreadyExists:
    return ObjectAlreadyExists(f"A variable with the name {name!r} already exists.")
