"""Finished flow runs: hidden and shown by their ids, with all that belongs to them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.artifacts import collections
from headrace.server.store.base import Connection
from headrace.server.store.histories import SPAN_OF
from headrace.server.trash import accounts
from headrace.server.trash.accounts import spans_of
from headrace.server.trash.chosen import chosen
from headrace.server.trash.marking import IDS
from headrace.server.trash.outcomes import Changed

_SPAN = (SPAN_OF[0].format("expected_start_time"), SPAN_OF[1].format("expected_start_time"))

_HIDE = chosen(  # in one order, so that two who hide the same runs wait for each other and not in a circle
    "INSERT INTO hidden_runs (id, operation_id) SELECT id, $2 FROM flow_runs WHERE id {among} ORDER BY id"
    " ON CONFLICT DO NOTHING RETURNING id"
)
_SHOW = chosen("DELETE FROM hidden_runs WHERE id {among} AND (operation_id = $2 OR $3) RETURNING id")
_SPANS_OF_RUNS = chosen("SELECT {span}, count(*) FROM flow_runs WHERE id {among} GROUP BY 1", span=_SPAN)
_SPANS_OF_TASK_RUNS = chosen(
    "SELECT {span}, count(*) FROM task_runs WHERE flow_run_id {among} AND deleted_at IS NULL GROUP BY 1", span=_SPAN
)
_ARTIFACTS = chosen(
    "SELECT key, count(*) FROM artifacts"
    " WHERE flow_run_id {among} AND flow_run_id IS NOT NULL AND deleted_at IS NULL GROUP BY key"
)


async def hide(transaction: Connection, operation_id: UUID, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Hide locked runs that are over, and account for them."""
    rows = await transaction.fetch(_HIDE, list(ids), operation_id)
    return await _accounted(transaction, IDS.all(rows, transaction.dialect), moment, accounts.take_out)


async def show(transaction: Connection, operation_id: UUID | None, ids: Sequence[UUID], moment: datetime) -> Changed:
    """Show runs that the operation, or whichever, has hidden, and account for them."""
    rows = await transaction.fetch(_SHOW, list(ids), operation_id, operation_id is None)
    return await _accounted(transaction, IDS.all(rows, transaction.dialect), moment, accounts.put_back)


async def _accounted(transaction: Connection, ids: list[UUID], moment: datetime, account: accounts.Account) -> Changed:
    if not ids:
        return Changed([], {})
    runs = spans_of(await transaction.fetch(_SPANS_OF_RUNS, ids))
    task_runs = spans_of(await transaction.fetch(_SPANS_OF_TASK_RUNS, ids))
    artifacts = await transaction.fetch(_ARTIFACTS, ids)
    await collections.show_newest(transaction, [key for key, _ in artifacts if key is not None], moment)
    counts = {
        "flow_runs": await account(transaction, "flow_runs", runs),
        "task_runs": await account(transaction, "task_runs", task_runs),
        "artifacts": sum(count for _, count in artifacts),
    }
    return Changed(ids, counts)
