"""An operation as it is stored, and as it is shown."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.operations import Operation, OperationKind, OperationNoun, OperationOptions, OperationStatus

_UNDONE_BY = {OperationKind.DELETE: OperationKind.RESTORE, OperationKind.RESTORE: OperationKind.DELETE}


class Record(msgspec.Struct, kw_only=True):
    """One row of `operations`; `total`, `position`, `changed`, `skipped` and `failed` count items."""

    id: UUID
    created: datetime
    kind: OperationKind
    noun: OperationNoun
    status: OperationStatus
    target: dict[str, Any]
    given_ids: bytes | None = None
    items_of: UUID | None = None
    options: OperationOptions
    reason: str | None = None
    created_by: CreatedBy | None = None
    policy: str | None = None
    fingerprint: str | None = None
    undoes: UUID | None = None
    undone_by: UUID | None = None
    abort_requested: bool = False
    frozen: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    holder: str | None = None
    total: int = 0
    position: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0
    counts: dict[str, int] = {}
    error: str | None = None
    purge_at: datetime | None = None
    purge_position: int = 0
    purged: datetime | None = None
    purged_rows: int = 0
    purged_bytes: int = 0
    forgotten: datetime | None = None

    @property
    def source(self) -> UUID:
        """The operation whose items it deals with."""
        return self.items_of or self.id

    @property
    def done(self) -> int:
        """How many items were dealt with."""
        return self.changed + self.skipped + self.failed

    @property
    def opposite(self) -> OperationKind | None:
        """The kind of operation that undoes it, if any can."""
        return _UNDONE_BY.get(self.kind)

    @property
    def undoable(self) -> bool:
        """Whether what it has done, or is doing, can be undone now."""
        if self.opposite is None or self.undone_by is not None or self.purge_position or self.purged is not None:
            return False
        if self.forgotten is not None:
            return False
        return self.finished is None or self.changed > 0


RECORDS = Reader(
    Record,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "kind": ENUM(OperationKind),
        "noun": ENUM(OperationNoun),
        "status": ENUM(OperationStatus),
        "target": JSON(dict[str, Any]),
        "items_of": Kind.UUID,
        "options": JSON(OperationOptions),
        "reason": Kind.TEXT,
        "created_by": JSON(CreatedBy),
        "policy": Kind.TEXT,
        "fingerprint": Kind.TEXT,
        "undoes": Kind.UUID,
        "undone_by": Kind.UUID,
        "abort_requested": Kind.BOOLEAN,
        "frozen": Kind.TIME,
        "started": Kind.TIME,
        "finished": Kind.TIME,
        "holder": Kind.TEXT,
        "total": Kind.INTEGER,
        "position": Kind.INTEGER,
        "changed": Kind.INTEGER,
        "skipped": Kind.INTEGER,
        "failed": Kind.INTEGER,
        "counts": JSON(dict[str, int]),
        "error": Kind.TEXT,
        "purge_at": Kind.TIME,
        "purge_position": Kind.INTEGER,
        "purged": Kind.TIME,
        "purged_rows": Kind.INTEGER,
        "purged_bytes": Kind.INTEGER,
        "forgotten": Kind.TIME,
    },
)


_TOLD_AS_STORED = set(Operation.__struct_fields__) - {"total", "options", "rate", "eta"}


def shown(record: Record, moment: datetime) -> Operation:
    """The operation as the API tells of it, with the rate and the time left as of the moment."""
    rate = _rate(record, moment)
    left = record.total - record.done if record.frozen is not None else None
    stored = {name: getattr(record, name) for name in _TOLD_AS_STORED}
    return Operation(
        total=record.total if record.frozen is not None else None,
        options=_given(record.options),
        rate=rate,
        eta=left / rate if rate and left and record.finished is None else None,
        **stored,
    )


def _rate(record: Record, moment: datetime) -> float | None:
    if record.started is None:
        return None
    seconds = ((record.finished or moment) - record.started).total_seconds()
    return record.done / seconds if seconds > 0 and record.done else None


def _given(options: OperationOptions) -> dict[str, Any]:
    """The options that were not left as they are by default, but for `children`, which is worth telling."""
    usual = OperationOptions()
    told: dict[str, Any] = {"children": options.children}
    for name in options.__struct_fields__:
        if (value := getattr(options, name)) != getattr(usual, name):
            told[name] = msgspec.to_builtins(value)
    return told
