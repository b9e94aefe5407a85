"""Task runs that are deleted by themselves: marked, with the artifacts they left."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.store.base import Connection, Row
from headrace.server.store.hidden import shown
from headrace.server.trash import accounts, marking
from headrace.server.trash.chosen import LOCK, chosen
from headrace.server.trash.holding import let_go, take_up
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed

_LIVE = chosen(
    f"SELECT id FROM task_runs WHERE id {{among}} AND deleted_at IS NULL AND {shown('task_runs.flow_run_id')}"
    " ORDER BY id {lock}",
    lock=LOCK,
)
_RETURNING = "id, {span}"


async def remove(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Delete the runs of these that are live; those of a deleted flow run are deleted already."""
    live = IDS.all(await transaction.fetch(_LIVE, list(ids)), transaction.dialect)
    rows = await marking.mark(transaction, "task_runs", live, moment, operation_id, returning=_RETURNING)
    artifacts = await marking.mark(
        transaction, "artifacts", live, moment, operation_id, key="task_run_id", returning="key"
    )
    await let_go(transaction, [], live)
    return await _accounted(transaction, rows, artifacts, moment, accounts.take_out)


async def restore(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Give back the runs of these that the operation has deleted."""
    rows = await marking.clear(transaction, "task_runs", ids, operation_id, returning=_RETURNING)
    cleared = IDS.all([row[:1] for row in rows], transaction.dialect)
    artifacts = await marking.clear(transaction, "artifacts", cleared, operation_id, key="task_run_id", returning="key")
    await take_up(transaction, cleared)
    return await _accounted(transaction, rows, artifacts, moment, accounts.put_back)


async def _accounted(
    transaction: Connection,
    rows: Sequence[Row],
    artifacts: Sequence[Row],
    moment: datetime,
    account: accounts.Account,
) -> Changed:
    ids, spans = marking.ids_and_spans(rows, transaction)
    keys = Counter(row[0] for row in artifacts)
    return Changed(ids, await accounts.account_for(transaction, account, {"task_runs": spans}, keys, moment))
