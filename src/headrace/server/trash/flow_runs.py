"""Flow runs: those that are over are hidden, the others are marked and let go of everything they hold."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.server.artifacts import collections
from headrace.server.concurrency import service as concurrency
from headrace.server.store.base import Connection, Row
from headrace.server.task_queue import service as task_queue
from headrace.server.trash import accounts, hiding, marking
from headrace.server.trash.accounts import Spans
from headrace.server.trash.chosen import LOCK, chosen
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed, together
from headrace.wire.states import TERMINAL_STATES

_TERMINAL = ", ".join(f"'{type_.value}'" for type_ in sorted(TERMINAL_STATES))
_LIVE = chosen(
    f"SELECT id, coalesce(state_type IN ({_TERMINAL}), false) FROM flow_runs"
    " WHERE id {among} AND deleted_at IS NULL ORDER BY id {lock}",
    lock=LOCK,
)
_LOCK = chosen("SELECT 1 FROM flow_runs WHERE id {among} ORDER BY id {lock}", lock=LOCK)
_CLEAR_ARTIFACTS_OF_TASKS = chosen(
    "UPDATE artifacts SET deleted_at = NULL, deleted_by = NULL FROM task_runs AS task, flow_runs AS owner"
    " WHERE task.id = artifacts.task_run_id AND owner.id = task.flow_run_id AND owner.id {among}"
    " AND artifacts.flow_run_id IS NULL AND owner.deleted_at IS NOT NULL AND (owner.deleted_by = $2 OR $3)"
    " AND artifacts.deleted_at IS NOT NULL AND artifacts.deleted_by = owner.deleted_by RETURNING artifacts.key"
)


_RUN = "{0}.id, {{span}}"


class _Rows(msgspec.Struct, frozen=True):
    """The rows that were marked, or whose marks were taken back, with the spans of history that they are in."""

    ids: list[UUID]
    spans: Spans
    task_run_ids: list[UUID]
    task_spans: Spans
    artifact_keys: list[str | None]

    @classmethod
    def of(
        cls, connection: Connection, runs: Sequence[Row], task_runs: Sequence[Row], artifact_keys: list[str | None]
    ) -> "_Rows":
        ids, spans = marking.ids_and_spans(runs, connection)
        task_run_ids, task_spans = marking.ids_and_spans(task_runs, connection)
        return cls(ids, spans, task_run_ids, task_spans, artifact_keys)


async def remove(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Delete the runs of these that are live."""
    live = await transaction.fetch(_LIVE, list(ids))
    over = IDS.all([(row[0],) for row in live if row[1]], transaction.dialect)
    active = IDS.all([(row[0],) for row in live if not row[1]], transaction.dialect)
    hidden = await hiding.hide(transaction, operation_id, over, moment) if over else Changed([], {})
    marked = await _remove_active(transaction, operation_id, active, moment) if active else Changed([], {})
    return Changed([*hidden.ids, *marked.ids], together([hidden.counts, marked.counts]))


async def restore(transaction: Connection, operation_id: UUID | None, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Give back the runs of these that the operation, or whichever, has deleted."""
    await transaction.fetch(_LOCK, list(ids))
    shown = await hiding.show(transaction, operation_id, ids, moment)
    known = set(shown.ids)
    rest = [id for id in ids if id not in known]
    cleared = await _clear(transaction, operation_id, rest, moment) if rest else Changed([], {})
    return Changed([*shown.ids, *cleared.ids], together([shown.counts, cleared.counts]))


async def settle(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> list[UUID]:
    """Mark runs that are hidden, which have been accounted for; returns those that were live."""
    marked = await _mark(transaction, operation_id, ids, moment)
    await _let_go(transaction, marked)
    return marked.ids


async def _remove_active(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    marked = await _mark(transaction, operation_id, ids, moment)
    await _let_go(transaction, marked)
    return await _accounted(transaction, marked, moment, accounts.take_out)


async def _clear(transaction: Connection, operation_id: UUID | None, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Take back the marks of runs, and of what was marked along with them: first those, which go by the run's."""
    who = (operation_id, operation_id is None)
    keys = [row[0] for row in await transaction.fetch(_CLEAR_ARTIFACTS_OF_TASKS, list(ids), *who)]
    along = ("flow_run_id", "flow_runs", ids, operation_id)
    artifacts = await marking.clear_along(transaction, "artifacts", *along, returning="artifacts.key")
    tasks = await marking.clear_along(transaction, "task_runs", *along, returning=_RUN.format("task_runs"))
    runs = await marking.clear(transaction, "flow_runs", ids, operation_id, returning=_RUN.format("flow_runs"))
    cleared = _Rows.of(transaction, runs, tasks, [*keys, *(row[0] for row in artifacts)])
    await task_queue.offer_again(transaction, cleared.task_run_ids)
    return await _accounted(transaction, cleared, moment, accounts.put_back)


async def _mark(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> _Rows:
    by = (moment, operation_id)
    runs = await marking.mark(transaction, "flow_runs", ids, *by, returning=_RUN.format("flow_runs"))
    marked = IDS.all([row[:1] for row in runs], transaction.dialect)
    tasks = await marking.mark(
        transaction, "task_runs", marked, *by, key="flow_run_id", returning=_RUN.format("task_runs")
    )
    task_ids = IDS.all([row[:1] for row in tasks], transaction.dialect)
    artifacts = [
        *await marking.mark(transaction, "artifacts", marked, *by, key="flow_run_id", returning="key"),
        *await marking.mark(transaction, "artifacts", task_ids, *by, key="task_run_id", returning="key"),
    ]
    return _Rows.of(transaction, runs, tasks, [row[0] for row in artifacts])


async def _let_go(transaction: Connection, marked: _Rows) -> None:
    """Give back the slots that runs and their task runs hold, and have nobody begin what waits."""
    await concurrency.end_held(transaction, "flow_run", marked.ids)
    await concurrency.end_held(transaction, "task_run", marked.task_run_ids)
    if marked.task_run_ids:
        await task_queue.withdraw(transaction, marked.task_run_ids)


async def _accounted(transaction: Connection, rows: _Rows, moment: datetime, account: accounts.Account) -> Changed:
    await collections.show_newest(transaction, {key for key in rows.artifact_keys if key is not None}, moment)
    counts = {
        "flow_runs": await account(transaction, "flow_runs", rows.spans),
        "task_runs": await account(transaction, "task_runs", rows.task_spans),
        "artifacts": len(rows.artifact_keys),
    }
    return Changed(rows.ids, counts)
