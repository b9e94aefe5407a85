"""How far the server and the consumers of the log are with the events that have arrived."""

from datetime import datetime

import msgspec

from headrace.server.events.persister import EventPersister
from headrace.server.events.quarantine import service as quarantine
from headrace.server.store.base import Statement, Store
from headrace.server.store.rows import Kind, Reader
from headrace.wire.queues import ConsumerStatus, IngestStatus, LogStatus, Queues

_LOG = Statement(
    """
    SELECT (SELECT count(*) FROM events), coalesce((SELECT removed FROM log_trims WHERE log = 'events'), 0),
        coalesce((SELECT max(seq) FROM events), 0)
    """
)
_CONSUMERS = Statement(
    """
    SELECT c.name, c.seq, (SELECT count(*) FROM events WHERE seq > c.seq),
        (SELECT received FROM events WHERE seq > c.seq ORDER BY seq LIMIT 1), c.handled,
        (SELECT count(*) FROM event_followers AS f WHERE f.consumer = c.name), c.quarantined
    FROM event_consumers AS c ORDER BY c.name
    """
)


class _Consumer(msgspec.Struct):
    name: str
    cursor: int
    depth: int
    first_received: datetime | None
    handled: int
    parked: int
    quarantined: int

    def status(self, now: datetime) -> ConsumerStatus:
        age = None if self.first_received is None else max(0.0, (now - self.first_received).total_seconds())
        return ConsumerStatus(
            name=self.name,
            cursor=self.cursor,
            depth=self.depth,
            oldest_age=age,
            handled=self.handled,
            parked=self.parked,
            quarantined=self.quarantined,
        )


_CONSUMER_ROWS = Reader(
    _Consumer,
    {
        "name": Kind.TEXT,
        "cursor": Kind.INTEGER,
        "depth": Kind.INTEGER,
        "first_received": Kind.TIME,
        "handled": Kind.INTEGER,
        "parked": Kind.INTEGER,
        "quarantined": Kind.INTEGER,
    },
)


async def read(store: Store, now: datetime) -> Queues:
    """All of it, as of one moment."""
    async with store.view() as view:
        events, ended, end = (await view.scan(_LOG))[0]
        consumers = await view.scan(_CONSUMERS)
        kept_aside = await quarantine.count_by_consumer(view)
    return Queues(
        ingest=_ingest(EventPersister.of(store)),
        log=LogStatus(persisted=events + ended, events=events, ended=ended, end=end),
        consumers=[one.status(now) for one in _CONSUMER_ROWS.all(consumers, store.dialect)],
        kept_aside=dict(kept_aside),
    )


def _ingest(persister: EventPersister | None) -> IngestStatus:
    if persister is None:
        return IngestStatus(depth=0, oldest_age=None, accepted=0, persisted=0, duplicates=0, quarantined=0)
    outcome = persister.outcome
    return IngestStatus(
        depth=persister.waiting,
        oldest_age=persister.oldest_age,
        accepted=outcome.persisted + outcome.duplicates + outcome.quarantined,
        persisted=outcome.persisted,
        duplicates=outcome.duplicates,
        quarantined=outcome.quarantined,
    )
