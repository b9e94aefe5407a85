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
from headrace.server.store.hidden import deleted
from headrace.wire.artifacts import Artifact, ArtifactCollection, ArtifactCreate, ArtifactUpdate
from headrace.wire.base import encode_text
from headrace.wire.errors import ObjectNotFound
from headrace.wire.ids import uuid7


async def create(store: Store, wanted: ArtifactCreate, now: datetime) -> Artifact:
    """Make an artifact; one with a key becomes the latest of its collection.

    One that a deleted run leaves is dropped: its client goes on as if it had been kept.
    """
    if wanted.key is None and wanted.flow_run_id is None and wanted.task_run_id is None:
        return await add(store, wanted, now)
    async with store.transaction() as transaction:
        runs = [[id] if id is not None else [] for id in (wanted.flow_run_id, wanted.task_run_id)]
        if await deleted(transaction, *runs):
            return _as_artifact(wanted, now)
        return await add(transaction, wanted, now)


async def add(connection: Connection, wanted: ArtifactCreate, now: datetime) -> Artifact:
    """Make an artifact within a transaction, which only one that has a key needs."""
    artifact = _as_artifact(wanted, now)
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


def _as_artifact(wanted: ArtifactCreate, now: datetime) -> Artifact:
    return Artifact(
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


async def read(connection: Connection, artifact_id: UUID) -> Artifact:
    """The artifact, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.BY_ID, artifact_id)
    if row is None:
        raise missing()
    return queries.ARTIFACTS.one(row, connection.dialect)


async def latest(connection: Connection, key: str) -> Artifact:
    """The newest artifact of a key, or raise `ObjectNotFound`."""
    row = await connection.fetch_one(queries.LATEST, key)
    if row is None:
        raise missing()
    return queries.ARTIFACTS.one(row, connection.dialect)


async def update(store: Store, artifact_id: UUID, body: ArtifactUpdate, now: datetime) -> None:
    """Set what the body sets, on the collection too if it shows this artifact. Raises `ObjectNotFound`.

    What a deleted run says of an artifact that was deleted along is dropped.
    """
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
        if row is None and await _went_along(transaction, artifact_id):
            return
        if row is None:
            raise missing()
        if row[0] is not None:
            await transaction.execute(queries.change_latest(columns), artifact_id, row[0], *values.values())


async def _went_along(transaction: Connection, artifact_id: UUID) -> bool:
    """Whether there is such an artifact, of a run that is deleted."""
    row = await transaction.fetch_one(queries.RUNS_OF, artifact_id)
    if row is None:
        return False
    runs = [[] if id is None else [id] for id in row]
    return bool(await deleted(transaction, *runs))


async def _tell(connection: Connection, change: Change, collection: ArtifactCollection, now: datetime) -> None:
    """Put into the log what became of a collection."""
    await log.append(connection, [events.collection_changed(change, collection, now)], now)


def _document(value: Any) -> str | None:
    return None if value is None else encode_text(value)


def missing() -> ObjectNotFound:
    """What to raise where there is no such artifact."""
    return ObjectNotFound("Artifact not found.")
