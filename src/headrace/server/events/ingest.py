"""Takes events in: whatever has arrived is committed as one batch, and only then acknowledged (contract §6.1)."""

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from headrace.server.context import Context
from headrace.server.events.envelope import IncomingEvent
from headrace.server.store.base import Store
from headrace.server.task_runs.recording import service as recording
from headrace.server.task_runs.recording.reports import MalformedReport, Report, concerns_task_run, read_report

BATCH = 1_000
"""At most so many frames of one connection are committed together."""

_log = logging.getLogger("headrace.server.events")
_decode = msgspec.json.Decoder(IncomingEvent).decode


class Frames(Protocol):
    """The messages of one WebSocket."""

    async def receive_many(self, limit: int) -> Sequence[str | bytes]:
        """The frames that are here already, at least one; none once the client is gone.

        A ping is answered only when the frames after it are asked for, so a pong means that all frames
        before the ping are durable.
        """
        ...


async def accept(store: Store, events: Iterable[IncomingEvent]) -> None:
    """Store what the events say; it is durable when this returns.

    An event that records a task run and cannot be read as one is logged with its reason and left out,
    alone. Sending an event again changes nothing.
    """
    await recording.record(store, [report for event in events if (report := _read(event)) is not None])


async def ingest(ctx: Context, socket: Frames) -> None:
    """Serve one client of `/events/in` until it goes away.

    Nothing further is read while a batch is written: a client that sends faster than the database
    writes is held back by its own connection. Each frame is an event; one that is not is logged and skipped.
    """
    while frames := await socket.receive_many(BATCH):
        await accept(ctx.store, _events(frames))


def _events(frames: Iterable[str | bytes]) -> Iterable[IncomingEvent]:
    for frame in frames:
        try:
            yield _decode(frame)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            _log.warning("Skipped a message that is not an event: %s", error)


def _read(event: IncomingEvent) -> Report | None:
    if not concerns_task_run(event.event, event.resource):
        return None
    try:
        return read_report(event.id, event.occurred, event.resource, event.related, event.payload)
    except MalformedReport as error:
        _log.warning("Skipped event %s (%s), which cannot be recorded: %s", event.id, event.event, error)
        return None
