"""Events that are kept aside because they could not be taken in or handled."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire

INGEST = "ingest"
"""In place of a consumer: the event never came into the log."""


class QuarantinedEvent(Wire, kw_only=True):
    """An event that is kept aside.

    `consumer` is who could not handle it, null where it never came into the log. `body` is what came, as text and
    at most its first 10,000 bytes, `bytes` its whole size. The event's id, name and place in the log are told where
    they are known.
    """

    id: UUID
    quarantined_at: datetime
    consumer: str | None
    event_id: UUID | None
    event: str | None
    seq: int | None
    reason: str
    body: str
    bytes: int


class QuarantineSelection(Body, kw_only=True):
    """Which of them: those with these ids, and of this consumer (or `ingest`); all of them where neither is given."""

    ids: list[UUID] | None = None
    consumer: str | None = None


class QuarantineListRequest(QuarantineSelection, kw_only=True):
    """Which of them to list, latest first."""

    limit: Annotated[int, msgspec.Meta(ge=0, le=200)] = 50
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0


class Replay(Wire, kw_only=True):
    """How many were handled now, and how many failed again and stay, with a new reason."""

    replayed: int
    failed: int
