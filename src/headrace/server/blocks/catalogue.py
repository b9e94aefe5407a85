"""The block types that every server has, registered when it starts (contract §11.4).

`system_types.json` describes them. A digest of it is kept with the types, so that a start that finds it
unchanged asks the database one question.
"""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

import msgspec

from headrace.server.blocks.schemas import service as schemas
from headrace.server.blocks.types import service as types
from headrace.server.configuration import service as configuration
from headrace.server.store.base import Store
from headrace.wire.blocks import UNVERSIONED, BlockSchemaCreate, BlockTypeCreate, Fields

_FILE = Path(__file__).with_name("system_types.json")
_INSTALLED = "system_block_types"


class SystemType(msgspec.Struct, forbid_unknown_fields=True):
    """One of the server's own types, and the schema that its documents have."""

    type: BlockTypeCreate
    fields: Fields
    capabilities: list[str] = []
    protected: bool = False


class Catalogue(msgspec.Struct):
    """All of the server's own types. `digest` changes with any of their words."""

    digest: str
    types: list[SystemType]


@cache
def catalogue() -> Catalogue:
    """The types as this release describes them."""
    text = _FILE.read_bytes()
    return Catalogue(hashlib.sha256(text).hexdigest(), msgspec.json.decode(text, type=list[SystemType]))


async def ensure(store: Store, now: datetime) -> None:
    """Register the types unless this release's are there already."""
    if await configuration.read(store, _INSTALLED) != catalogue().digest:
        await install(store, now)


async def install(store: Store, now: datetime) -> None:
    """Register the types, and bring those that are there up to date."""
    async with store.transaction() as transaction:
        for known in catalogue().types:
            block_type = await types.install(transaction, known.type, known.protected, now)
            schema = BlockSchemaCreate(
                block_type_id=block_type.id,
                fields=known.fields,
                capabilities=known.capabilities,
                version=UNVERSIONED,
            )
            await schemas.ensure(transaction, schema, now)
        await configuration.write(transaction, _INSTALLED, catalogue().digest, now)
