"""What can be done with block types."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.blocks.types import events, queries
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Row, Store
from headrace.wire.blocks import BlockType, BlockTypeCreate, BlockTypeUpdate
from headrace.wire.errors import Forbidden, ObjectAlreadyExists, ObjectNotFound
from headrace.wire.filters import Filter

Given = Mapping[str, Filter | None]
_NOT_FOUND = "Block type not found"
_RESERVED = "prefect"


async def create(store: Store, wanted: BlockTypeCreate, now: datetime) -> BlockType:
    """Make a block type.

    Raises `Forbidden` if its name is kept for the server's own, `ObjectAlreadyExists` if its slug is taken.
    """
    if wanted.name.lower().startswith(_RESERVED):
        raise Forbidden("Block type names beginning with 'Prefect' are reserved. Choose another name.")
    async with store.transaction() as transaction:
        row = await transaction.fetch_one(queries.INSERT, *queries.inserted(wanted, False, now))
        if row is None:
            raise ObjectAlreadyExists(f'There is a block type with the slug "{wanted.slug}" already.')
        return await _tell(transaction, Change.CREATED, row, now)


async def install(transaction: Connection, wanted: BlockTypeCreate, protected: bool, now: datetime) -> BlockType:
    """Have one of the server's own types, as it is described now; that it is installed is not told of."""
    row = await transaction.fetch_one(queries.INSTALL, *queries.inserted(wanted, protected, now))
    assert row is not None
    return queries.TYPES.one(row, transaction.dialect)


async def read(connection: Connection, id: UUID) -> BlockType:
    """The block type, or raise `ObjectNotFound`."""
    found = await read_several(connection, [id])
    if id not in found:
        raise ObjectNotFound(_NOT_FOUND)
    return found[id]


async def read_several(connection: Connection, ids: Collection[UUID]) -> dict[UUID, BlockType]:
    """Those of these block types that exist, by id."""
    rows = await connection.fetch(queries.BY_IDS, list(ids))
    return {found.id: found for found in queries.TYPES.all(rows, connection.dialect)}


async def find(connection: Connection, slug: str) -> BlockType | None:
    """The block type of that slug, if there is one."""
    row = await connection.fetch_one(queries.BY_SLUG, slug)
    return None if row is None else queries.TYPES.one(row, connection.dialect)


async def read_by_slug(connection: Connection, slug: str) -> BlockType:
    """The block type of that slug, or raise `ObjectNotFound`."""
    found = await find(connection, slug)
    if found is None:
        raise ObjectNotFound(_NOT_FOUND)
    return found


async def list_types(store: Store, filters: Given, limit: int, offset: int) -> list[BlockType]:
    """The block types that match, by name."""
    return await queries.LISTED.list(store, filters, "NAME_ASC", limit, offset)


async def update(store: Store, id: UUID, change: BlockTypeUpdate, now: datetime) -> None:
    """Set what is given; raise `ObjectNotFound` if there is no such type.

    This is how clients bring their own description along, to the server's own types as well.
    """
    values: dict[str, Any] = {
        name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not msgspec.UNSET
    }
    async with store.transaction() as transaction:
        row = await queries.update(transaction, id, {"updated": now, **values})
        if row is None:
            raise ObjectNotFound(_NOT_FOUND)
        await _tell(transaction, Change.UPDATED, row, now)


async def delete(store: Store, id: UUID, now: datetime) -> None:
    """Delete the type with its schemas and documents.

    Raises `ObjectNotFound`, and `Forbidden` for one of the server's own.
    """
    found = await read(store, id)
    if found.is_protected:
        raise Forbidden("protected block types cannot be deleted.")
    async with store.transaction() as transaction:
        row = await transaction.fetch_one(queries.DELETE, id)
        if row is None:
            raise ObjectNotFound(_NOT_FOUND)
        await _tell(transaction, Change.DELETED, row, now)


async def _tell(transaction: Connection, change: Change, row: Row, now: datetime) -> BlockType:
    """Put into the log what became of the block type of a row."""
    block_type = queries.TYPES.one(row, transaction.dialect)
    await log.append(transaction, [events.block_type_changed(change, block_type, now)], now)
    return block_type
