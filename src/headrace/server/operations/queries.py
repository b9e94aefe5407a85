"""Statements on operations and their items."""

from headrace.server.operations.records import RECORDS
from headrace.server.store.base import Statement
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.operations import FailureGroup, ItemStatus, OperationItem, OperationNoun

_COLUMNS = RECORDS.columns()
INSERT = Statement(
    """
    INSERT INTO operations (
        id, created, kind, noun, status, target, given_ids, items_of, options, reason, created_by, policy,
        idempotency_key, fingerprint, undoes, frozen, total, holder, held_until
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    ON CONFLICT (idempotency_key) DO NOTHING RETURNING id
    """
)
READ = Statement(f"SELECT {_COLUMNS} FROM operations WHERE id = $1")
_LOCK = f"SELECT {_COLUMNS} FROM operations WHERE id = $1"
LOCK = Statement(f"{_LOCK} FOR NO KEY UPDATE", sqlite=_LOCK)
_LOCK_HELD = f"SELECT {_COLUMNS} FROM operations WHERE id = $1 AND holder = $2 AND finished IS NULL"
LOCK_HELD = Statement(f"{_LOCK_HELD} FOR NO KEY UPDATE", sqlite=_LOCK_HELD)
READ_BY_KEY = Statement(f"SELECT {_COLUMNS} FROM operations WHERE idempotency_key = $1")
GIVEN_IDS = Statement("SELECT given_ids FROM operations WHERE id = $1")
LIST = Statement(
    f"""
    SELECT {_COLUMNS} FROM operations
    WHERE ($1::boolean IS NULL OR (finished IS NULL) = $1) AND ($2::text IS NULL OR kind = $2)
    ORDER BY created DESC, id DESC LIMIT $3 OFFSET $4
    """,
    sqlite=f"""
    SELECT {_COLUMNS} FROM operations
    WHERE ($1 IS NULL OR (finished IS NULL) = $1) AND ($2 IS NULL OR kind = $2)
    ORDER BY created DESC, id DESC LIMIT $3 OFFSET $4
    """,
)

# An operation that undoes another waits until that one has stopped.
_OPEN = """
    SELECT id FROM operations AS o WHERE finished IS NULL AND (holder IS NULL OR holder = $1 OR held_until < $2)
    AND NOT EXISTS (SELECT 1 FROM operations AS u WHERE u.id = o.undoes AND u.finished IS NULL)
    ORDER BY created LIMIT $4
"""
_CLAIM = "UPDATE operations SET holder = $1, held_until = $3 WHERE id IN ({}) RETURNING " + _COLUMNS
CLAIM = Statement(_CLAIM.format(f"{_OPEN} FOR UPDATE SKIP LOCKED"), sqlite=_CLAIM.format(_OPEN))
RENEW = Statement("UPDATE operations SET held_until = $3 WHERE id = $1 AND holder = $2 AND finished IS NULL")
RELEASE = Statement("UPDATE operations SET holder = NULL, held_until = NULL WHERE id = $1 AND holder = $2")
RELEASE_ALL = Statement("UPDATE operations SET holder = NULL, held_until = NULL WHERE holder = $1")
COUNT_OPEN = Statement("SELECT count(*) FROM operations WHERE finished IS NULL")

FROZEN_SO_FAR = Statement(
    "UPDATE operations SET total = $3, skipped = $4, held_until = $5 WHERE id = $1 AND holder = $2 AND frozen IS NULL"
)
FROZEN = Statement(
    "UPDATE operations SET frozen = $3, given_ids = NULL WHERE id = $1 AND holder = $2 AND frozen IS NULL"
)
BEGIN = Statement("UPDATE operations SET status = 'running', started = $2 WHERE id = $1 AND started IS NULL")
GET_ON = Statement(
    """
    UPDATE operations SET position = $3, changed = $4, skipped = $5, failed = $6, counts = $7, held_until = $8
    WHERE id = $1 AND holder = $2 AND finished IS NULL
    """
)
SET_PROGRESS = Statement(
    "UPDATE operations SET started = $2, position = $3, changed = $4, skipped = $5, counts = $6 WHERE id = $1"
)
SET_FAILED = Statement("UPDATE operations SET failed = $2 WHERE id = $1")
GROW = Statement("UPDATE operations SET total = total + $2 WHERE id = $1")
LAST_ITEM = Statement("SELECT coalesce(max(position), 0) FROM operation_items WHERE operation_id = $1")
CONTAINERS = Statement(
    "SELECT noun, id FROM operation_items WHERE operation_id = $1 AND noun IN ('flows', 'deployments')"
)
FINISH = Statement(
    """
    UPDATE operations SET status = $2, finished = $3, error = $4, purge_at = $5, given_ids = NULL,
        started = COALESCE(started, $3), frozen = COALESCE(frozen, $3), holder = NULL, held_until = NULL
    WHERE id = $1
    """
)
REOPEN = Statement(
    "UPDATE operations SET status = 'running', finished = NULL, failed = 0, error = NULL, abort_requested = $2,"
    " options = $3 WHERE id = $1"
)
ABORT = Statement("UPDATE operations SET abort_requested = $2 WHERE id = $1")
UNDONE_BY = Statement("UPDATE operations SET undone_by = $2, purge_at = $3 WHERE id = $1")
PURGE_AT = Statement("UPDATE operations SET purge_at = $2 WHERE id = $1")

