"""What has arrived, before it is written: events with what they record, and what is no event at all."""

import re
from uuid import UUID

import msgspec

from headrace.server.events.envelope import IncomingEvent
from headrace.server.events.log import LoggedEvent, logged
from headrace.server.task_runs.recording.reports import MalformedReport, Report, concerns_task_run, read_report
from headrace.wire.base import encode

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding raises where the text is not what it should be."""


class Arrival(msgspec.Struct, frozen=True):
    """An event, and the report about a task run that it holds; `malformed` says why that cannot be read."""

    event: LoggedEvent
    report: Report | None = None
    malformed: str | None = None

    def body(self) -> bytes:
        """The event as JSON."""
        event = self.event
        return encode(
            {
                "id": event.id,
                "occurred": event.occurred,
                "event": event.event,
                "resource": _raw(event.resource),
                "related": _raw(event.related),
                "payload": _raw(event.payload),
                "follows": event.follows,
            }
        )


class Refusal(msgspec.Struct, frozen=True):
    """Something that came as an event and cannot be one; its id and name where they can be read."""

    reason: str
    body: bytes
    event_id: UUID | None = None
    event: str | None = None


class _Named(msgspec.Struct):
    id: UUID | None = None
    event: str | None = None


_HALF_CHARACTER = re.compile(r"\\u[dD](?:[89abAB]..(?!\\u[dD][c-fC-F])|[c-fC-F])")
_decode = msgspec.json.Decoder(IncomingEvent).decode
_decode_name = msgspec.json.Decoder(_Named).decode


def admit(event: IncomingEvent) -> Arrival:
    """The event as it is written."""
    if not concerns_task_run(event.event, event.resource):
        return Arrival(logged(event))
    try:
        report = read_report(event.id, event.occurred, event.resource, event.related, event.payload)
    except MalformedReport as error:
        return Arrival(logged(event), malformed=str(error))
    return Arrival(logged(event), report)


def read(text: str | bytes, largest: int | None = None) -> Arrival | Refusal:
    """The event in a text of JSON of at most `largest` bytes."""
    if largest is not None and len(text) > largest:
        return _refuse(text, f"the event has {len(text):,} bytes, more than the {largest:,} that one may have")
    try:
        return admit(_decode(text))
    except UNREADABLE as error:
        return _refuse(text, _why(text, error))


def _why(text: str | bytes, error: Exception) -> str:
    if "truncated" in str(error) and isinstance(text, str) and _HALF_CHARACTER.search(text):
        return "a text holds half of a surrogate pair, which is no character"
    return str(error)


def _refuse(text: str | bytes, reason: str) -> Refusal:
    body = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    try:
        named = _decode_name(body)
    except UNREADABLE:
        named = _Named()
    return Refusal(reason, body, named.id, None if named.event is None else named.event.replace("\0", ""))


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
