"""`/block_schemas` and `/block_capabilities`."""

from uuid import UUID

from headrace.server.blocks.schemas import service
from headrace.server.context import Context
from headrace.server.http.routing import Reply, Router
from headrace.server.paging import list_limit
from headrace.wire.blocks import BlockSchema, BlockSchemaCreate, BlockSchemaList

schemas = Router(prefix="/block_schemas", tag="Block schemas")
capabilities = Router(prefix="/block_capabilities", tag="Block capabilities")

routers = (schemas, capabilities)

_LIST = BlockSchemaList()


@schemas.post("/", status=201, also=(200,))
async def create_block_schema(ctx: Context, body: BlockSchemaCreate) -> Reply[BlockSchema]:
    """Make a block schema, or answer the one that has its checksum and version already (status 200)."""
    async with ctx.store.transaction() as transaction:
        schema, made = await service.ensure(transaction, body, ctx.received)
    return Reply(schema, status=201 if made else 200)


@schemas.get("/{id}")
async def read_block_schema_by_id(ctx: Context, id: UUID) -> BlockSchema:
    """One block schema."""
    return await service.read(ctx.store, id)


@schemas.get("/checksum/{checksum}")
async def read_block_schema_by_checksum(ctx: Context, checksum: str, version: str | None = None) -> BlockSchema:
    """The block schema with that checksum; the newest one, if no version is given."""
    return await service.read_by_checksum(ctx.store, checksum, version)


@schemas.post("/filter")
async def read_block_schemas(ctx: Context, body: BlockSchemaList = _LIST) -> list[BlockSchema]:
    """The block schemas that match, newest first."""
    filters = {"block_schemas": body.block_schemas}
    return await service.list_schemas(ctx.store, filters, list_limit(ctx, body.limit), body.offset)


@schemas.delete("/{id}")
async def delete_block_schema(ctx: Context, id: UUID) -> None:
    """Delete a block schema with its documents."""
    await service.delete(ctx.store, id)


@capabilities.get("/")
async def read_available_block_capabilities(ctx: Context) -> list[str]:
    """Every capability that some block has."""
    return await service.capabilities(ctx.store)
