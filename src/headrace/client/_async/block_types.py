"""Calls about block types (contract §11.4)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.wire.blocks import BlockType, BlockTypeCreate, BlockTypeUpdate
from headrace.wire.filters import BlockSchemaFilter, BlockTypeFilter


class BlockTypeCalls(Part):
    """A block type names a kind of block; its slug is what programs call it."""

    async def create_block_type(self, block_type: BlockTypeCreate) -> BlockType:
        """Make a type. Raises `ObjectAlreadyExists` if the slug is taken, and `Forbidden` for names of the server's."""
        return await self._call("POST", "/block_types/", BlockType, body=block_type)

    async def read_block_type(self, block_type_id: UUID) -> BlockType:
        """One type. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/block_types/{block_type_id}", BlockType)

    async def read_block_type_by_slug(self, slug: str) -> BlockType:
        """The type of that slug. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/block_types/slug/{calls.part(slug)}", BlockType)

    async def read_block_types(
        self,
        *,
        block_type_filter: BlockTypeFilter | None = None,
        block_schema_filter: BlockSchemaFilter | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[BlockType]:
        """Types that pass all filters; all of them without a limit, page by page."""
        body = {"block_types": block_type_filter, "block_schemas": block_schema_filter}
        return await self._list("/block_types/filter", BlockType, body, limit=limit, offset=offset)

    async def update_block_type(self, block_type_id: UUID, block_type: BlockTypeUpdate) -> None:
        """Change what is given and leave the rest. Raises `ObjectNotFound`."""
        await self._tell("PATCH", f"/block_types/{block_type_id}", body=block_type)

    async def delete_block_type(self, block_type_id: UUID) -> None:
        """Delete a type with its documents. Raises `ObjectNotFound`, and `Forbidden` for a type of the server's."""
        await self._tell("DELETE", f"/block_types/{block_type_id}")

    async def install_system_block_types(self) -> None:
        """Register the types that come with the server."""
        await self._tell("POST", "/block_types/install_system_block_types")
