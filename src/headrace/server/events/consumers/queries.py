"""Statements on consumers, their place in the log, and the events that wait for their leader."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from headrace.server.events.consumers.entries import ENTRIES
from headrace.server.store.base import Statement
from headrace.server.store.rows import Kind, Reader

_ENTRY = ENTRIES.columns("e")


class Place(msgspec.Struct, frozen=True):
    """How far a consumer has come. `clock` is when the last event it has passed was received, if it is still there."""

    seq: int
    handled: int
    quarantined: int
    clock: datetime | None


class Pending(msgspec.Struct, frozen=True):
    """Whether there is anything to do, as far as a look without a lock can tell."""

    seq: int
    fresh: bool
    ready: bool
    parked: bool


class Leader(msgspec.Struct, frozen=True):
    """A leader that is in the log, and whether it is still to be handled."""

    id: UUID
    ahead: bool


class Ahead(msgspec.Struct, frozen=True):
    """An event that is still to be handled."""

    received: datetime


class Waiting(msgspec.Struct, frozen=True):
    """An event that waits for the one it follows."""

    seq: int
    id: UUID
    follows: UUID
    occurred: datetime


PLACES = Reader(Place, {"seq": Kind.INTEGER, "handled": Kind.INTEGER, "quarantined": Kind.INTEGER, "clock": Kind.TIME})
PENDING = Reader(Pending, {"seq": Kind.INTEGER, "fresh": Kind.BOOLEAN, "ready": Kind.BOOLEAN, "parked": Kind.BOOLEAN})

WAITING = Reader(Waiting, {"seq": Kind.INTEGER, "id": Kind.UUID, "follows": Kind.UUID, "occurred": Kind.TIME})

ADD = Statement(
    "INSERT INTO event_consumers (name, seq, handled, quarantined, updated) VALUES ($1, 0, 0, 0, $2)"
    " ON CONFLICT (name) DO NOTHING"
)
_LOOK = """
    SELECT c.seq, coalesce((SELECT max(e.seq) FROM events e), 0) > c.seq,
        EXISTS (SELECT 1 FROM event_followers f {by_ready} WHERE f.consumer = c.name AND f.ready),
        EXISTS (SELECT 1 FROM event_followers f WHERE f.consumer = c.name)
    FROM event_consumers c WHERE c.name = $1
"""
_BY_READY = "INDEXED BY ix_event_followers_ready"
_BY_FOLLOWS = "INDEXED BY ix_event_followers_follows"
_BY_ID = "INDEXED BY ix_event_followers_id"
"""SQLite keeps no statistics of these, and would look at all that wait for the consumer."""

LOOK = Statement(_LOOK.format(by_ready=""), sqlite=_LOOK.format(by_ready=_BY_READY))
_PLACE = (
    "SELECT c.seq, c.handled, c.quarantined, (SELECT e.received FROM events e WHERE e.seq = c.seq)"
    " FROM event_consumers c WHERE c.name = $1"
)
CLAIM = Statement(f"{_PLACE} FOR UPDATE OF c SKIP LOCKED", sqlite=_PLACE)
"""For one server alone until the end of the transaction; no row while another server has it."""
LOCK = Statement(f"{_PLACE} FOR UPDATE OF c", sqlite=_PLACE)
"""The same, once the other server is done."""
ADVANCE = Statement(
    "UPDATE event_consumers SET seq = $2, handled = handled + $3, quarantined = quarantined + $4, updated = $5"
    " WHERE name = $1"
)
AHEAD = Reader(Ahead, {"received": Kind.TIME})
NEXT = Statement("SELECT received FROM events WHERE seq > $1 ORDER BY seq LIMIT 1")
BY_SEQ = Statement(f"SELECT {_ENTRY} FROM events e WHERE e.seq = $1")
BETWEEN = Statement("SELECT count(*) FROM events WHERE seq > $1 AND seq <= $2")

_LEADERS = """
    SELECT e.id,
        e.seq > $3 OR EXISTS (SELECT 1 FROM event_followers f {by_id} WHERE f.consumer = $1 AND f.id = e.id)
    FROM events e WHERE {wanted}
