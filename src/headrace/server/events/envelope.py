"""The form of an event as it comes in; what is inside its payload is for those whom it concerns."""

import re
from datetime import UTC, datetime
from itertools import accumulate
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.wire.base import Wire, assume_utc
from headrace.wire.events import RESOURCE_ID, RESOURCE_ROLE, EventName

Labels = Annotated[dict[str, str], msgspec.Meta(max_length=500)]
Related = Annotated[list[Labels], msgspec.Meta(max_length=100)]

DEEPEST = 150
"""Levels of objects and lists in a payload. Prefect's client cannot read JSON of more than 200 back."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = b"{[]}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
Payload = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "object"})]


def _no_payload() -> msgspec.Raw:
    return msgspec.Raw(b"{}")


class IncomingEvent(Wire, kw_only=True):
    """An event with its payload as the JSON it came in (contract §6.1).

    The resource must name itself, and each related resource also its role. A payload that clients could not
    read back, because it is nested too deeply, is refused. Its escapes are spelled out, so that its text can be
    searched.
    """

    id: UUID
    occurred: datetime
    event: EventName
    resource: Labels
    related: Related = []
    payload: Payload = msgspec.field(default_factory=_no_payload)
    follows: UUID | None = None

    def __post_init__(self) -> None:
        if self.occurred.tzinfo is not UTC:
            assume_utc(self)
        if not self.resource.get(RESOURCE_ID):
            raise ValueError(f"the resource has no {RESOURCE_ID}")
        for resource in self.related:
            if not resource.get(RESOURCE_ID):
                raise ValueError(f"a related resource has no {RESOURCE_ID}")
            if not resource.get(RESOURCE_ROLE):
                raise ValueError(f"the related resource {resource[RESOURCE_ID]} has no {RESOURCE_ROLE}")
        self.payload = _plain(bytes(self.payload))


def _plain(payload: bytes) -> msgspec.Raw:
    if payload[:1] != b"{":
        raise ValueError("the payload is not an object")
    if payload.count(b"{") + payload.count(b"[") > DEEPEST and _depth(payload) > DEEPEST:
        raise ValueError(f"the payload is nested in more than {DEEPEST} levels")
    if b"\\u" in payload:
        return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(payload)))
    payload.decode()
    return msgspec.Raw(payload)


def _depth(json: bytes) -> int:
    steps = _STRING.sub(b"", json).translate(None, _OTHERS)
    return max(accumulate(1 if bracket in b"{[" else -1 for bracket in steps))
