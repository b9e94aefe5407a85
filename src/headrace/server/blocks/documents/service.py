"""What can be done with block documents."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from headrace.rules.block_secrets import restored
from headrace.server.blocks.documents import encryption, events, queries, reading
from headrace.server.blocks.documents.reading import Family
from headrace.server.blocks.schemas import service as schemas
from headrace.server.blocks.types import service as types
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Store
from headrace.settings import Settings
from headrace.settings.context import current
from headrace.wire.blocks import BlockDocument, BlockDocumentCreate, BlockDocumentUpdate, BlockSchema
from headrace.wire.errors import BadRequest, Conflict, ObjectAlreadyExists, ObjectNotFound, StoreError
from headrace.wire.filters import BlockDocumentFilter, Filter
from headrace.wire.ids import uuid7
from headrace.wire.sorts import BlockDocumentSort

Given = Mapping[str, Filter | None]
_NOT_FOUND = "Block document not found"


async def create(store: Store, settings: Settings, wanted: BlockDocumentCreate, now: datetime) -> BlockDocument:
    """Keep a new document; its secrets are hidden in the answer.

    Raises `ObjectAlreadyExists` if the type has a document of that name, `Conflict` if its schema or another
    document that it refers to does not exist.
    """
    async with store.transaction() as transaction:
        schema = await _schema(transaction, wanted.block_schema_id, wanted.block_type_id)
        own, references = _taken_apart(wanted.data)
        cipher = await encryption.writing(transaction, settings, now)
        row = await transaction.fetch_one(
            queries.INSERT,
            uuid7(),
            now,
            wanted.name or f"anonymous-{uuid4()}",
            cipher.encrypted(own),
            wanted.is_anonymous,
            wanted.block_type_id,
            schema.block_type.name if schema.block_type else None,
            schema.id,
        )
        if row is None:
            raise ObjectAlreadyExists("Block already exists")
        id = queries.IDS.one(row, transaction.dialect)
        await _refer(transaction, id, references, now)
        return await _tell(transaction, settings, Change.CREATED, id, now)


async def read(connection: Connection, settings: Settings, id: UUID, include_secrets: bool) -> BlockDocument:
    """The document, or raise `ObjectNotFound`."""
    found = await reading.read_several(connection, settings, [id], include_secrets)
    if not found:
        raise missing()
    return found[0]


async def exists(connection: Connection, id: UUID) -> bool:
    """Whether there is such a document."""
    return await connection.fetch_one(queries.EXISTS, id) is not None


async def read_by_name(
    connection: Connection, settings: Settings, slug: str, name: str, include_secrets: bool
) -> BlockDocument:
    """The document of that name, of the type of that slug, or raise `ObjectNotFound`."""
    block_type = await types.find(connection, slug)
    row = None if block_type is None else await connection.fetch_one(queries.BY_NAME, block_type.id, name)
    if row is None:
        raise missing()
    return await read(connection, settings, queries.IDS.one(row, connection.dialect), include_secrets)


async def list_of_type(
    connection: Connection, settings: Settings, slug: str, include_secrets: bool
) -> list[BlockDocument]:
    """The named documents of the type of that slug, by name; raises `ObjectNotFound` if there is no such type."""
    block_type = await types.read_by_slug(connection, slug)
    ids = queries.IDS.all(await connection.fetch(queries.OF_TYPE, block_type.id), connection.dialect)
    return await reading.read_several(connection, settings, ids, include_secrets)


async def list_documents(
    store: Store,
    settings: Settings,
    filters: Given,
    sort: BlockDocumentSort,
    limit: int,
    offset: int,
    include_secrets: bool,
) -> list[BlockDocument]:
    """The documents that match, from `offset` on; without anonymous ones, unless the filter says otherwise."""
    ids = await queries.LISTED.list(store, _named(filters), sort, limit, offset)
    return await reading.read_several(store, settings, ids, include_secrets)


async def count(store: Store, filters: Given) -> int:
    """How many documents match; without anonymous ones, unless the filter says otherwise."""
    return await queries.LISTED.count(store, _named(filters))


async def update(store: Store, settings: Settings, id: UUID, change: BlockDocumentUpdate, now: datetime) -> None:
    """Set what is given.

    Secrets that come back hidden stay what they are, and so do references whose values come back unchanged.
    Raises `ObjectNotFound`, `BadRequest` if the document would refer to itself, and `Conflict` if its new
    schema or another document that it refers to does not exist.
    """
    async with store.transaction() as transaction:
        if await transaction.fetch_one(queries.LOCK, id) is None:
            raise missing()
        family = await reading.load(transaction, settings, [id])
        schema = family.schema(id)
        if change.block_schema_id not in (None, schema.id):
            schema = await _schema(transaction, change.block_schema_id, schema.block_type_id)
        own, references = _taken_apart(_changed(family, id, change))
        cipher = await encryption.writing(transaction, settings, now)
        await transaction.execute(queries.UPDATE, id, now, cipher.encrypted(own), schema.id)
        await transaction.execute(queries.DROP_REFERENCES, id)
        await _refer(transaction, id, references, now)
        await _tell(transaction, settings, Change.UPDATED, id, now)


def missing() -> ObjectNotFound:
    """What to raise where there is no such document."""
    return ObjectNotFound(_NOT_FOUND)


async def deleting(transaction: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Tell of documents, which are still there, that they are deleted; anonymous ones are not spoken of."""
    for id in ids:
        await _tell(transaction, current(), Change.DELETED, id, now)


