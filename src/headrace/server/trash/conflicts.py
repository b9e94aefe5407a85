"""What keeps deleted objects from being restored as they were: their name is taken, or what they belong to is gone."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from headrace.server.store.base import Connection, Statement, View
from headrace.server.store.rows import Kind, Reader
from headrace.server.trash.chosen import chosen, rows_of
from headrace.server.trash.outcomes import Conflict
from headrace.wire.operations import OperationNoun


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """A deleted object, of which one or both are so."""

    id: UUID
    is_lost: bool
    is_taken: bool
    name: str | None
    owner: str | None


class _Words(msgspec.Struct, frozen=True):
    """How the conflicts of a noun are told, with the object's `name` and the `owner` that is deleted."""

    taken: str = ""
    lost: str = ""


_FOUND = Reader(
    _Found,
    {
        "id": Kind.UUID,
        "is_lost": Kind.BOOLEAN,
        "is_taken": Kind.BOOLEAN,
        "name": Kind.TEXT,
        "owner": Kind.TEXT,
    },
)


def _statement(gone: str, owner: str | None, taken: str, name: str, owner_name: str = "NULL") -> Statement:
    """`gone` are the deleted rows as x, with `by`, the operation; `owner` joins what they belong to as o, with its
    `is_gone` and `by`. One that the same operation has deleted comes back along, where `$3` says so.
    """
    lost = "(false AND $3)" if owner is None else "(o.is_gone AND NOT ($3 AND o.by IS NOT DISTINCT FROM x.by))"
    text = f"""
        SELECT x.id, {{lost}}, {taken or "false"}, {name}, {owner_name}
        FROM ({gone}) AS x {owner or ""} WHERE x.by = $2 AND ({{lost}} OR {taken or "false"})
    """
    return chosen(text, lost=(lost, lost.replace("IS NOT DISTINCT FROM", "IS")))


def _marked(table: str, columns: str) -> str:
    return f"SELECT id, deleted_by AS by, {columns} FROM {table} WHERE id {{among}} AND deleted_at IS NOT NULL"


def _no_other(table: str, *same: str) -> str:
    """Some live row of the table has what was the deleted one's alone."""
    conditions = " AND ".join(f"other.{column} = x.{column}" for column in same)
    return f"EXISTS (SELECT 1 FROM {table} other WHERE {conditions} AND other.deleted_at IS NULL)"


_FLOW = """
    LEFT JOIN (
        SELECT id, name, deleted_at IS NOT NULL AS is_gone, deleted_by AS by FROM flows
    ) AS o ON o.id = x.flow_id
"""
_RUN = """
    LEFT JOIN (
        SELECT r.id, r.name, r.deleted_at IS NOT NULL OR h.id IS NOT NULL AS is_gone,
            coalesce(h.operation_id, r.deleted_by) AS by
        FROM flow_runs r LEFT JOIN hidden_runs h ON h.id = r.id
    ) AS o ON o.id = {flow_run_id}
"""
_DELETED_RUNS = """
    SELECT r.id, r.flow_id, r.name, r.idempotency_key, coalesce(h.operation_id, r.deleted_by) AS by,
        h.id IS NOT NULL AS is_hidden
    FROM flow_runs r LEFT JOIN hidden_runs h ON h.id = r.id
    WHERE r.id {among} AND (h.id IS NOT NULL OR r.deleted_at IS NOT NULL)
"""
_OF_TASK = "(SELECT t.flow_run_id FROM task_runs t WHERE t.id = x.task_run_id)"
_STATEMENTS = {
    OperationNoun.FLOWS: _statement(_marked("flows", "name"), None, _no_other("flows", "name"), "x.name"),
    OperationNoun.FLOW_RUNS: _statement(  # a hidden run has its key still, so nobody else does
        _DELETED_RUNS,
        _FLOW,
        f"(NOT x.is_hidden AND {_no_other('flow_runs', 'flow_id', 'idempotency_key')})",
        "x.idempotency_key",
        "o.name",
    ),
    OperationNoun.TASK_RUNS: _statement(
        _marked("task_runs", "flow_run_id, task_key, dynamic_key, name"),
        _RUN.format(flow_run_id="x.flow_run_id"),
        _no_other("task_runs", "flow_run_id", "task_key", "dynamic_key"),
        "x.name",
        "o.name",
    ),
    OperationNoun.DEPLOYMENTS: _statement(
        _marked("deployments", "name, flow_id"), _FLOW, _no_other("deployments", "flow_id", "name"), "x.name", "o.name"
    ),
    OperationNoun.ARTIFACTS: _statement(
        _marked("artifacts", "flow_run_id, task_run_id"),
        _RUN.format(flow_run_id=f"coalesce(x.flow_run_id, {_OF_TASK})"),
        "",
        "NULL",
        "o.name",
    ),
    OperationNoun.VARIABLES: _statement(_marked("variables", "name"), None, _no_other("variables", "name"), "x.name"),
    OperationNoun.BLOCK_DOCUMENTS: _statement(
        _marked("block_documents", "name, block_type_id"),
        None,
        _no_other("block_documents", "block_type_id", "name"),
        "x.name",
    ),
}
_NAME_TAKEN = "its name {name!r} has been taken since: rename or delete the other one, or restore it under a new name."
_WORDS = {
    OperationNoun.FLOWS: _Words(f"This flow cannot be restored, because {_NAME_TAKEN}"),
    OperationNoun.FLOW_RUNS: _Words(
        "This flow run cannot be restored, because another run of its flow has its idempotency key {name!r} by now:"
        " delete that one, or restore this one without its key.",
        "This flow run cannot be restored, because its flow {owner!r} is deleted: restore the flow first.",
    ),
    OperationNoun.TASK_RUNS: _Words(
        "The task run {name!r} cannot be restored, because its flow run has recorded the same task anew.",
        "The task run {name!r} cannot be restored, because its flow run {owner!r} is deleted: restore that first.",
    ),
    OperationNoun.DEPLOYMENTS: _Words(
        f"This deployment cannot be restored, because {_NAME_TAKEN}",
        "The deployment {name!r} cannot be restored, because its flow {owner!r} is deleted: restore the flow first.",
    ),
    OperationNoun.ARTIFACTS: _Words(
        lost="This artifact cannot be restored, because its flow run {owner!r} is deleted: restore that first."
    ),
    OperationNoun.VARIABLES: _Words(f"This variable cannot be restored, because {_NAME_TAKEN}"),
    OperationNoun.BLOCK_DOCUMENTS: _Words(f"This block cannot be restored, because {_NAME_TAKEN}"),
}


class Found(msgspec.Struct, frozen=True):
    """A conflict; `can_rename` says whether a new name ends it."""

    conflict: Conflict
    can_rename: bool


async def find(
    connection: Connection | View,
    operation_id: UUID,
    noun: OperationNoun,
    ids: Sequence[UUID],
    *,
    along: bool,
) -> list[Found]:
    """The conflicts of those of these objects that the operation has deleted.

    `along`: what they belong to is restored as well, if the same operation has deleted it.
    """
    statement = _STATEMENTS.get(noun)
    if statement is None or not ids:
        return []
    rows = await rows_of(connection, statement, list(ids), operation_id, along)
    return [_told(_WORDS[noun], found) for found in _FOUND.all(rows, connection.dialect)]


def _told(words: _Words, found: _Found) -> Found:
    text = words.lost if found.is_lost else words.taken
    return Found(Conflict(found.id, text.format(name=found.name, owner=found.owner)), not found.is_lost)
