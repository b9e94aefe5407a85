"""Which block types, block schemas and block documents."""

from uuid import UUID

import msgspec

from headrace.wire.filters.base import CombiningFilter, Filter


class BlockTypeFilterName(Filter, kw_only=True):
    like_: str | None = None


class BlockTypeFilterSlug(Filter, kw_only=True):
    any_: list[str] | None = None


class BlockTypeFilter(Filter, kw_only=True):
    name: BlockTypeFilterName | None = None
    slug: BlockTypeFilterSlug | None = None


class BlockSchemaFilterBlockTypeId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class BlockSchemaFilterCapabilities(Filter, kw_only=True):
    all_: list[str] | None = None


class BlockSchemaFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class BlockSchemaFilterVersion(Filter, kw_only=True):
    any_: list[str] | None = None


class BlockSchemaFilter(CombiningFilter, kw_only=True):
    block_type_id: BlockSchemaFilterBlockTypeId | None = None
    block_capabilities: BlockSchemaFilterCapabilities | None = None
    id: BlockSchemaFilterId | None = None
    version: BlockSchemaFilterVersion | None = None


class BlockDocumentFilterId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class BlockDocumentFilterIsAnonymous(Filter, kw_only=True):
    eq_: bool | None = None


class BlockDocumentFilterBlockTypeId(Filter, kw_only=True):
    any_: list[UUID] | None = None


class BlockDocumentFilterName(Filter, kw_only=True):
    any_: list[str] | None = None
    like_: str | None = None


class BlockDocumentFilter(CombiningFilter, kw_only=True):
    """Named documents only, unless `is_anonymous` is given; null asks for all."""

    id: BlockDocumentFilterId | None = None
    is_anonymous: BlockDocumentFilterIsAnonymous | None = msgspec.field(
        default_factory=lambda: BlockDocumentFilterIsAnonymous(eq_=False)
    )
    block_type_id: BlockDocumentFilterBlockTypeId | None = None
    name: BlockDocumentFilterName | None = None
