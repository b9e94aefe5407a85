"""`/block_types`."""

from uuid import UUID

from headrace.server.blocks import catalogue
from headrace.server.blocks.documents import service as documents
from headrace.server.blocks.types import service
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.paging import list_limit
from headrace.wire.blocks import BlockDocument, BlockType, BlockTypeCreate, BlockTypeList, BlockTypeUpdate

router = Router(prefix="/block_types", tag="Block types")

_LIST = BlockTypeList()


@router.post("/", status=201)
async def create_block_type(ctx: Context, body: BlockTypeCreate) -> BlockType:
    """Make a block type."""
    return await service.create(ctx.store, body, ctx.received)


@router.get("/{id}")
async def read_block_type_by_id(ctx: Context, id: UUID) -> BlockType:
    """One block type."""
    return await service.read(ctx.store, id)


@router.get("/slug/{slug}")
async def read_block_type_by_slug(ctx: Context, slug: str) -> BlockType:
    """The block type of that slug."""
    return await service.read_by_slug(ctx.store, slug)


@router.post("/filter")
async def read_block_types(ctx: Context, body: BlockTypeList = _LIST) -> list[BlockType]:
    """The block types that match, by name."""
    filters = {"block_types": body.block_types, "block_schemas": body.block_schemas}
    return await service.list_types(ctx.store, filters, list_limit(ctx, body.limit), body.offset)


@router.patch("/{id}")
async def update_block_type(ctx: Context, id: UUID, body: BlockTypeUpdate) -> None:
    """Change how a block type is shown."""
    await service.update(ctx.store, id, body, ctx.received)


@router.delete("/{id}")
async def delete_block_type(ctx: Context, id: UUID) -> None:
    """Delete a block type with its schemas and documents."""
    await service.delete(ctx.store, id, ctx.received)


@router.get("/slug/{slug}/block_documents")
async def read_block_documents_for_block_type(
    ctx: Context, slug: str, include_secrets: bool = False
) -> list[BlockDocument]:
    """The named documents of a block type."""
    return await documents.list_of_type(ctx.store, ctx.settings, slug, include_secrets)


@router.get("/slug/{slug}/block_documents/name/{block_document_name}")
async def read_block_document_by_name_for_block_type(
    ctx: Context, slug: str, block_document_name: str, include_secrets: bool = False
) -> BlockDocument:
    """The document of that name, of a block type."""
    return await documents.read_by_name(ctx.store, ctx.settings, slug, block_document_name, include_secrets)


@router.post("/install_system_block_types")
async def install_system_block_types(ctx: Context) -> None:
    """Have the server's own block types, as they are described now."""
    await catalogue.install(ctx.store, ctx.received)
