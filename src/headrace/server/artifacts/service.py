"""What can be done with artifacts."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.artifacts import events, queries
from headrace.server.artifacts.results import result_of as result_of
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Store
from headrace.wire.artifacts import Artifact, ArtifactCollection, ArtifactCreate, ArtifactUpdate
from headrace.wire.base import encode_text
from headrace.wire.errors import ObjectNotFound
from headrace.wire.ids import uuid7


async def create(store: Store, wanted: ArtifactCreate, now: datetime) -> Artifact:
    """Make an artifact; one with a key becomes the latest of its collection."""
    if wanted.key is None:
        return await add(store, wanted, now)
    async with store.transaction() as transaction:
        return await add(transaction, wanted, now)


async def add(connection: Connection, wanted: ArtifactCreate, now: datetime) -> Artifact:
    """Make an artifact within a transaction, which only one that has a key needs."""
    artifact = Artifact(
        id=uuid7(),
        created=now,
        updated=now,
        key=wanted.key,
        type=wanted.type,
        description=wanted.description,
        data=wanted.data,
        metadata_=wanted.metadata_,
        flow_run_id=wanted.flow_run_id,
        task_run_id=wanted.task_run_id,
    )
    shown = (
        artifact.type,
        _document(artifact.data),
        artifact.description,
        _document(artifact.metadata_),
        artifact.flow_run_id,
        artifact.task_run_id,
    )
    await connection.execute(queries.INSERT, artifact.id, now, artifact.key, *shown)
    if artifact.key is not None:
        fresh = uuid7()
        row = await connection.fetch_one(queries.COLLECT, fresh, now, artifact.key, artifact.id, *shown)
        if row is not None:  # else a newer artifact has come in between, and the collection shows that one
            collection = queries.COLLECTIONS.one(row, connection.dialect)
            await _tell(connection, Change.CREATED if collection.id == fresh else Change.UPDATED, collection, now)
    return artifact


async def read(connection: Connection, artifact_id: UUID) -> Artifact:
    """The artifact, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.BY_ID, artifact_id)
    if row is None:
        raise _missing()
    return queries.ARTIFACTS.one(row, connection.dialect)


async def latest(connection: Connection, key: str) -> Artifact:
    """The newest artifact of a key, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.LATEST, key)
    if row is None:
        raise _missing()
    return queries.ARTIFACTS.one(row, connection.dialect)


async def update(store: Store, artifact_id: UUID, body: ArtifactUpdate, now: datetime) -> None:
    """Set what the body sets, on the collection too if it shows this artifact. Raises `ObjectNotFound`."""
    values: dict[str, Any] = {"updated": now}
    if body.description is not msgspec.UNSET:
        values["description"] = body.description
    if body.data is not msgspec.UNSET:
        values["data"] = _document(body.data)
    if body.metadata_ is not msgspec.UNSET:
        values["metadata_"] = _document(body.metadata_)
    columns = tuple(values)
    async with store.transaction() as transaction:
        row = await transaction.fetch_one(queries.change(columns), artifact_id, *values.values())
        if row is None:
            raise _missing()
        if row[0] is not None:
            await transaction.execute(queries.change_latest(columns), artifact_id, row[0], *values.values())


async def delete(store: Store, artifact_id: UUID, now: datetime) -> None:
    """Delete an artifact; its collection shows the one before it, or goes with its last. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        row = await transaction.fetch_one(queries.KEY, artifact_id)
        key = None if row is None else row[0]
        if key is not None:
            await transaction.fetch_one(queries.LOCK, key)
        if not await transaction.execute(queries.DELETE, artifact_id):
            raise _missing()
        if key is not None:
            await _leave_collection(transaction, key, artifact_id, now)


async def _leave_collection(transaction: Connection, key: str, artifact_id: UUID, now: datetime) -> None:
    """Let the collection show the artifact before the one that was deleted, or delete it with its last."""
    change, row = Change.UPDATED, await transaction.fetch_one(queries.REPOINT, key, artifact_id, now)
    if row is None:
        change, row = Change.DELETED, await transaction.fetch_one(queries.EMPTY, key, artifact_id)
    if row is not None:
        await _tell(transaction, change, queries.COLLECTIONS.one(row, transaction.dialect), now)


async def _tell(connection: Connection, change: Change, collection: ArtifactCollection, now: datetime) -> None:
    """Put into the log what became of a collection."""
    await log.append(connection, [events.collection_changed(change, collection, now)], now)


def _document(value: Any) -> str | None:
    return None if value is None else encode_text(value)


def _missing() -> ObjectNotFound:
    return ObjectNotFound("Artifact not found.")
