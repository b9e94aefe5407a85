"""What belongs to a thing that is removed, table by table: what refers to others goes before them.

A removal is what one transaction takes away, a bounded number of rows. So a run with a million log lines goes in many
transactions, and the run itself in the last one. Each function answers whether all of it is gone.

Nothing rests on cascades: they would take rows that nobody has counted, and as many as there are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, assert_never
from uuid import UUID

from headrace.server.purge.queries import both, read_ids
from headrace.server.store import tallies
from headrace.server.store.base import Connection, Statement
from headrace.server.store.marks import PURGING
from headrace.wire.operations import OperationNoun

_ROWS_OF_A_TASK_RUN = 5
_LARGEST_PIECE = 1_000


def _children(table: str, column: str, key: str = "id") -> Statement:
    """Remove at most `$2` of the rows that belong to these."""
    columns = key.strip("()")
    text = f"DELETE FROM {table} WHERE {key} IN (SELECT {columns} FROM {table} WHERE {column} {{of}} LIMIT $2)"
    return both(text)


def _lines(column: str) -> Statement:
    first = f"SELECT timestamp, id FROM logs WHERE {column} {{of}} LIMIT $2"
    together = both(
        f"DELETE FROM logs USING ({first}) AS gone WHERE logs.timestamp = gone.timestamp AND logs.id = gone.id"
    )
    return Statement(together.postgres, sqlite=both(f"DELETE FROM logs WHERE (timestamp, id) IN ({first})").sqlite)


def _rows(table: str, condition: str = "") -> Statement:
    return both(f"DELETE FROM {table} WHERE id {{of}}{condition}")


_LINES = {column: _lines(column) for column in ("flow_run_id", "task_run_id")}
_CACHED = both(
    "DELETE FROM task_run_state_cache WHERE task_run_state_id IN"
    " (SELECT id FROM task_run_states WHERE task_run_id {of})"
)
_OF_TASK_RUNS = {
    table: _children(table, "task_run_id", key)
    for table, key in (("task_queue", "task_run_id"), ("task_run_states", "id"))
}
_OF_FLOW_RUNS = {
    table: _children(table, "flow_run_id", key)
    for table, key in (("cancellations", "flow_run_id"), ("flow_run_input", "id"), ("flow_run_states", "id"))
}
_OF_DEPLOYMENTS = {"deployment_schedules": _children("deployment_schedules", "deployment_id")}
_REFERENCES = (
    _children("block_document_references", "parent_block_document_id"),
    _children("block_document_references", "reference_block_document_id"),
)
_OF_AUTOMATIONS = {
    table: _children(table, "automation_id", key)
    for table, key in (
        ("automation_buckets", "(trigger_id, key)"),
        ("automation_child_firings", "(parent_trigger_id, child_trigger_id)"),
        ("automation_resources", "(automation_id, resource_id)"),
    )
}
# A limit of its own was deleted with the deployment; one that others share was not.
_LIMITS = both(
    "DELETE FROM concurrency_limits WHERE deleted_at IS NOT NULL"
    " AND id IN (SELECT concurrency_limit_id FROM deployments WHERE id {of})"
)
_COLLECTIONS = (
    both("DELETE FROM artifact_collections WHERE latest_id {of} AND deleted_at IS NULL"),
    both("DELETE FROM artifact_collections WHERE latest_id {of} AND deleted_at IS NOT NULL"),
)
_SELF = {noun: _rows(noun.value) for noun in OperationNoun}
# What still has something stays until that is gone: it may be wanted back for longer than this.
_EMPTY = (
    " AND NOT EXISTS (SELECT 1 FROM flow_runs AS r WHERE r.flow_id = flows.id)"
    " AND NOT EXISTS (SELECT 1 FROM deployments AS d WHERE d.flow_id = flows.id)"
)
_EMPTY_FLOWS = _rows("flows", _EMPTY)
_LEFT_OVER_TEXT = f"""
    SELECT id FROM flows WHERE deleted_at IS NOT NULL AND (deleted_by = '{PURGING}' OR deleted_by = $1
        OR EXISTS (SELECT 1 FROM operations AS o WHERE o.id = flows.deleted_by AND o.purged IS NOT NULL))
    {_EMPTY} LIMIT $2
