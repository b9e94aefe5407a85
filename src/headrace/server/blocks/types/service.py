"""What can be done with block types."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.blocks.types import queries
from headrace.server.store.base import Connection, Store
from headrace.wire.blocks import BlockType, BlockTypeCreate, BlockTypeUpdate
from headrace.wire.errors import Forbidden, ObjectAlreadyExists, ObjectNotFound
from headrace.wire.filters import Filter

Given = Mapping[str, Filter | None]
_NOT_FOUND = "Block type not found"
_RESERVED = "prefect"


async def create(connection: Connection, wanted: BlockTypeCreate, now: datetime) -> BlockType:
    """Make a block type.

    Raises `Forbidden` if its name is kept for the server's own, `ObjectAlreadyExists` if its slug is taken.
    """
    if wanted.name.lower().startswith(_RESERVED):
        raise Forbidden("Block type names beginning with 'Prefect' are reserved. Choose another name.")
    row = await connection.fetch_one(queries.INSERT, *queries.inserted(wanted, False, now))
    if row is None:
        raise ObjectAlreadyExists(f'There is a block type with the slug "{wanted.slug}" already.')
    return queries.TYPES.one(row, connection.dialect)


async def install(transaction: Connection, wanted: BlockTypeCreate, protected: bool, now: datetime) -> BlockType:
    """Have one of the server's own types, as it is described now."""
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


async def update(connection: Connection, id: UUID, change: BlockTypeUpdate, now: datetime) -> None:
    """Set what is given; raise `ObjectNotFound` if there is no such type.

    This is how clients bring their own description along, to the server's own types as well.
    """
    values: dict[str, Any] = {
        name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not msgspec.UNSET
    }
    if not await queries.update(connection, id, {"updated": now, **values}):
        raise ObjectNotFound(_NOT_FOUND)


async def delete(connection: Connection, id: UUID) -> None:
    """Delete the type with its schemas and documents.

    Raises `ObjectNotFound`, and `Forbidden` for one of the server's own.
    """
    found = await read(connection, id)
    if found.is_protected:
        raise Forbidden("protected block types cannot be deleted.")
    await connection.execute(queries.DELETE, id)