async def _tell(transaction: Connection, settings: Settings, change: Change, id: UUID, now: datetime) -> BlockDocument:
    """Put into the log what becomes of a document, unless it is anonymous; returns it with its secrets hidden."""
    try:
        document = (await reading.read_several(transaction, settings, [id], include_secrets=False))[0]
    except StoreError:
        if change is not Change.DELETED:
            raise
        document = await reading.outline(transaction, id)  # its key is lost: it can be deleted all the same
    if not document.is_anonymous:
        await log.append(transaction, [events.block_document_changed(change, document, now)], now)
    return document


def _named(filters: Given) -> Given:
    return {**filters, "block_documents": filters.get("block_documents") or BlockDocumentFilter()}


async def _schema(transaction: Connection, id: UUID, type_id: UUID | None) -> BlockSchema:
    """The schema of a document of that type."""
    schema = (await schemas.read_several(transaction, [id])).get(id)
    if schema is None or schema.block_type_id != type_id:
        raise Conflict(f"Data integrity conflict. The block type {type_id} has no schema {id}.")
    return schema


def _changed(family: Family, id: UUID, change: BlockDocumentUpdate) -> dict[str, Any]:
    """The new data as a client would write it, references and all."""
    known, shown = family.document(id, True).data, family.document(id, False).data
    data = restored(change.data, known, reading.secret_fields(family.schema(id)))
    references = {name: reading.reference_to(child) for name, child in family.children(id).items()}
    for name, reference in references.items():
        if change.data.get(name) in (known[name], shown[name]):
            data[name] = reference
    return known | references | data if change.merge_existing_data else data


def _taken_apart(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, UUID]]:
    """The document's own values, and the other documents that it refers to, by field."""
    references = dict(_references(data))
    return {name: value for name, value in data.items() if name not in references}, references


def _references(data: Mapping[str, Any]) -> Iterator[tuple[str, UUID]]:
    for name, value in data.items():
        match value:
            case {"$ref": {"block_document_id": str(id)}}:
                try:
                    yield name, msgspec.convert(id, UUID)
                except msgspec.ValidationError:
                    raise BadRequest(f"The field {name} refers to {id!r}, which is not the id of a document.") from None
            case _:
                pass


async def _refer(transaction: Connection, id: UUID, references: Mapping[str, UUID], now: datetime) -> None:
    if not references:
        return
    if await transaction.fetch_one(queries.LEADS_TO, list(references.values()), id) is not None:
        raise BadRequest(f"Block document {id} cannot refer to itself, neither directly nor through others.")
    rows = [(uuid7(), now, id, referred, name) for name, referred in references.items()]
    await transaction.execute_many(queries.ADD_REFERENCE, rows)
