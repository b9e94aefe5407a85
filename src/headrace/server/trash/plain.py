"""Batches of finished flow runs that have nothing special about them: as most are, of those that come by the thousand.

They are hidden and shown by statements that take their ids from an operation's items, so that none of them passes
through this process. Whoever calls falls back to `service.remove` or `service.restore` where a batch is not plain:
some run is not over, is deleted already, has task runs that go on, or cannot come back as it was.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Dialect, Statement
from headrace.server.store.histories import SPAN_OF
from headrace.server.trash import accounts
from headrace.server.trash.accounts import Spans, spans_of
from headrace.server.trash.hiding import ARTIFACTS, account_for
from headrace.server.trash.holding import TERMINAL

Counts = Mapping[str, int]


class NotPlain(Exception):
    """The batch has to be dealt with one by one; the transaction is to be undone."""


class Stretch(msgspec.Struct, frozen=True):
    """The items of an operation behind the position `after` up to `upto`, which are meant to be flow runs."""

    operation_id: UUID
    after: int
    upto: int

    @property
    def size(self) -> int:
        """How many items there are in it."""
        return self.upto - self.after

    def values(self) -> tuple[UUID, int, int]:
        """What its statements take first."""
        return self.operation_id, self.after, self.upto


_ITEMS = """
    SELECT i.id FROM operation_items AS i WHERE i.operation_id = $1 AND i.position > $2 AND i.position <= $3
    AND i.noun = 'flow_runs' AND i.status IS NULL
"""


def _statement(text: str) -> Statement:
    """`{items}` are the ids, `{span}` the span of history of a run, `{lock}` keeps others from the rows."""
    column = "expected_start_time"
    postgres = text.format(items=_ITEMS, span=SPAN_OF[0].format(column), lock="FOR UPDATE")
    return Statement(postgres, sqlite=text.format(items=_ITEMS, span=SPAN_OF[1].format(column), lock=""))


# Alone with the rows, also against those who refer to them by a foreign key.
_LOCKED = f"""
    SELECT id, {{span}} AS span FROM flow_runs
    WHERE id IN ({{items}}) AND deleted_at IS NULL AND state_type IN ({TERMINAL}) ORDER BY id {{lock}}
"""
_FINISHED = _statement(f"SELECT span, count(*) FROM ({_LOCKED}) AS locked GROUP BY span")
_LIVE = _statement("SELECT {span}, count(*) FROM flow_runs WHERE id IN ({items}) AND deleted_at IS NULL GROUP BY 1")
_TASK_RUNS = _statement(
    f"""
    SELECT {{span}}, count(CASE WHEN deleted_at IS NULL THEN 1 END), count(CASE WHEN deleted_at IS NULL
        AND (state_type IS NULL OR state_type NOT IN ({TERMINAL})) OR deleted_by = $4 THEN 1 END)
    FROM task_runs WHERE flow_run_id IN ({{items}}) GROUP BY 1
    """
)
_ARTIFACTS = _statement(ARTIFACTS.replace("{among}", "IN ({items})"))
_HIDE = _statement(
    "INSERT INTO hidden_runs (id, operation_id) SELECT id, $4 FROM ({items}) AS item ORDER BY id ON CONFLICT DO NOTHING"
)
# On PostgreSQL both at once: how many rows were hidden comes with each span.
_HIDE_FINISHED = _statement(
    f"""
    WITH locked AS MATERIALIZED ({_LOCKED}), hidden AS (
        INSERT INTO hidden_runs (id, operation_id) SELECT id, $4::uuid FROM locked ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT span, count(*), (SELECT count(*) FROM hidden) FROM locked GROUP BY span
    """
)
_SHOW = _statement("DELETE FROM hidden_runs WHERE operation_id = $4 AND id IN ({items})")
_IS_FLOW_LOST = _statement(
    "SELECT 1 FROM flows AS f WHERE f.deleted_at IS NOT NULL"
    " AND EXISTS (SELECT 1 FROM flow_runs AS r WHERE r.flow_id = f.id AND r.id IN ({items})) LIMIT 1"
)
_IS_ANY_FLOW_DELETED = Statement("SELECT 1 FROM flows WHERE deleted_at IS NOT NULL LIMIT 1")
_HIDDEN = Statement("SELECT count(*) FROM hidden_runs WHERE operation_id = $1")


async def remove(transaction: Connection, operation_id: UUID, stretch: Stretch, moment: datetime) -> Counts:
    """Hide all runs of the stretch in the operation's name; how many rows of each table that makes.

    Raises `NotPlain`.
    """
    runs = await _hide(transaction, operation_id, stretch)
    task_runs = await _task_runs(transaction, operation_id, stretch)
    artifacts = await transaction.fetch(_ARTIFACTS, *stretch.values())
    return await account_for(transaction, accounts.take_out, runs, task_runs, artifacts, moment)


async def restore(transaction: Connection, operation_id: UUID, stretch: Stretch, moment: datetime) -> Counts:
    """Show all runs of the stretch, which the operation has hidden; how many rows of each table that makes.

    Raises `NotPlain`.
    """
    # Rows are not locked, which would write each: whoever else shows or marks the same runs waits for their ids.
    shown = await transaction.execute(_SHOW, *stretch.values(), operation_id)
    runs = spans_of(await transaction.fetch(_LIVE, *stretch.values()))
    if not shown == sum(runs.values()) == stretch.size:
        raise NotPlain
    task_runs = await _task_runs(transaction, operation_id, stretch)
    if await transaction.fetch(_IS_ANY_FLOW_DELETED) and await transaction.fetch(_IS_FLOW_LOST, *stretch.values()):
        raise NotPlain
    artifacts = await transaction.fetch(_ARTIFACTS, *stretch.values())
    return await account_for(transaction, accounts.put_back, runs, task_runs, artifacts, moment)


async def comes_back(connection: Connection, operation_id: UUID, count: int) -> bool:
    """Whether so many runs, all that the operation has deleted, are hidden and nothing keeps them from coming back."""
    if await connection.fetch(_IS_ANY_FLOW_DELETED):
        return False
    return (await connection.fetch(_HIDDEN, operation_id))[0][0] == count


async def _hide(transaction: Connection, operation_id: UUID, stretch: Stretch) -> Spans:
    """The runs of the stretch by span of history, once they are locked and hidden."""
    if transaction.dialect is Dialect.POSTGRES:
        rows = await transaction.fetch(_HIDE_FINISHED, *stretch.values(), operation_id)
        hidden = rows[0][2] if rows else 0
    else:
        rows = await transaction.fetch(_FINISHED, *stretch.values())
        hidden = await transaction.execute(_HIDE, *stretch.values(), operation_id)
    runs = spans_of(rows)
    if not hidden == sum(runs.values()) == stretch.size:
        raise NotPlain
    return runs


async def _task_runs(transaction: Connection, operation_id: UUID, stretch: Stretch) -> Spans:
    rows = await transaction.fetch(_TASK_RUNS, *stretch.values(), operation_id)
    if any(special for _, _, special in rows):
        raise NotPlain
    return spans_of(rows)
