"""Statements on events that are kept aside."""

from headrace.server.store.base import Statement
from headrace.server.store.rows import Kind, Reader
from headrace.wire.quarantine import QuarantinedEvent


def _shown(*, body: bytes | None, **fields: object) -> QuarantinedEvent:
    """SQLite takes a part of nothing to be null."""
    return QuarantinedEvent(body=bytes(body or b"").decode(errors="replace"), **fields)  # pyright: ignore[reportArgumentType]


_FIELDS = {
    "id": Kind.UUID,
    "quarantined_at": Kind.TIME,
    "consumer": Kind.TEXT,
    "event_id": Kind.UUID,
    "event": Kind.TEXT,
    "seq": Kind.INTEGER,
    "reason": Kind.TEXT,
    "body": Kind.BYTES,
    "bytes": Kind.INTEGER,
}
ENTRIES = Reader(_shown, _FIELDS)

ADD = Statement(
    "INSERT INTO event_quarantine (id, quarantined_at, consumer, event_id, event, seq, reason, body, bytes)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING"
)

_CHOSEN = """
    ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR coalesce(consumer, 'ingest') = $2)
"""
_CHOSEN_SQLITE = """
    ($1 IS NULL OR id IN (SELECT value FROM json_each($1))) AND ($2 IS NULL OR coalesce(consumer, 'ingest') = $2)
"""


def _of_chosen(text: str) -> Statement:
    return Statement(text.format(chosen=_CHOSEN), sqlite=text.format(chosen=_CHOSEN_SQLITE))


SHOWN_BYTES = 10_000
"""So much of what came is shown; all of it is kept."""

_BEGINNINGS = ENTRIES.columns().replace("body", f"substr(body, 1, {SHOWN_BYTES})")

LIST = _of_chosen(
    f"SELECT {_BEGINNINGS} FROM event_quarantine WHERE {{chosen}} ORDER BY quarantined_at DESC, id LIMIT $3 OFFSET $4"
)
COUNT = _of_chosen("SELECT count(*) FROM event_quarantine WHERE {chosen}")
IDS = _of_chosen("SELECT id FROM event_quarantine WHERE {chosen} ORDER BY quarantined_at, id")
DROP = _of_chosen("DELETE FROM event_quarantine WHERE {chosen}")

READ = Statement("SELECT consumer, event_id, event, seq, reason, body FROM event_quarantine WHERE id = $1")
REMOVE = Statement("DELETE FROM event_quarantine WHERE id = $1")
EXPLAIN = Statement("UPDATE event_quarantine SET reason = $2 WHERE id = $1")
COUNT_BY_CONSUMER = Statement("SELECT coalesce(consumer, 'ingest'), count(*) FROM event_quarantine GROUP BY 1")
