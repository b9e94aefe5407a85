"""Blocks: configuration that is kept by name, with a type and a schema (contract §11.4).

A block type names a kind of block, a block schema says which fields one version of it has, and a block
document holds the values. A value may be a reference to another document, and a schema may have fields that
are blocks themselves.
"""

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Parts, Wire
from headrace.wire.filters.blocks import BlockDocumentFilter, BlockSchemaFilter, BlockTypeFilter
from headrace.wire.flows import Name
from headrace.wire.listings import Offset
from headrace.wire.sorts import BlockDocumentSort

Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]+$")]
"""Lower-case letters, digits and dashes (contract §1)."""

Fields = dict[str, Any]
"""A JSON schema, with what blocks add to it."""

UNVERSIONED = "non-versioned"
MOST_LEVELS = 100
"""How deep the documents of blocks may be nested; more is nobody's configuration."""


class BlockType(Wire, kw_only=True):
    """A kind of block. A protected one belongs to the server and cannot be deleted."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None
    is_protected: bool = False


class BlockTypeCreate(Body, kw_only=True):
    name: Name
    slug: Slug
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockTypeUpdate(Body, kw_only=True):
    logo_url: str | None | msgspec.UnsetType = msgspec.UNSET
    documentation_url: str | None | msgspec.UnsetType = msgspec.UNSET
    description: str | None | msgspec.UnsetType = msgspec.UNSET
    code_example: str | None | msgspec.UnsetType = msgspec.UNSET


class BlockSchema(Wire, kw_only=True):
    """The fields of one version of a type; `checksum` is `sha256:` and the digest of what they mean."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    checksum: str
    fields: Fields = {}
    block_type_id: UUID | None = None
    block_type: BlockType | None = None
    capabilities: list[str] = []
    version: str = UNVERSIONED


class BlockSchemaCreate(Body, kw_only=True):
    fields: Fields = {}
    block_type_id: UUID
    capabilities: list[str] = []
    version: str = UNVERSIONED

    def __post_init__(self) -> None:
        """Refuse fields that are nested too deeply to be walked."""
        _check_depth("fields", self.fields)


class BlockDocument(Wire, kw_only=True):
    """The values of one block.

    A field that refers to another document holds that one's values, and has its name in
    `block_document_references` with what the other document is.
    """

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    name: str | None = None
    data: dict[str, Any] = {}
    block_schema_id: UUID
    block_schema: BlockSchema | None = None
    block_type_id: UUID
    block_type_name: str | None = None
    block_type: BlockType | None = None
    block_document_references: dict[str, dict[str, Any]] = {}
    is_anonymous: bool = False


class BlockDocumentCreate(Body, kw_only=True):
    """`{"$ref": {"block_document_id": id}}` as a value of `data` refers to another document."""

    name: Slug | None = None
    data: dict[str, Any] = {}
    block_schema_id: UUID
    block_type_id: UUID
    is_anonymous: bool = False

    def __post_init__(self) -> None:
        """Refuse values that are nested too deeply to be walked, and a named block without a name."""
        _check_depth("data", self.data)
        if not self.is_anonymous and self.name is None:
            raise ValueError("Names must be provided for block documents.")


class BlockDocumentUpdate(Body, kw_only=True):
    """With `merge_existing_data`, fields that `data` does not name stay as they are."""

    block_schema_id: UUID | None = None
    data: dict[str, Any] = {}
    merge_existing_data: bool = True

    def __post_init__(self) -> None:
        """Refuse values that are nested too deeply to be walked."""
        _check_depth("data", self.data)


class BlockTypeList(Parts, kw_only=True):
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None
    limit: int | None = None
    offset: Offset = 0


class BlockSchemaList(Parts, kw_only=True):
    block_schemas: BlockSchemaFilter | None = None
    limit: int | None = None
    offset: Offset = 0


class BlockDocumentFilters(Parts, kw_only=True):
    """Which documents; anonymous ones are left out unless the filter says otherwise."""

    block_documents: BlockDocumentFilter | None = None
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class BlockDocumentList(BlockDocumentFilters, kw_only=True):
    include_secrets: bool = False
    sort: BlockDocumentSort | None = BlockDocumentSort.NAME_ASC
    limit: int | None = None
    offset: Offset = 0


def _check_depth(name: str, document: Any) -> None:
    level: list[Any] = [document]
    for _ in range(MOST_LEVELS):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise ValueError(f"{name} is nested more than {MOST_LEVELS} levels deep")


def _children(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(cast("dict[str, Any]", value).values())
        case list():
            return cast("list[Any]", value)
        case _:
            return []
