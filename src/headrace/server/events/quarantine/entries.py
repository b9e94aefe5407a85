"""What is kept of an event that is put aside."""

from hashlib import sha1
from uuid import UUID

import msgspec

INGEST = None
"""The event never came into the log."""
TASK_RUN_RECORDER = "task-run-recorder"
"""The event is in the log, but what it says about a task run cannot be recorded."""
TRIGGERS = "triggers"
"""The event is in the log, but the triggers of automations cannot read it."""


class Entry(msgspec.Struct, frozen=True):
    """One event, kept aside for one `consumer`; `body` is what came, `seq` its place in the log where it has one."""

    consumer: str | None
    event_id: UUID | None
    event: str | None
    seq: int | None
    reason: str
    body: bytes

    @property
    def id(self) -> UUID:
        """The same for the same event and consumer, so that one that is sent again is not kept twice."""
        told = f"{self.consumer} {self.event_id}".encode() if self.consumer else self.body
        return UUID(bytes=sha1(told, usedforsecurity=False).digest()[:16], version=5)

    @property
    def whom(self) -> str:
        """Who could not do anything with it, in words."""
        return self.consumer or "log"
