"""A consumer for tests that writes down, in its transaction, what it was given."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from headrace.server.events import log
from headrace.server.events.consumers.consumer import Consumer, Refused
from headrace.server.events.consumers.entries import Entry
from headrace.server.store.base import Connection, Statement, Store
from headrace.wire.events import Event
from headrace.wire.ids import uuid7
from headrace.wire.times import now

NAME = "tester"

_NOTE = Statement("INSERT INTO configuration (id, created, updated, key, value) VALUES ($1, $2, $2, $3, $4)")
_NOTES = Statement("SELECT key FROM configuration ORDER BY created, id")


def happening(name: str, follows: Event | UUID | None = None, *, occurred: float = 0.0) -> Event:
    """An event that occurred so many seconds from now."""
    return Event(
        id=uuid7(),
        occurred=now() + timedelta(seconds=occurred),
        event=name,
        resource={"prefect.resource.id": "thing.1"},
        follows=follows.id if isinstance(follows, Event) else follows,
    )


async def write(store: Store, *events: Event, received: datetime | None = None) -> None:
    async with store.transaction() as transaction:
        await log.append(transaction, events, received or now())


class Writer:
    """Notes the names of events; `refused` are set aside, `fatal` make the database refuse the batch."""

    def __init__(self) -> None:
        self.wanted = True
        self.refused: set[str] = set()
        self.fatal: set[str] = set()
        self.batches: list[list[str]] = []
        self.clocks: list[datetime] = []

    async def wants_any(self, connection: Connection) -> bool:
        return self.wanted

    async def handle(self, transaction: Connection, entries: Sequence[Entry], clock: datetime) -> Sequence[Refused]:
        self.batches.append([entry.event for entry in entries])
        self.clocks.append(clock)
        refused = [Refused(entry, "it is refused") for entry in entries if entry.event in self.refused]
        for entry in entries:
            if entry.event in self.fatal:
                await transaction.execute(Statement("INSERT INTO nowhere VALUES (1)"))
        handled = [entry for entry in entries if entry.event not in self.refused]
        await transaction.execute_many(_NOTE, [(uuid7(), now(), entry.event, "{}") for entry in handled])
        return refused


class Rig:
    """A consumer over a store, with what it has handled."""

    def __init__(self, store: Store, *, batch: int = 250) -> None:
        self.store, self.writer = store, Writer()
        self.consumer = Consumer(store, NAME, self.writer, batch=batch)

    async def run(self) -> int:
        """Take turns until there is nothing to do; how many there were."""
        turns = 1
        while await self.consumer.turn():
            turns += 1
        return turns

    async def handled(self) -> list[str]:
        return [row[0] for row in await self.store.fetch(_NOTES)]

    async def counts(self) -> dict[str, Any]:
        """How many events are ahead, and how many were handled and set aside."""
        row = await self.store.fetch_one(
            Statement(
                "SELECT (SELECT count(*) FROM events e WHERE e.seq > c.seq), handled, quarantined"
                " FROM event_consumers c WHERE name = 'tester'"
            )
        )
        assert row is not None
        return dict(zip(("ahead", "handled", "quarantined"), row, strict=True))

    async def parked(self) -> int:
        row = await self.store.fetch_one(Statement("SELECT count(*) FROM event_followers WHERE consumer = 'tester'"))
        assert row is not None
        return row[0]
