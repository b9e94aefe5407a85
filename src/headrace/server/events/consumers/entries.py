"""Events of the log as consumers read them: most are passed over after a look at their name."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.event_matching import Labels
from headrace.server.store.rows import Kind, Reader
from headrace.wire.base import encode
from headrace.wire.events import ReceivedEvent

_labels = msgspec.json.Decoder(dict[str, str]).decode
_list_of_labels = msgspec.json.Decoder(list[dict[str, str]]).decode
_object = msgspec.json.Decoder(dict[str, object]).decode


class Entry:
    """One row of the log. Its JSON is decoded when somebody asks for it, and then kept."""

    __slots__ = (
        "_payload",
        "_related",
        "_related_text",
        "_resource",
        "_resource_text",
        "_whole",
        "event",
        "follows",
        "id",
        "occurred",
        "received",
        "seq",
    )

    def __init__(
        self,
        seq: int,
        id: UUID,
        event: str,
        occurred: datetime,
        received: datetime,
        follows: UUID | None,
        resource: str,
        related: str,
        payload: str,
    ) -> None:
        self.seq, self.id, self.event, self.follows = seq, id, event, follows
        self.occurred, self.received = occurred, received
        self._resource_text, self._related_text, self._payload = resource, related, payload
        self._resource: Labels | None = None
        self._related: Sequence[Labels] | None = None
        self._whole: ReceivedEvent | None = None

    @property
    def resource(self) -> Labels:
        """The labels of what the event is about."""
        if self._resource is None:
            self._resource = _labels(self._resource_text)
        return self._resource

    @property
    def related(self) -> Sequence[Labels]:
        """The labels of each related resource."""
        if self._related is None:
            self._related = _list_of_labels(self._related_text)
        return self._related

    def whole(self) -> ReceivedEvent:
        """The event as clients see it."""
        if self._whole is None:
            self._whole = ReceivedEvent(
                id=self.id,
                occurred=self.occurred,
                received=self.received,
                event=self.event,
                resource=dict(self.resource),
                related=[dict(labels) for labels in self.related],
                payload=_object(self._payload),
                follows=self.follows,
            )
        return self._whole

    def as_json(self) -> bytes:
        """The event as JSON, whatever is in its parts."""
        parts = {"resource": self._resource_text, "related": self._related_text, "payload": self._payload}
        told = {"id": self.id, "occurred": self.occurred, "event": self.event, "follows": self.follows}
        return encode(told | {name: msgspec.Raw(text.encode()) for name, text in parts.items()})


ENTRIES = Reader(
    Entry,
    {
        "seq": Kind.INTEGER,
        "id": Kind.UUID,
        "event": Kind.TEXT,
        "occurred": Kind.TIME,
        "received": Kind.TIME,
        "follows": Kind.UUID,
        "resource": Kind.TEXT,
        "related": Kind.TEXT,
        "payload": Kind.TEXT,
    },
)
"""Reads rows of these columns of `events`, of which the number is the first."""
