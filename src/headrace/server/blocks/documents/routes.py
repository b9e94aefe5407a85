"""`/block_documents`."""

from uuid import UUID

from headrace.server.blocks.documents import service
from headrace.server.context import Context
from headrace.server.http.routing import Router
from headrace.server.operations import inline
from headrace.server.paging import list_limit
from headrace.wire.blocks import (
    BlockDocument,
    BlockDocumentCreate,
    BlockDocumentFilters,
    BlockDocumentList,
    BlockDocumentUpdate,
)
from headrace.wire.filters import Filter
from headrace.wire.operations import OperationNoun
from headrace.wire.sorts import BlockDocumentSort

router = Router(prefix="/block_documents", tag="Block documents")

_ALL, _LIST = BlockDocumentFilters(), BlockDocumentList()


@router.post("/", status=201)
async def create_block_document(ctx: Context, body: BlockDocumentCreate) -> BlockDocument:
    """Keep a new block document."""
    return await service.create(ctx.store, ctx.settings, body, ctx.received)


@router.post("/filter")
async def read_block_documents(ctx: Context, body: BlockDocumentList = _LIST) -> list[BlockDocument]:
    """The block documents that match; anonymous ones only when asked for."""
    sort = body.sort or BlockDocumentSort.NAME_ASC
    limit = list_limit(ctx, body.limit)
    return await service.list_documents(
        ctx.store, ctx.settings, _given(body), sort, limit, body.offset, body.include_secrets
    )


@router.post("/count")
async def count_block_documents(ctx: Context, body: BlockDocumentFilters = _ALL) -> int:
    """How many block documents match; anonymous ones only when asked for."""
    return await service.count(ctx.store, _given(body))


@router.get("/{id}")
async def read_block_document_by_id(ctx: Context, id: UUID, include_secrets: bool = False) -> BlockDocument:
    """One block document."""
    return await service.read(ctx.store, ctx.settings, id, include_secrets)


@router.patch("/{id}")
async def update_block_document_data(ctx: Context, id: UUID, body: BlockDocumentUpdate) -> None:
    """Change the values of a block document, or move it to another schema of its type."""
    await service.update(ctx.store, ctx.settings, id, body, ctx.received)


@router.delete("/{id}")
async def delete_block_document(ctx: Context, id: UUID) -> None:
    """Delete a block document."""
    if not await inline.delete(ctx, OperationNoun.BLOCK_DOCUMENTS, [id]):
        raise service.missing()


def _given(body: BlockDocumentFilters) -> dict[str, Filter | None]:
    return {
        "block_documents": body.block_documents,
        "block_types": body.block_types,
        "block_schemas": body.block_schemas,
    }
