"""What is in the trash: found by what marks and hides it, with the operation that has deleted it.

Task runs and artifacts that went along with their flow run are no items of their own, and may be very many: those
that were deleted by themselves are found by their operations.
"""

from datetime import datetime
from functools import cache
from uuid import UUID

from headrace.server.store.base import Dialect, Statement, Store
from headrace.server.store.marks import PURGING
from headrace.server.store.rows import ENUM, Kind, Reader
from headrace.wire.operations import OperationNoun, TrashItem, TrashSummary

_ITEMS = Reader(
    TrashItem,
    {
        "id": Kind.UUID,
        "noun": ENUM(OperationNoun),
        "name": Kind.TEXT,
        "state_name": Kind.TEXT,
        "deleted_at": Kind.TIME,
        "operation_id": Kind.UUID,
        "purge_at": Kind.TIME,
    },
)
_NAMES = {OperationNoun.ARTIFACTS: "x.key"}
_WITH_STATE = (OperationNoun.FLOW_RUNS, OperationNoun.TASK_RUNS)
_BY_OPERATION = (OperationNoun.TASK_RUNS, OperationNoun.ARTIFACTS)
_MATCHES = {
    Dialect.POSTGRES: "($2::text IS NULL OR position(lower($2) IN lower({name})) > 0)"
    " AND ($3::uuid IS NULL OR {operation} = $3)",
    Dialect.SQLITE: "($2 IS NULL OR instr(lower({name}), lower($2)) > 0) AND ($3 IS NULL OR {operation} = $3)",
}
_MARKED = """
    SELECT x.id, '{noun}' AS noun, {name} AS name, {state} AS state_name, x.deleted_at, x.deleted_by AS operation_id
    FROM {noun} x WHERE x.deleted_at IS NOT NULL AND x.deleted_by <> '{purging}' AND {matches}
    ORDER BY x.deleted_at DESC, x.id DESC LIMIT $1
"""
_HIDDEN = """
    SELECT x.id, 'flow_runs' AS noun, x.name AS name, x.state_name, o.created AS deleted_at, h.operation_id
    FROM hidden_runs h JOIN flow_runs x ON x.id = h.id JOIN operations o ON o.id = h.operation_id
    WHERE {matches} ORDER BY h.operation_id DESC, h.id DESC LIMIT $1
"""
_OWN = """
    SELECT x.id, '{noun}' AS noun, {name} AS name, {state} AS state_name, x.deleted_at, x.deleted_by AS operation_id
    FROM operations o JOIN operation_items i ON i.operation_id = o.id
    JOIN {noun} x ON x.id = i.id AND x.deleted_by = o.id
    WHERE o.kind = 'delete' AND o.noun = '{noun}' AND o.purged IS NULL AND i.noun = '{noun}' AND {matches}
    ORDER BY o.created DESC, o.id DESC, i.position LIMIT $1
"""
_PAGE = """
    SELECT t.id, t.noun, t.name, t.state_name, t.deleted_at, t.operation_id, o.purge_at
    FROM ({several}) AS t LEFT JOIN operations o ON o.id = t.operation_id
    ORDER BY t.deleted_at DESC, t.id DESC LIMIT {limit} OFFSET {offset}
"""
_COUNT_MARKED = "SELECT '{noun}', count(*) FROM {noun} WHERE deleted_at IS NOT NULL"
_COUNT_OWN = """
    SELECT '{noun}', count(*) FROM operations o JOIN operation_items i ON i.operation_id = o.id
    JOIN {noun} x ON x.id = i.id AND x.deleted_by = o.id
    WHERE o.kind = 'delete' AND o.noun = '{noun}' AND o.purged IS NULL AND i.noun = '{noun}'
"""
_COUNTS = Statement(
    " UNION ALL ".join(
        [
            *(
                (_COUNT_OWN if noun in _BY_OPERATION else _COUNT_MARKED).format(noun=noun.value)
                for noun in OperationNoun
            ),
            "SELECT 'flow_runs', count(*) FROM hidden_runs",
        ]
    )
)
# Of those that were undone, whatever could not be restored is still in the trash, and purged in its time.
_OPERATIONS = Statement(
    """
    SELECT count(*), min(created), min(CASE WHEN purge_at > $1 THEN purge_at END),
        count(CASE WHEN purge_at <= $1 THEN 1 END)
    FROM operations WHERE kind = 'delete' AND purged IS NULL AND changed > 0
    AND (undone_by IS NULL OR purge_at IS NOT NULL)
    """
)


def _moments(*, oldest: datetime | None, next_purge: datetime | None) -> tuple[datetime | None, datetime | None]:
    return oldest, next_purge


_MOMENTS = Reader(_moments, {"oldest": Kind.TIME, "next_purge": Kind.TIME})


@cache
def _page(dialect: Dialect, noun: OperationNoun | None) -> Statement:
    nouns = OperationNoun if noun is None else (noun,)
    several = [_one(dialect, noun) for noun in nouns]
    if noun in (None, OperationNoun.FLOW_RUNS):
        several.append(_HIDDEN.format(matches=_MATCHES[dialect].format(name="x.name", operation="h.operation_id")))
    union = " UNION ALL ".join(f"SELECT * FROM ({text}) AS n{number}" for number, text in enumerate(several))
    return Statement(_PAGE.format(several=union, limit="$4", offset="$5"))


def _one(dialect: Dialect, noun: OperationNoun) -> str:
    name = _NAMES.get(noun, "x.name")
    matches = _MATCHES[dialect].format(name=name, operation="x.deleted_by")
    text = _OWN if noun in _BY_OPERATION else _MARKED
    state = "x.state_name" if noun in _WITH_STATE else "NULL"
    return text.format(noun=noun.value, name=name, state=state, matches=matches, purging=PURGING)


async def items(
    store: Store, noun: OperationNoun | None, q: str | None, operation_id: UUID | None, limit: int, offset: int
) -> list[TrashItem]:
    """What can be restored, the newest deleted first: of one noun, with this in its name, deleted by one operation."""
    statement = _page(store.dialect, noun)
    rows = await store.scan(statement, limit + offset, q or None, operation_id, limit, offset)
    return _ITEMS.all(rows, store.dialect)


async def summary(store: Store, moment: datetime) -> TrashSummary:
    """How much can be restored, and until when."""
    async with store.view() as view:
        counted = await view.scan(_COUNTS)
        ((operations, oldest, next_purge, overdue),) = await view.scan(_OPERATIONS, moment)
    counts: dict[str, int] = {}
    for noun, count in counted:
        if count:
            counts[noun] = counts.get(noun, 0) + count
    times = _MOMENTS.one((oldest, next_purge), store.dialect)
    return TrashSummary(counts=counts, operations=operations, oldest=times[0], next_purge=times[1], overdue=overdue)
