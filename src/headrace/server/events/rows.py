"""Rows of the log as events."""

from collections.abc import Sequence
from typing import Any

import msgspec

from headrace.server.store.base import Dialect, Row
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.wire.events import ReceivedEvent


def _received(*, payload: Any, **fields: Any) -> ReceivedEvent:
    """The event with its payload as the JSON that was kept, which travels on as it is."""
    return ReceivedEvent(payload=msgspec.Raw(payload), **fields)  # pyright: ignore[reportArgumentType] - encoded as it is


_EVENTS = Reader(
    _received,
    {
        "id": Kind.UUID,
        "occurred": Kind.TIME,
        "received": Kind.TIME,
        "event": Kind.TEXT,
        "resource": JSON(dict[str, str]),
        "related": JSON(list[dict[str, str]]),
        "payload": Kind.TEXT,
        "follows": Kind.UUID,
    },
)


def columns(table: str) -> str:
    """What to select for `read_rows`: the number in the log, then the event."""
    return f"{table}.seq, {_EVENTS.columns(table)}"


def read_rows(rows: Sequence[Row], dialect: Dialect) -> list[ReceivedEvent]:
    """The events of rows of `columns`. Their payloads are `msgspec.Raw`."""
    return _EVENTS.all([row[1:] for row in rows], dialect)
