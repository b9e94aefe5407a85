"""What can be done with block schemas."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from headrace.rules.block_schemas import checksum
from headrace.server.blocks.schemas import queries
from headrace.server.blocks.types import service as types
from headrace.server.store.base import Connection, Store
from headrace.wire.base import encode_text
from headrace.wire.blocks import BlockSchema, BlockSchemaCreate
from headrace.wire.errors import Forbidden, ObjectNotFound
from headrace.wire.filters import Filter
from headrace.wire.ids import uuid7

Given = Mapping[str, Filter | None]


async def ensure(transaction: Connection, wanted: BlockSchemaCreate, now: datetime) -> tuple[BlockSchema, bool]:
    """The schema with these fields and this version, and whether it was made for this call.

    Raises `ObjectNotFound` if its block type does not exist.
    """
    block_type = (await types.read_several(transaction, [wanted.block_type_id])).get(wanted.block_type_id)
    if block_type is None:
        raise ObjectNotFound(f"Block type {wanted.block_type_id} not found.")
    digest = checksum(wanted.fields)
    row = await transaction.fetch_one(
        queries.INSERT,
        uuid7(),
        now,
        digest,
        encode_text({"block_schema_references": {}} | wanted.fields),
        wanted.block_type_id,
        encode_text(wanted.capabilities),
        wanted.version,
    )
    if row is None:
        return await read_by_checksum(transaction, digest, wanted.version), False
    made = queries.SCHEMAS.one(row, transaction.dialect)
    made.block_type = block_type
    await _add_references(transaction, made, now)
    return made, True


async def read(connection: Connection, id: UUID) -> BlockSchema:
    """The block schema, or raise `ObjectNotFound`."""
    found = await read_several(connection, [id])
    if id not in found:
        raise ObjectNotFound("Block schema not found")
    return found[id]


async def read_several(connection: Connection, ids: Collection[UUID]) -> dict[UUID, BlockSchema]:
    """Those of these block schemas that exist, by id, with their types."""
    rows = await connection.fetch(queries.BY_IDS, list(ids))
    found = await _with_types(connection, queries.SCHEMAS.all(rows, connection.dialect))
    return {schema.id: schema for schema in found}


async def find(connection: Connection, digest: str, version: str | None = None) -> BlockSchema | None:
    """The schema with this checksum and version, or the newest with the checksum; None if there is none."""
    if version is None:
        row = await connection.fetch_one(queries.BY_CHECKSUM, digest)
    else:
        row = await connection.fetch_one(queries.BY_VERSION, digest, version)
    if row is None:
        return None
    return (await _with_types(connection, [queries.SCHEMAS.one(row, connection.dialect)]))[0]


async def read_by_checksum(connection: Connection, digest: str, version: str | None = None) -> BlockSchema:
    """As `find`, but raise `ObjectNotFound`."""
    found = await find(connection, digest, version)
    if found is None:
        raise ObjectNotFound("Block schema not found")
    return found


async def list_schemas(store: Store, filters: Given, limit: int, offset: int) -> list[BlockSchema]:
    """The block schemas that match, newest first."""
    return await _with_types(store, await queries.LISTED.list(store, filters, "CREATED_DESC", limit, offset))


async def capabilities(connection: Connection) -> list[str]:
    """Every capability that some schema has, in order."""
    return sorted(row[0] for row in await connection.fetch(queries.CAPABILITIES))


async def delete(connection: Connection, id: UUID) -> None:
    """Delete the schema with its documents.

    Raises `ObjectNotFound`, and `Forbidden` for one of the server's own types.
    """
    found = await read(connection, id)
    if found.block_type is not None and found.block_type.is_protected:
        raise Forbidden("Block schemas for protected block types cannot be deleted.")
    await connection.execute(queries.DELETE, id)


async def _with_types(connection: Connection, found: list[BlockSchema]) -> list[BlockSchema]:
    known = await types.read_several(connection, {schema.block_type_id for schema in found if schema.block_type_id})
    for schema in found:
        if schema.block_type_id is not None:
            schema.block_type = known.get(schema.block_type_id)
    return found


async def _add_references(transaction: Connection, made: BlockSchema, now: datetime) -> None:
    """Keep which schemas the fields of this one are blocks of."""
    for name, digest in _references(made.fields):
        nested = await find(transaction, digest)
        if nested is not None:
            await transaction.execute(queries.ADD_REFERENCE, uuid7(), now, made.id, nested.id, name)


def _references(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that are blocks, with the checksum of each schema that they may have."""
    references = fields.get("block_schema_references")
    if not isinstance(references, dict):
        return
    for name, reference in cast("dict[str, Any]", references).items():
        for option in cast("list[Any]", reference) if isinstance(reference, list) else [reference]:
            match option:
                case {"block_schema_checksum": str(digest)}:
                    yield name, digest
                case _:
                    pass
