"""Finished flow runs: hidden and shown by their ids, with all that belongs to them.

What goes on in one all the same, such as a background task that waits for its worker, is marked along, so that no
service meets it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.artifacts import collections
from headrace.server.store.base import Connection, Dialect, Statement
from headrace.server.store.histories import SPAN_OF
from headrace.server.trash import accounts, marking
from headrace.server.trash.accounts import Spans, spans_of
from headrace.server.trash.chosen import chosen
from headrace.server.trash.holding import TERMINAL, let_go, take_up
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed

MANY = 500
"""From so many on, PostgreSQL is told at once how many runs are hidden: plans for few would look at each one."""

_SPAN = (SPAN_OF[0].format("expected_start_time"), SPAN_OF[1].format("expected_start_time"))
_IS_OPEN = f"(state_type IS NULL OR state_type NOT IN ({TERMINAL}))"

_HIDE = chosen(  # in one order, so that two who hide the same runs wait for each other and not in a circle
    "INSERT INTO hidden_runs (id, operation_id) SELECT id, $2 FROM flow_runs WHERE id {among} ORDER BY id"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_SHOW = chosen("DELETE FROM hidden_runs WHERE id {among} AND operation_id = $2 RETURNING id")
_SPANS_OF_RUNS = chosen("SELECT {span}, count(*) FROM flow_runs WHERE id {among} GROUP BY 1", span=_SPAN)
_SPANS_OF_TASK_RUNS = chosen(
    f"SELECT {{span}}, count(*), count(CASE WHEN {_IS_OPEN} THEN 1 END) FROM task_runs"
    " WHERE flow_run_id {among} AND deleted_at IS NULL GROUP BY 1",
    span=_SPAN,
)
_MARK_OPEN = chosen(
    "UPDATE task_runs SET deleted_at = $2, deleted_by = $3"
    f" WHERE flow_run_id {{among}} AND deleted_at IS NULL AND {_IS_OPEN} RETURNING id"
)
_ARTIFACTS = chosen(
    "SELECT key, count(*) FROM artifacts"
    " WHERE flow_run_id {among} AND flow_run_id IS NOT NULL AND deleted_at IS NULL GROUP BY key"
)
# How many there are is all that plans need to know; that is told by a few pages.
_COUNT_ROUGHLY = (Statement("SET LOCAL default_statistics_target = 1"), Statement("ANALYZE hidden_runs"))


async def hide(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Hide locked runs that are over, and account for them."""
    hidden = IDS.all(await transaction.fetch(_HIDE, list(ids), operation_id), transaction.dialect)
    if not hidden:
        return Changed([], {})
    task_runs, is_any_open = await _task_runs(transaction, hidden)
    if is_any_open:
        rows = await transaction.fetch(_MARK_OPEN, hidden, moment, operation_id)
        await let_go(transaction, [], IDS.all(rows, transaction.dialect))
    changed = await _accounted(transaction, hidden, task_runs, moment, accounts.take_out)
    await tell_plans(transaction, len(hidden))
    return changed


async def show(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Show runs that the operation has hidden, and account for them."""
    shown = IDS.all(await transaction.fetch(_SHOW, list(ids), operation_id), transaction.dialect)
    if not shown:
        return Changed([], {})
    cleared = await marking.clear(transaction, "task_runs", shown, operation_id, key="flow_run_id")
    await take_up(transaction, IDS.all(cleared, transaction.dialect))
    task_runs, _ = await _task_runs(transaction, shown)
    changed = await _accounted(transaction, shown, task_runs, moment, accounts.put_back)
    await tell_plans(transaction, len(shown))
    return changed


async def _task_runs(transaction: Connection, ids: list[UUID]) -> tuple[Spans, bool]:
    """How many live task runs there are of each span, and whether any of them goes on."""
    rows = await transaction.fetch(_SPANS_OF_TASK_RUNS, ids)
    return spans_of(rows), any(row[2] for row in rows)


async def _accounted(
    transaction: Connection, ids: list[UUID], task_runs: Spans, moment: datetime, account: accounts.Account
) -> Changed:
    runs = spans_of(await transaction.fetch(_SPANS_OF_RUNS, ids))
    artifacts = await transaction.fetch(_ARTIFACTS, ids)
    await collections.show_newest(transaction, [key for key, _ in artifacts if key is not None], moment)
    counts = {
        "flow_runs": await account(transaction, "flow_runs", runs),
        "task_runs": await account(transaction, "task_runs", task_runs),
        "artifacts": sum(count for _, count in artifacts),
    }
    return Changed(ids, counts)


async def tell_plans(transaction: Connection, changed: int) -> None:
    """Have statements planned anew by how many runs are hidden, from this transaction's end on."""
    if changed >= MANY and transaction.dialect is Dialect.POSTGRES:
        for statement in _COUNT_ROUGHLY:
            await transaction.execute(statement)