ITEMS = Reader(
    OperationItem,
    {
        "position": Kind.INTEGER,
        "noun": ENUM(OperationNoun),
        "id": Kind.UUID,
        "status": ENUM(ItemStatus),
        "error": Kind.TEXT,
    },
)
ADD_ITEMS = Statement(  # those of one noun, behind so many others
    """
    INSERT INTO operation_items (operation_id, position, noun, id)
    SELECT $1::uuid, $2 + place, $3::text, id FROM unnest($4::uuid[]) WITH ORDINALITY AS given (id, place)
    """,
    sqlite="""
    INSERT INTO operation_items (operation_id, position, noun, id)
    SELECT $1, $2 + key + 1, $3, value FROM json_each($4)
    """,
)
FORGET_ITEMS = Statement("DELETE FROM operation_items WHERE operation_id = $1 AND position > $2")

# Of another operation's items those count that it has changed, and an operation keeps rows of its own for what went
# otherwise with them. What has no status was dealt with, or not yet, as the operation's position says.
_OF_SOURCE = (
    "i.operation_id = $1 AND i.position > $3 AND i.position <= $4 AND (i.operation_id = $2 OR i.status IS NULL)"
)
NEXT = Statement(
    f"""
    SELECT i.position, i.noun, i.id, 'pending', NULL FROM operation_items AS i
    WHERE {_OF_SOURCE} AND i.status IS NULL ORDER BY i.position LIMIT $5
    """
)
COUNT_SOURCE = Statement(f"SELECT count(*) FROM operation_items AS i WHERE {_OF_SOURCE}")
# SQLite would walk over all items of the operation.
_ITEMS_BY_STATUS = "operation_items INDEXED BY ix_operation_items_status"
_AGAIN = """
    SELECT position, noun, id, status, NULL FROM {}
    WHERE operation_id = $1 AND status = 'pending' ORDER BY position LIMIT $2
"""
AGAIN = Statement(_AGAIN.format("operation_items"), sqlite=_AGAIN.format(_ITEMS_BY_STATUS))
LIST_ITEMS = Statement(
    f"""
    SELECT i.position, i.noun, i.id,
        COALESCE(x.status, CASE WHEN i.position <= $6 THEN 'done' ELSE 'pending' END), x.error
    FROM operation_items AS i LEFT JOIN operation_items AS x ON x.operation_id = $2 AND x.position = i.position
    WHERE {_OF_SOURCE} AND ($7 = 'any' OR x.status IS NULL) ORDER BY i.position LIMIT $5
    """
)
LIST_ITEMS_BY_STATUS = Statement(
    """
    SELECT position, noun, id, status, error FROM operation_items
    WHERE operation_id = $1 AND status = $2 AND position > $3 ORDER BY position LIMIT $4
    """
)

