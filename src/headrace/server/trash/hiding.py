"""Finished flow runs: hidden and shown by their ids, with all that belongs to them.

What goes on in one all the same, such as a background task that waits for its worker, is marked along, so that no
service meets it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Dialect, Row, Statement
from headrace.server.store.histories import SPAN_OF
from headrace.server.trash import accounts, marking
from headrace.server.trash.accounts import Account, Spans, spans_of
from headrace.server.trash.chosen import chosen
from headrace.server.trash.holding import TERMINAL, let_go, take_up
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed

MANY = 500
"""From so many on, PostgreSQL is told at once how many runs are hidden: plans for few would look at each one."""

_SPAN = (SPAN_OF[0].format("expected_start_time"), SPAN_OF[1].format("expected_start_time"))
_IS_OPEN = f"(state_type IS NULL OR state_type NOT IN ({TERMINAL}))"

_HIDE = Statement(  # in one order, so that two who hide the same runs wait for each other and not in a circle
    "INSERT INTO hidden_runs (id, operation_id) SELECT id, $2::uuid FROM unnest($1::uuid[]) AS given (id) ORDER BY id"
    " ON CONFLICT DO NOTHING",
    sqlite="INSERT INTO hidden_runs (id, operation_id) SELECT value, $2 FROM json_each($1) WHERE true ORDER BY value"
    " ON CONFLICT DO NOTHING",
)
_HIDDEN = chosen("SELECT id FROM hidden_runs WHERE id {among} AND operation_id = $2")
_SHOW = chosen("DELETE FROM hidden_runs WHERE id {among} AND operation_id = $2 RETURNING id")
_SPANS_OF_TASK_RUNS = chosen(
    "SELECT {span}, count(CASE WHEN deleted_at IS NULL THEN 1 END),"
    f" count(CASE WHEN deleted_at IS NULL AND {_IS_OPEN} THEN 1 END),"
    " count(CASE WHEN deleted_at IS NOT NULL AND deleted_by = $2 THEN 1 END)"
    " FROM task_runs WHERE flow_run_id {among} GROUP BY 1",
    span=_SPAN,
)
_MARK_OPEN = chosen(
    "UPDATE task_runs SET deleted_at = $2, deleted_by = $3"
    f" WHERE flow_run_id {{among}} AND deleted_at IS NULL AND {_IS_OPEN} RETURNING id"
)
ARTIFACTS = """
    SELECT key, count(*) FROM (
        SELECT key FROM artifacts WHERE flow_run_id {among} AND flow_run_id IS NOT NULL AND deleted_at IS NULL
        UNION ALL SELECT a.key FROM task_runs t JOIN artifacts a ON a.task_run_id = t.id
        WHERE t.flow_run_id {among} AND a.task_run_id IS NOT NULL AND a.flow_run_id IS NULL AND a.deleted_at IS NULL
    ) AS theirs GROUP BY key
"""
"""How many artifacts of each key flow runs have left; those of their task runs need not name the flow run."""
_ARTIFACTS = chosen(ARTIFACTS)
# How many there are is all that plans need to know; that is told by a few pages.
_COUNT_ROUGHLY = (Statement("SET LOCAL default_statistics_target = 1"), Statement("ANALYZE hidden_runs"))


async def hide(
    transaction: Connection, operation_id: UUID, spans: Mapping[UUID, int | None], moment: datetime
) -> Changed:
    """Hide locked runs that are over, each with its span of history, and account for them."""
    ids = list(spans)
    if await transaction.execute(_HIDE, ids, operation_id) != len(ids):  # some are hidden by others
        ids = IDS.all(await transaction.fetch(_HIDDEN, ids, operation_id), transaction.dialect)
    if not ids:
        return Changed([], {})
    task_runs = await _task_runs(transaction, ids, operation_id)
    if task_runs.is_any_open:
        rows = await transaction.fetch(_MARK_OPEN, ids, moment, operation_id)
        await let_go(transaction, [], IDS.all(rows, transaction.dialect))
    artifacts = await transaction.fetch(_ARTIFACTS, ids)
    runs = _count(spans, ids)
    return Changed(ids, await account_for(transaction, accounts.take_out, runs, task_runs.spans, artifacts, moment))


async def show(
    transaction: Connection, operation_id: UUID, spans: Mapping[UUID, int | None], moment: datetime
) -> Changed:
    """Show those of locked runs, each with its span of history, that the operation has hidden; account for them."""
    shown = IDS.all(await transaction.fetch(_SHOW, list(spans), operation_id), transaction.dialect)
    if not shown:
        return Changed([], {})
    task_runs = await _task_runs(transaction, shown, operation_id)
    if task_runs.is_any_marked:
        cleared = await marking.clear(transaction, "task_runs", shown, operation_id, key="flow_run_id")
        await take_up(transaction, IDS.all(cleared, transaction.dialect))
        task_runs = await _task_runs(transaction, shown, operation_id)
    artifacts = await transaction.fetch(_ARTIFACTS, shown)
    runs = _count(spans, shown)
    return Changed(shown, await account_for(transaction, accounts.put_back, runs, task_runs.spans, artifacts, moment))


def _count(spans: Mapping[UUID, int | None], ids: list[UUID]) -> Spans:
    return Counter(spans.values() if len(ids) == len(spans) else (spans[id] for id in ids))


class _TaskRuns(msgspec.Struct, frozen=True):
    """How many live task runs there are of each span; whether any goes on, or was marked along."""

    spans: Spans
    is_any_open: bool
    is_any_marked: bool


async def _task_runs(transaction: Connection, ids: list[UUID], operation_id: UUID) -> _TaskRuns:
    """What there is to know about the task runs of these flow runs."""
    rows = await transaction.fetch(_SPANS_OF_TASK_RUNS, ids, operation_id)
    return _TaskRuns(spans_of(rows), any(row[2] for row in rows), any(row[3] for row in rows))


async def account_for(
    transaction: Connection, account: Account, runs: Spans, task_runs: Spans, artifacts: Sequence[Row], moment: datetime
) -> Mapping[str, int]:
    """Account for runs that were hidden or shown, with theirs; `artifacts` are rows of a key and how many."""
    spans = {"flow_runs": runs, "task_runs": task_runs}
    counts = await accounts.account_for(transaction, account, spans, {row[0]: row[1] for row in artifacts}, moment)
    await _tell_plans(transaction, counts["flow_runs"])
    return counts


async def _tell_plans(transaction: Connection, changed: int) -> None:
    """Have statements planned anew by how many runs are hidden, from this transaction's end on."""
    if changed >= MANY and transaction.dialect is Dialect.POSTGRES:
        for statement in _COUNT_ROUGHLY:
            await transaction.execute(statement)
