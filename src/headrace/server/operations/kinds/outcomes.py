"""What the kinds are given, and what they say came of it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.operations.records import Record
from headrace.settings import Settings
from headrace.wire.operations import ItemStatus, OperationNoun

GONE = "It was deleted before, or was never there."
NOT_DELETED = "It is not deleted, or was removed for good."


class Batch(msgspec.Struct, frozen=True):
    """Some items of one noun, each once, in the order of their ids."""

    record: Record
    noun: OperationNoun
    ids: list[UUID]
    moment: datetime
    settings: Settings


class Told(msgspec.Struct, frozen=True):
    """What is to be said of an item that was not simply changed."""

    status: ItemStatus
    error: str


class Outcome(msgspec.Struct, frozen=True):
    """How many items were changed, what became of the others, and how many rows of each table that makes."""

    changed: int
    told: Mapping[UUID, Told]
    counts: Mapping[str, int]
