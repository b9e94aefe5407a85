"""Flow runs: those that are over are hidden, the others are marked and let go of everything they hold."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Row
from headrace.server.store.hidden import shown
from headrace.server.store.histories import SPAN_OF
from headrace.server.trash import accounts, hiding, marking
from headrace.server.trash.accounts import Spans
from headrace.server.trash.chosen import LOCK, chosen
from headrace.server.trash.holding import TERMINAL, let_go, take_up
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed, together

_SPAN = (SPAN_OF[0].format("expected_start_time"), SPAN_OF[1].format("expected_start_time"))
_LIVE = chosen(
    f"SELECT id, {{span}}, coalesce(state_type IN ({TERMINAL}), false) FROM flow_runs"
    f" WHERE id {{among}} AND deleted_at IS NULL AND {shown('flow_runs.id')} ORDER BY id {{lock}}",
    lock=LOCK,
    span=_SPAN,
)
_LOCK = chosen("SELECT id, {span} FROM flow_runs WHERE id {among} ORDER BY id {lock}", lock=LOCK, span=_SPAN)
_KNOWN = chosen("SELECT id, {span}, flow_id FROM flow_runs WHERE id {among}", span=_SPAN)
_DELETED_FLOWS = chosen("SELECT id FROM flows WHERE id {among} AND deleted_at IS NOT NULL")
_CLEAR_ARTIFACTS_OF_TASKS = chosen(
    "UPDATE artifacts SET deleted_at = NULL, deleted_by = NULL WHERE deleted_by = $2 AND flow_run_id IS NULL"
    " AND task_run_id IN (SELECT id FROM task_runs WHERE flow_run_id {among}) RETURNING key"
)
_RETURNING = "id, {span}"


class _Rows(msgspec.Struct, frozen=True):
    """The rows that were marked, or whose marks were taken back, with the spans of history that they are in."""

    ids: list[UUID]
    spans: Spans
    task_run_ids: list[UUID]
    task_spans: Spans
    artifact_keys: list[str | None]

    @classmethod
    def of(
        cls, connection: Connection, runs: Sequence[Row], task_runs: Sequence[Row], artifacts: Sequence[Row]
    ) -> "_Rows":
        ids, spans = marking.ids_and_spans(runs, connection)
        task_run_ids, task_spans = marking.ids_and_spans(task_runs, connection)
        return cls(ids, spans, task_run_ids, task_spans, [row[0] for row in artifacts])


async def remove(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Delete the runs of these that are live."""
    live = await transaction.fetch(_LIVE, list(ids))
    over = _spans([row for row in live if row[2]], transaction)
    active = IDS.all([row[:1] for row in live if not row[2]], transaction.dialect)
    changed: list[Changed] = []
    if active:
        marked = await _mark(transaction, operation_id, active, moment)
        changed.append(await _accounted(transaction, marked, moment, accounts.take_out))
    if over:
        changed.append(await hiding.hide(transaction, operation_id, over, moment))
    return Changed([id for one in changed for id in one.ids], together(one.counts for one in changed))


async def show(
    transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime
) -> tuple[Changed, list[UUID]]:
    """Show those of these runs that the operation has hidden and whose flow is there: nothing can be in their way.

    The second are the others. Rows are not locked, which would write each of them: whoever else shows, hides or marks
    the same runs waits for their ids in `hidden_runs`.
    """
    rows = await transaction.fetch(_KNOWN, list(ids))
    flow_ids = list({row[2] for row in rows})
    gone: set[Any] = {row[0] for row in await transaction.fetch(_DELETED_FLOWS, flow_ids)}
    spans = _spans([row for row in rows if row[2] not in gone] if gone else rows, transaction)
    changed = await hiding.show(transaction, operation_id, spans, moment) if spans else Changed([], {})
    known = set(changed.ids)
    return changed, [id for id in ids if id not in known]


async def restore(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Give back the runs of these that the operation has deleted."""
    rows = await transaction.fetch(_LOCK, list(ids))
    seen = await hiding.show(transaction, operation_id, _spans(rows, transaction), moment)
    known = set(seen.ids)
    cleared = await _clear(transaction, operation_id, [id for id in ids if id not in known], moment)
    return Changed([*seen.ids, *cleared.ids], together([seen.counts, cleared.counts]))


def _spans(rows: Sequence[Row], connection: Connection) -> dict[UUID, int | None]:
    """The ids in rows of an id and a span, each with the span."""
    ids = IDS.all([row[:1] for row in rows], connection.dialect)
    return dict(zip(ids, (row[1] for row in rows), strict=True))


async def settle(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> list[UUID]:
    """Mark runs that are hidden, which have been accounted for; returns those that were."""
    return (await _mark(transaction, operation_id, ids, moment)).ids


async def _mark(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> _Rows:
    by = (moment, operation_id)
    runs = await marking.mark(transaction, "flow_runs", ids, *by, returning=_RETURNING)
    marked = IDS.all([row[:1] for row in runs], transaction.dialect)
    tasks = await marking.mark(transaction, "task_runs", marked, *by, key="flow_run_id", returning=_RETURNING)
    task_ids = IDS.all([row[:1] for row in tasks], transaction.dialect)
    artifacts = [
        *await marking.mark(transaction, "artifacts", marked, *by, key="flow_run_id", returning="key"),
        *await marking.mark(transaction, "artifacts", task_ids, *by, key="task_run_id", returning="key"),
    ]
    await let_go(transaction, marked, task_ids)
    return _Rows.of(transaction, runs, tasks, artifacts)


async def _clear(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Take back the marks of runs, and of what was marked along with them."""
    runs = await marking.clear(transaction, "flow_runs", ids, operation_id, returning=_RETURNING)
    if not runs:
        return Changed([], {})
    cleared = IDS.all([row[:1] for row in runs], transaction.dialect)
    along = (cleared, operation_id)
    tasks = await marking.clear(transaction, "task_runs", *along, key="flow_run_id", returning=_RETURNING)
    artifacts = [
        *await marking.clear(transaction, "artifacts", *along, key="flow_run_id", returning="key"),
        *await transaction.fetch(_CLEAR_ARTIFACTS_OF_TASKS, *along),
    ]
    rows = _Rows.of(transaction, runs, tasks, artifacts)
    await take_up(transaction, rows.task_run_ids)
    return await _accounted(transaction, rows, moment, accounts.put_back)


async def _accounted(transaction: Connection, rows: _Rows, moment: datetime, account: accounts.Account) -> Changed:
    runs, artifacts = {"flow_runs": rows.spans, "task_runs": rows.task_spans}, Counter(rows.artifact_keys)
    return Changed(rows.ids, await accounts.account_for(transaction, account, runs, artifacts, moment))
