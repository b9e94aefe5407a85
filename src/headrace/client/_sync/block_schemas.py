# Generated from _async/block_schemas.py by scripts/unasync.py; change that file, not this one.
"""Calls about block schemas (contract §11.4)."""

from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.blocks import BlockSchema, BlockSchemaCreate
from headrace.wire.filters import BlockSchemaFilter, BlockSchemaFilterBlockTypeId


class BlockSchemaCalls(Part):
    """A block schema says which fields one version of a block type has; it is known by its checksum."""

    def create_block_schema(self, block_schema: BlockSchemaCreate) -> BlockSchema:
        """Make a schema; one of the same checksum and version is given as it is."""
        return self._call("POST", "/block_schemas/", BlockSchema, body=block_schema)

    def read_block_schema(self, block_schema_id: UUID) -> BlockSchema:
        """One schema. Raises `ObjectNotFound`."""
        return self._call("GET", f"/block_schemas/{block_schema_id}", BlockSchema)

    def read_block_schema_by_checksum(self, checksum: str, version: str | None = None) -> BlockSchema:
        """The newest schema of a checksum, or that of a version. Raises `ObjectNotFound`."""
        path = f"/block_schemas/checksum/{calls.part(checksum)}"
        return self._call("GET", path, BlockSchema, query={"version": version})

    def read_block_schemas(
        self, *, block_schema_filter: BlockSchemaFilter | None = None, limit: int | None = None, offset: int = 0
    ) -> list[BlockSchema]:
        """Schemas that pass the filter, the newest first; all of them without a limit, page by page."""
        body = {"block_schemas": block_schema_filter}
        return self._list("/block_schemas/filter", BlockSchema, body, limit=limit, offset=offset)

    def get_most_recent_block_schema_for_block_type(self, block_type_id: UUID) -> BlockSchema | None:
        """The newest schema of a type, or None if it has none."""
        of_type = BlockSchemaFilter(block_type_id=BlockSchemaFilterBlockTypeId(any_=[block_type_id]))
        return next(iter(self.read_block_schemas(block_schema_filter=of_type, limit=1)), None)

    def delete_block_schema(self, block_schema_id: UUID) -> None:
        """Delete a schema. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/block_schemas/{block_schema_id}")

    def read_block_capabilities(self) -> list[str]:
        """The capabilities that any schema names."""
        return self._call("GET", "/block_capabilities/", list[str])
