"""Where events come in: what has arrived is committed, and only then acknowledged (contract §6.1)."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakKeyDictionary

from headrace.server.context import Context
from headrace.server.events import arrivals
from headrace.server.events.envelope import IncomingEvent
from headrace.server.events.writing import BATCH, Item, persist
from headrace.server.store.base import Store
from headrace.wire.errors import ServiceUnavailable

Handler = Callable[[Sequence[Item]], Awaitable[None]]
"""Takes what has arrived; it is durable when this returns."""

_ANSWER_SECONDS = 20.0
"""How long a request waits for a database that is away; clients of Prefect wait 30 s for an answer."""


class Frames(Protocol):
    """The messages of one WebSocket."""

    async def receive_many(self, limit: int) -> Sequence[str | bytes]:
        """The frames that are here already, at least one; none once the client is gone.

        A ping is answered only when the frames after it are asked for, so a pong means that all frames
        before the ping are durable.
        """
        ...


async def accept(ctx: Context, events: Sequence[IncomingEvent]) -> None:
    """Take the events of one request; they are durable when this returns.

    Sending an event again changes nothing. Raises `ServiceUnavailable` when the database is away for too long.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await _write(ctx, [arrivals.admit(event) for event in events])
    except TimeoutError:
        raise ServiceUnavailable(
            f"The database has been away for {_ANSWER_SECONDS:g} s: send the events again, none is kept twice."
        ) from None


async def ingest(ctx: Context, socket: Frames) -> None:
    """Serve one client of `/events/in` until it goes away.

    Nothing further is read while a batch is written: a client that sends faster than the database
    writes is held back by its own connection. Each frame is an event; one that is not is kept aside.
    """
    largest = ctx.settings.server.events.maximum_event_bytes
    while frames := await socket.receive_many(BATCH):
        await _write(ctx, [arrivals.read(frame, largest) for frame in frames])


@contextmanager
def handled_by(store: Store, handler: Handler) -> Generator[None]:
    """For the length of the block, what arrives for the store is written by the handler."""
    _handlers[store] = handler
    try:
        yield
    finally:
        del _handlers[store]


async def _write(ctx: Context, items: Sequence[Item]) -> None:
    handler = _handlers.get(ctx.store)
    if handler is None:
        await persist(ctx.store, items)
    else:
        await handler(items)


_handlers: WeakKeyDictionary[Store, Handler] = WeakKeyDictionary()
