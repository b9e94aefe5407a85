"""Values that runs return: in memory beside their state, and, when persisted, as bytes under a key.

A persisted result is one blob: a line of JSON (`ResultRecordMetadata`) and then the serializer's bytes. The same
metadata is the `data` of the state (contract §4.1), so that whoever has the state and the storage has the value.
"""

import logging
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec

from headrace.sdk import serializers, storage
from headrace.sdk.serializers import Serializer
from headrace.sdk.storage import ResultStorage
from headrace.settings import current
from headrace.wire.base import Wire
from headrace.wire.errors import MissingResult, SerializationError
from headrace.wire.states import State, StateCreate
from headrace.wire.times import now

_log = logging.getLogger("headrace.results")


class ResultRecordMetadata(Wire, kw_only=True):
    """Where a persisted result is and how to read it."""

    storage_key: str
    expiration: datetime | None = None
    serializer: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "pickle"})
    prefect_version: str | None = None
    storage_block_id: str | None = None

    def is_expired(self) -> bool:
        return self.expiration is not None and self.expiration <= now()


class ResultRecord(msgspec.Struct):
    """The value of a finished run in this process; `metadata` is there once it is persisted."""

    result: Any
    metadata: ResultRecordMetadata | None = None


class ResultStore:
    """Writes and reads results for one flow or task: where, how, and whether at all."""

    __slots__ = ("persist_result", "serializer", "storage")

    def __init__(
        self, storage: ResultStorage | None = None, serializer: Serializer | None = None, persist_result: bool = False
    ) -> None:
        self.storage = storage or default_storage()
        self.serializer = serializer or serializers.resolve(current().results.default_serializer)
        self.persist_result = persist_result

    def write(self, value: Any, key: str | None = None, expiration: datetime | None = None) -> ResultRecord:
        """Keep a value under a key, or a new one. Raises `SerializationError`, and what the storage raises."""
        key = key or uuid4().hex
        metadata = ResultRecordMetadata(
            storage_key=self.storage.locate(key), expiration=expiration, serializer=self.serializer.describe()
        )
        body = self.serializer.dumps(value)
        self.storage.write(key, msgspec.json.encode(metadata) + b"\n" + body)
        return ResultRecord(value, metadata)

    def read(self, key: str) -> ResultRecord:
        """What is kept under a key. Raises `MissingResult` or `SerializationError`."""
        head, _, body = self.storage.read(key).partition(b"\n")
        try:
            metadata = msgspec.json.decode(head, type=ResultRecordMetadata)
            return ResultRecord(serializers.resolve(metadata.serializer).loads(body), metadata)
        except SerializationError:
            raise
        except Exception as error:
            raise SerializationError(
                f"The result {key!r} in {self.storage!r} cannot be read: {error!r}. It may have been written by other "
                "code or another version of it; run again with refresh_cache=True."
            ) from error

    def find(self, key: str) -> ResultRecord | None:
        """What is kept under a key, unless there is nothing, or it has expired."""
        if not self.storage.exists(key):
            return None
        try:
            record = self.read(key)
        except MissingResult:
            return None
        return None if record.metadata is None or record.metadata.is_expired() else record

    def forget(self, key: str) -> None:
        """End what is kept under a key, where the storage knows how to; that it fails is told and nothing more."""
        remove = getattr(self.storage, "remove", None)
        if remove is None:
            return
        try:
            remove(key)
        except Exception as error:
            _log.warning("%r in %r could not be removed: %s", key, self.storage, error)


def default_storage() -> ResultStorage:
    """The folder of results in the settings."""
    return storage.LocalStorage(current().results.local_storage_path)


def get_result_store() -> ResultStore:
    """The store of the current run, or one with the defaults of the settings."""
    from headrace.sdk import context

    run = context.innermost()
    return (run and run.result_store) or ResultStore(persist_result=current().results.persist_by_default)


def proposal(state: State) -> StateCreate:
    """A state as it travels: a value in memory stays here, a persisted one goes as its metadata."""
    data = state.data
    if isinstance(data, ResultRecord):
        data = data.metadata
    return StateCreate(
        type=state.type, name=state.name, message=state.message, data=data, state_details=state.state_details
    )
