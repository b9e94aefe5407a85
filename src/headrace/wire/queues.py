"""How far the server is with the events that have arrived."""

from headrace.wire.base import Wire


class IngestStatus(Wire, kw_only=True):
    """What the answering server has taken in since it started, and what waits to be written.

    accepted = persisted + duplicates + quarantined. `oldest_age` is in seconds, null when nothing waits.
    """

    depth: int
    oldest_age: float | None
    accepted: int
    persisted: int
    duplicates: int
    quarantined: int


class LogStatus(Wire, kw_only=True):
    """The log of events: how many it holds, how many retention has ended, and the number of its last one.

    persisted = events + ended.
    """

    persisted: int
    events: int
    ended: int
    end: int


class ConsumerStatus(Wire, kw_only=True):
    """How far one consumer of the log is.

    `depth` events are behind its `cursor`; the first of them came `oldest_age` seconds ago. Of those up to the
    cursor it has handled some, some are parked until the event they follow is handled, some are quarantined:
    persisted = handled + depth + parked + quarantined, once it has begun at the beginning of the log.
    """

    name: str
    cursor: int
    depth: int
    oldest_age: float | None
    handled: int
    parked: int
    quarantined: int


class Queues(Wire, kw_only=True):
    """Every queue that an event passes; `kept_aside` are the quarantined events by consumer, or `ingest`."""

    ingest: IngestStatus
    log: LogStatus
    consumers: list[ConsumerStatus]
    kept_aside: dict[str, int]