"""
_LEFT_OVER = Statement(f"{_LEFT_OVER_TEXT} FOR UPDATE SKIP LOCKED", sqlite=_LEFT_OVER_TEXT)
_TASK_RUNS_OF = both("SELECT id, deleted_at IS NULL FROM task_runs WHERE flow_run_id {of} LIMIT $2")
_ARTIFACTS_OF = {
    column: both(f"SELECT id FROM artifacts WHERE {column} {{of}} LIMIT $2")
    for column in ("flow_run_id", "task_run_id")
}


class Removal:
    """The rows that one transaction removes, at most so many of them; `counts` has how many of which table."""

    def __init__(self, transaction: Connection, most: int) -> None:
        self.counts: Counter[str] = Counter()
        self._unmarked: Counter[str] = Counter()
        self._transaction, self._most = transaction, most

    @property
    def left(self) -> int:
        """How many more rows may go."""
        return max(self._most - self.counts.total(), 0)

    async def remove(self, noun: OperationNoun, ids: Sequence[UUID], hidden: Sequence[UUID] = ()) -> bool:
        """Remove these with what belongs to them; of the flow runs, `hidden` are those that are not marked yet."""
        if not ids:
            return True
        match noun:
            case OperationNoun.FLOW_RUNS:
                return await self._flow_runs(ids, hidden)
            case OperationNoun.FLOWS:
                await self._count("flows", _EMPTY_FLOWS, ids)
                return True
            case OperationNoun.TASK_RUNS:
                gone = await self._of_task_runs(ids)
            case OperationNoun.DEPLOYMENTS:
                await self._count("concurrency_limits", _LIMITS, ids)
                gone = await self._each(_OF_DEPLOYMENTS, ids)
            case OperationNoun.ARTIFACTS:
                await self._leave_collections(ids)
                gone = True
            case OperationNoun.VARIABLES:
                gone = True
            case OperationNoun.BLOCK_DOCUMENTS:
                gone = await self._references(ids)
            case OperationNoun.AUTOMATIONS:
                gone = await self._each(_OF_AUTOMATIONS, ids)
            case _:
                assert_never(noun)
        return gone and await self._selves(noun, ids)

    async def account(self) -> None:
        """Take back that triggers have counted out runs which were hidden: hiding has done that already."""
        for noun, number in sorted(self._unmarked.items()):
            await self._transaction.execute(tallies.ADD, noun, number)

    async def remove_left_over(self, operation_id: UUID) -> bool:
        """Remove flows that had to wait for what they had; `operation_id` is of the operation that ends now."""
        rows = await self._transaction.fetch(_LEFT_OVER, operation_id, self.left)
        await self._selves(OperationNoun.FLOWS, read_ids(rows, self._transaction.dialect))
        return self.left > 0

    async def _flow_runs(self, ids: Sequence[UUID], hidden: Sequence[UUID]) -> bool:
        gone = (
            await self._some("logs", _LINES["flow_run_id"], ids)
            and await self._artifacts_of("flow_run_id", ids)
            and await self._task_runs_of(ids)
            and await self._each(_OF_FLOW_RUNS, ids)
        )
        if gone:
            self._unmarked["flow_runs"] += len(hidden)
            await self._selves(OperationNoun.FLOW_RUNS, ids)
        return gone

    async def _task_runs_of(self, flow_run_ids: Sequence[UUID]) -> bool:
        while self.left:
            most = min(self.left // _ROWS_OF_A_TASK_RUN + 1, _LARGEST_PIECE)
            rows = await self._transaction.fetch(_TASK_RUNS_OF, flow_run_ids, most)
            if not rows:
                return True
            ids = read_ids([row[:1] for row in rows], self._transaction.dialect)
            if not await self._of_task_runs(ids):
                return False
            self._unmarked["task_runs"] += sum(1 for row in rows if row[1])
            await self._selves(OperationNoun.TASK_RUNS, ids)
            if len(rows) < most:
                return True
        return False

    async def _of_task_runs(self, ids: Sequence[UUID]) -> bool:
        if not (await self._some("logs", _LINES["task_run_id"], ids) and await self._artifacts_of("task_run_id", ids)):
            return False
        await self._count("task_run_state_cache", _CACHED, ids)
        return await self._each(_OF_TASK_RUNS, ids)

    async def _artifacts_of(self, column: str, run_ids: Sequence[UUID]) -> bool:
        while self.left:
            most = self.left
            rows = await self._transaction.fetch(_ARTIFACTS_OF[column], run_ids, most)
            if not rows:
                return True
            ids = read_ids(rows, self._transaction.dialect)
            await self._leave_collections(ids)
            await self._selves(OperationNoun.ARTIFACTS, ids)
            if len(rows) < most:
                return True
        return False

    async def _leave_collections(self, ids: Sequence[UUID]) -> None:
        for statement in _COLLECTIONS:
            await self._count("artifact_collections", statement, ids)

    async def _references(self, ids: Sequence[UUID]) -> bool:
        for statement in _REFERENCES:
            if not await self._some("block_document_references", statement, ids):
                return False
        return True

    async def _selves(self, noun: OperationNoun, ids: Sequence[UUID]) -> bool:
        if ids:
            await self._count(noun.value, _SELF[noun], ids)
        return True

    async def _each(self, statements: Mapping[str, Statement], ids: Sequence[UUID]) -> bool:
        for table, statement in statements.items():
            if not await self._some(table, statement, ids):
                return False
        return True

    async def _some(self, table: str, statement: Statement, ids: Sequence[UUID]) -> bool:
        """As many as may go; whether that was all."""
        left = self.left
        return left > 0 and await self._count(table, statement, ids, left) < left

    async def _count(self, table: str, statement: Statement, *values: Any) -> int:
        removed = await self._transaction.execute(statement, *values)
        self.counts[table] += removed
        return removed
