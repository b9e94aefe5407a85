"""The default storage of results: a block document that clients read before they write results."""

from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.blocks.documents import service as documents
from headrace.server.configuration import service as configuration
from headrace.server.store.base import Connection
from headrace.settings import Settings
from headrace.wire.errors import ObjectNotFound, Unprocessable

_CHOSEN = "default_result_storage_block_id"
_NEEDED = frozenset({"read-path", "write-path"})


async def read(connection: Connection) -> UUID | None:
    """The document that was chosen, if it still exists, or None."""
    chosen = await configuration.read(connection, _CHOSEN)
    if chosen is None:
        return None
    id = msgspec.convert(chosen, UUID)
    return id if await documents.exists(connection, id) else None


async def choose(connection: Connection, settings: Settings, id: UUID, now: datetime) -> None:
    """Choose a document.

    Raises `ObjectNotFound` if there is none of this id, `Unprocessable` if its block cannot read and write files.
    """
    try:
        document = await documents.read(connection, settings, id, include_secrets=False)
    except ObjectNotFound:
        raise ObjectNotFound(f"Block document {id} not found.") from None
    schema = document.block_schema
    if schema is None or not _NEEDED.issubset(schema.capabilities):
        raise Unprocessable(f"Block document {id} cannot be used for result storage.")
    await configuration.write(connection, _CHOSEN, str(id), now)


async def clear(connection: Connection) -> None:
    """Have none chosen."""
    await configuration.delete(connection, _CHOSEN)
