"""The blocks that actions refer to, read with their secrets."""

from typing import Any, TypeVar
from uuid import UUID

import msgspec

from headrace.server.automations.actions.work import ActionFailed, Work
from headrace.server.blocks.documents import service as documents
from headrace.server.events.facts import resource
from headrace.wire.errors import ObjectNotFound
from headrace.wire.events import Resource

T = TypeVar("T", bound=msgspec.Struct)


class Block(msgspec.Struct, frozen=True):
    """A block as an action uses it. `related` is how the action's events tell of it."""

    type_slug: str
    capabilities: list[str]
    data: dict[str, Any]
    related: list[Resource]

    def read_as(self, shape: type[T]) -> T:
        """The block's values as a struct; null is as good as absent. Raises `ActionFailed`."""
        given = {name: value for name, value in self.data.items() if value is not None}
        try:
            return msgspec.convert(given, shape, strict=False)
        except msgspec.ValidationError as error:
            raise ActionFailed(f"The block cannot be used as it is: {error}", related=self.related) from error


async def block_of(work: Work, id: UUID) -> Block:
    """The block of that id. Raises `ActionFailed` if there is none (any more)."""
    try:
        document = await documents.read(work.store, work.settings, id, include_secrets=True)
    except ObjectNotFound:
        raise ActionFailed(
            f"Block document {id} not found: create it, or choose another.", {"status_code": 404}
        ) from None
    slug = document.block_type.slug if document.block_type else ""
    capabilities = document.block_schema.capabilities if document.block_schema else []
    related = [
        resource("block-document", id, document.name, role="block"),
        resource("block-type", slug, role="block-type"),
    ]
    return Block(slug, list(capabilities), document.data, related)