"""
LEADERS = Statement(
    _LEADERS.format(by_id="", wanted="e.id = ANY($2::uuid[])"),
    sqlite=_LEADERS.format(by_id=_BY_ID, wanted="e.id IN (SELECT value FROM json_each($2))"),
)
LEADERS_FOUND = Reader(Leader, {"id": Kind.UUID, "ahead": Kind.BOOLEAN})

PARK = Statement(
    "INSERT INTO event_followers (consumer, seq, id, follows, received, occurred, ready)"
    " VALUES ($1, $2, $3, $4, $5, $6, false)"
)
_READY = (
    f"SELECT {_ENTRY} FROM event_followers f {{by_ready}} JOIN events e ON e.seq = f.seq"
    " WHERE f.consumer = $1 AND f.ready ORDER BY f.occurred, f.seq LIMIT $2"
)
READY = Statement(_READY.format(by_ready=""), sqlite=_READY.format(by_ready=_BY_READY))
_RELEASED = """
    WITH RECURSIVE released (seq, id, depth) AS (
        SELECT f.seq, f.id, 1 FROM event_followers f {by_follows} WHERE f.consumer = $1 AND {first}
        UNION ALL
        SELECT f.seq, f.id, r.depth + 1 FROM released r
        JOIN event_followers f {by_follows} ON f.consumer = $1 AND f.follows = r.id
        {order}
    )
    SELECT {columns}, r.depth FROM (SELECT seq, depth FROM released LIMIT $3) r JOIN events e ON e.seq = r.seq
    ORDER BY r.depth, e.occurred, e.seq
"""
RELEASED = Statement(
    _RELEASED.format(columns=_ENTRY, by_follows="", first="f.follows = ANY($2::uuid[])", order=""),
    sqlite=_RELEASED.format(
        columns=_ENTRY,
        by_follows=_BY_FOLLOWS,
        first="f.follows IN (SELECT value FROM json_each($2))",
        order="ORDER BY 3",
    ),
)
"""Those that wait for these leaders, those that wait for them, and so on: level by level, at most so many."""
MARK_READY = Statement(
    "UPDATE event_followers SET ready = true WHERE consumer = $1 AND follows = ANY($2::uuid[]) AND NOT ready",
    sqlite=f"UPDATE event_followers {_BY_FOLLOWS} SET ready = true WHERE consumer = $1 AND NOT ready"
    " AND follows IN (SELECT value FROM json_each($2))",
)
REMOVE = Statement(
    "DELETE FROM event_followers WHERE consumer = $1 AND seq = ANY($2::bigint[])",
    sqlite="DELETE FROM event_followers WHERE consumer = $1 AND seq IN (SELECT value FROM json_each($2))",
)
FORGET = Statement("DELETE FROM event_followers WHERE consumer = $1")

_GIVE_UP = """
    UPDATE event_followers SET ready = true WHERE consumer = $1 AND seq IN (
        SELECT f.seq FROM event_followers f {by_received}
        WHERE f.consumer = $1 AND NOT f.ready AND f.received < $2
            AND NOT EXISTS (SELECT 1 FROM event_followers l {by_id} WHERE l.consumer = $1 AND l.id = f.follows)
        LIMIT $3
    )
"""
_BY_RECEIVED = "INDEXED BY ix_event_followers_received"
GIVE_UP = Statement(
    _GIVE_UP.format(by_received="", by_id=""), sqlite=_GIVE_UP.format(by_received=_BY_RECEIVED, by_id=_BY_ID)
)
"""Those whose time is up and whose leader does not wait too."""
_LEADERS_ABOVE = """
    WITH RECURSIVE above (seq, id, follows, occurred) AS (
        SELECT * FROM (
            SELECT f.seq, f.id, f.follows, f.occurred FROM event_followers f {by_received}
            WHERE f.consumer = $1 AND NOT f.ready AND f.received < $2 ORDER BY f.received LIMIT 1
        ) oldest
        UNION
        SELECT f.seq, f.id, f.follows, f.occurred
        FROM above a JOIN event_followers f {by_id} ON f.consumer = $1 AND f.id = a.follows
    )
    SELECT seq, id, follows, occurred FROM above
"""
LEADERS_ABOVE = Statement(
    _LEADERS_ABOVE.format(by_received="", by_id=""),
    sqlite=_LEADERS_ABOVE.format(by_received=_BY_RECEIVED, by_id=_BY_ID),
)
"""The one that has waited longest, and all that it waits for."""
MARK_ONE_READY = Statement("UPDATE event_followers SET ready = true WHERE consumer = $1 AND seq = $2")
_LOST = (
    "DELETE FROM event_followers {by_ready} WHERE consumer = $1 AND ready"
    " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = event_followers.seq)"
)
LOST = Statement(_LOST.format(by_ready=""), sqlite=_LOST.format(by_ready=_BY_READY))
"""Those that are not in the log any more."""


@lru_cache(maxsize=64)
def page(prefixes: int | None) -> Statement:
    """Events after a place (time and number) until a moment, as they occurred; of names with so many prefixes.

    Values: the place's two, the moment, how many events at most, then for each prefix where its names begin and end.
    """
    bounds = [f"(e.event >= ${number} AND e.event < ${number + 1})" for number in range(5, 5 + 2 * (prefixes or 0), 2)]
    named = "" if prefixes is None else f" AND ({' OR '.join(bounds) or 'FALSE'})"
    return Statement(
        f"SELECT {_ENTRY} FROM events e WHERE (e.occurred, e.seq) > ($1, $2) AND e.occurred <= $3{named}"
        " ORDER BY e.occurred, e.seq LIMIT $4"
    )