_TELL_TEXT = """
    INSERT INTO operation_items (operation_id, position, noun, id, status, error)
    SELECT $2, position, noun, id, $4, $5 FROM operation_items WHERE operation_id = $1 AND position {}
    ON CONFLICT (operation_id, position) DO UPDATE SET status = excluded.status, error = excluded.error
"""
TELL = Statement(
    _TELL_TEXT.format("= ANY($3::bigint[])")
    .replace("SELECT $2,", "SELECT $2::uuid,")
    .replace("$4, $5 FROM", "$4::text, $5::text FROM"),
    sqlite=_TELL_TEXT.format("IN (SELECT value FROM json_each($3))"),
)
_CHOSEN, _CHOSEN_SQLITE = "position = ANY($2::bigint[])", "position IN (SELECT value FROM json_each($2))"
_CLEAR = "UPDATE operation_items SET status = NULL, error = NULL WHERE operation_id = $1 AND "
CLEAR = Statement(_CLEAR + _CHOSEN, sqlite=_CLEAR + _CHOSEN_SQLITE)
_DROP = "DELETE FROM operation_items WHERE operation_id = $1 AND "
DROP = Statement(_DROP + _CHOSEN, sqlite=_DROP + _CHOSEN_SQLITE)
_TRY_AGAIN = """
    UPDATE {} SET status = 'pending', error = NULL
    WHERE operation_id = $1 AND status IS NOT NULL AND status IN ('failed', 'conflict')
"""
TRY_AGAIN = Statement(_TRY_AGAIN.format("operation_items"), sqlite=_TRY_AGAIN.format(_ITEMS_BY_STATUS))
_FAILURES = """
    SELECT error, status, total, id FROM (
        SELECT error, status, id, count(*) OVER (PARTITION BY error, status) AS total,
            row_number() OVER (PARTITION BY error, status ORDER BY position) AS place
        FROM {} WHERE operation_id = $1 AND status IS NOT NULL AND status IN ('failed', 'conflict')
    ) AS numbered WHERE place <= 5 ORDER BY total DESC, error, status, place LIMIT $2
"""
FAILURES = Statement(_FAILURES.format("operation_items"), sqlite=_FAILURES.format(_ITEMS_BY_STATUS))


def _kept(*, failures: list[FailureGroup] | None) -> list[FailureGroup] | None:
    return failures


KEPT = Reader(_kept, {"failures": JSON(list[FailureGroup])})
KEPT_FAILURES = Statement("SELECT failures FROM operations WHERE id = $1")
KEEP_FAILURES = Statement("UPDATE operations SET failures = $2 WHERE id = $1 AND failures IS NULL")

# Items are kept as long as an operation that needs them: one that undoes, or deletes anew, has none of its own.
_FORGETTABLE = """
    SELECT id FROM operations AS o WHERE finished IS NOT NULL AND emptied IS NULL
    AND (purge_at IS NULL OR purged IS NOT NULL) AND finished < $1 {}
    AND NOT EXISTS (
        SELECT 1 FROM operations AS d WHERE d.items_of = o.id
        AND (d.finished IS NULL OR d.finished >= $1 OR (d.purge_at IS NOT NULL AND d.purged IS NULL))
    )
"""
_FIRST_FORGETTABLE = _FORGETTABLE.format("") + "ORDER BY finished LIMIT $2"
FORGETTABLE = Statement(f"{_FIRST_FORGETTABLE} FOR NO KEY UPDATE SKIP LOCKED", sqlite=_FIRST_FORGETTABLE)
IS_FORGETTABLE = Statement(_FORGETTABLE.format("AND id = $2"))
_LOCK_OTHERS = "SELECT id FROM operations WHERE items_of = $1 ORDER BY id"
LOCK_OTHERS = Statement(f"{_LOCK_OTHERS} FOR NO KEY UPDATE", sqlite=_LOCK_OTHERS)
FORGOTTEN = Statement(
    "UPDATE operations SET forgotten = $2 WHERE forgotten IS NULL"
    " AND id IN (SELECT id FROM operations WHERE id = $1 UNION ALL SELECT id FROM operations WHERE items_of = $1)"
)
EMPTIED = Statement("UPDATE operations SET emptied = $2 WHERE id = $1")
FORGET_FIRST_ITEMS = Statement(
    "DELETE FROM operation_items WHERE operation_id = $1 AND position <= "
    "(SELECT max(position) FROM (SELECT position FROM operation_items WHERE operation_id = $1"
    " ORDER BY position LIMIT $2) AS first)"
)
_IS_KEPT = "(d.finished IS NULL OR d.finished >= $1 OR d.emptied IS NULL)"
# A flow that had to wait for what it had goes by the operation that has deleted it.
REMOVE = Statement(
    f"""
    DELETE FROM operations WHERE id IN (
        SELECT id FROM operations AS o WHERE created < $1 AND finished < $1 AND emptied IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM operations AS d WHERE d.items_of = o.id AND {_IS_KEPT})
        AND NOT EXISTS (SELECT 1 FROM operations AS d WHERE d.id = o.undone_by AND {_IS_KEPT})
        AND NOT EXISTS (SELECT 1 FROM flows AS f WHERE f.deleted_at IS NOT NULL AND f.deleted_by = o.id)
        ORDER BY created, id LIMIT $2
    )
    """
)
