"""The recorder's statements: two reads and up to three multi-row writes a batch."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.server.store.base import Connection, Statement
from headrace.server.store.hidden import shown
from headrace.server.store.rows import JSON, Kind, Reader
from headrace.server.task_runs.recording.folding import DEFAULTED, NEVER, Change, known_from
from headrace.server.task_runs.recording.plans import ChangedRun, NewRun, NewState, Stored, key_of
from headrace.server.task_runs.recording.reports import FIELDS, Report, Stamp
from headrace.wire.base import encode_text
from headrace.wire.states import TERMINAL_STATES
from headrace.wire.task_runs import TaskRunPolicy
from headrace.wire.times import to_micros

_NULLABLE = tuple(field for field in FIELDS if field not in DEFAULTED)
_DOCUMENTS = frozenset({"empirical_policy", "tags", "labels", "task_inputs"})
_DEFAULTS: dict[str, Any] = {
    "empirical_policy": TaskRunPolicy(),
    "tags": (),
    "labels": {},
    "task_inputs": {},
    "run_count": 0,
    "flow_run_run_count": 0,
    "total_run_time": 0.0,
}
_STATE_COLUMNS = ("state_id", "state_type", "state_name", "state_timestamp")


def _stored(
    *,
    id: UUID,
    flow_run_id: UUID | None,
    task_key: str,
    dynamic_key: str,
    state_timestamp: datetime | None,
    state_id: UUID | None,
    field_stamps: dict[str, Stamp] | None,
    deleted: bool,
    waits: bool,
    **has: bool,
) -> Stored:
    stamp = NEVER if state_timestamp is None or state_id is None else (to_micros(state_timestamp), state_id)
    told = {field for field in FIELDS if field in DEFAULTED or has[field]}
    return Stored(id, (flow_run_id, task_key, dynamic_key), known_from(stamp, told, field_stamps or {}), deleted, waits)


def _id(*, id: UUID) -> UUID:
    return id


_ROWS = Reader(
    _stored,
    {
        "id": Kind.UUID,
        "flow_run_id": Kind.UUID,
        "task_key": Kind.TEXT,
        "dynamic_key": Kind.TEXT,
        "state_timestamp": Kind.TIME,
        "state_id": Kind.UUID,
        "field_stamps": JSON(dict[str, Stamp]),
        "deleted": Kind.BOOLEAN,
        "waits": Kind.BOOLEAN,
        **dict.fromkeys(_NULLABLE, Kind.BOOLEAN),
    },
)

_STORED_COLUMNS = f"""
    SELECT id, flow_run_id, task_key, dynamic_key, state_timestamp, state_id, field_stamps,
        deleted_at IS NOT NULL OR NOT {shown("task_runs.flow_run_id")},
        COALESCE(state_type = 'SCHEDULED', FALSE), {", ".join(f"{field} IS NOT NULL" for field in _NULLABLE)}
    FROM task_runs
"""

# By id, and by natural key. Locked in the order of ids, so that two batches about the same runs wait for
# each other instead of deadlocking.
_STORED = Statement(
    _STORED_COLUMNS
    + """
    WHERE id IN (
        SELECT unnest($1::uuid[])
        UNION ALL
        SELECT t.id FROM jsonb_array_elements($2::jsonb) k JOIN task_runs t
            ON t.flow_run_id = (k->>0)::uuid AND t.task_key = k->>1 AND t.dynamic_key = k->>2
        WHERE t.deleted_at IS NULL
        UNION ALL
        SELECT t.id FROM jsonb_array_elements($2::jsonb) k JOIN task_runs t
            ON t.flow_run_id IS NULL AND t.task_key = k->>1 AND t.dynamic_key = k->>2
        WHERE t.deleted_at IS NULL AND k->>0 IS NULL
    )
    ORDER BY id FOR NO KEY UPDATE
    """,
    sqlite=_STORED_COLUMNS
    + """
    WHERE id IN (
        SELECT value FROM json_each($1)
        UNION ALL
        SELECT t.id FROM json_each($2) k JOIN task_runs t
            ON t.flow_run_id = json_extract(k.value, '$[0]') AND t.task_key = json_extract(k.value, '$[1]')
            AND t.dynamic_key = json_extract(k.value, '$[2]')
        WHERE t.deleted_at IS NULL
        UNION ALL
        SELECT t.id FROM json_each($2) k JOIN task_runs t
            ON t.flow_run_id IS NULL AND t.task_key = json_extract(k.value, '$[1]')
            AND t.dynamic_key = json_extract(k.value, '$[2]')
        WHERE t.deleted_at IS NULL AND json_extract(k.value, '$[0]') IS NULL
    )
    """,
)

_FLOW_RUNS = Statement(
    f"SELECT id FROM flow_runs WHERE id = ANY($1::uuid[]) AND deleted_at IS NULL AND {shown('flow_runs.id')}",
    sqlite="SELECT id FROM flow_runs"
    f" WHERE id IN (SELECT value FROM json_each($1)) AND deleted_at IS NULL AND {shown('flow_runs.id')}",
)
_STATES = Statement(
    "SELECT id FROM task_run_states WHERE id = ANY($1::uuid[])",
    sqlite="SELECT id FROM task_run_states WHERE id IN (SELECT value FROM json_each($1))",
)
_IDS = Reader(_id, {"id": Kind.UUID})

_NEW_RUN = (
    "id",
    "created",
    "updated",
    "flow_run_id",
    "task_key",
    "dynamic_key",
    *FIELDS,
    *_STATE_COLUMNS,
    "field_stamps",
)
_NEW_STATE = ("id", "created", "task_run_id", "type", "name", "timestamp", "message", "data", "state_details")

_CHANGED = (*FIELDS, *_STATE_COLUMNS)
_STATE_TYPE = 4 + _CHANGED.index("state_type")
_TERMINAL = ", ".join(f"'{type.value}'" for type in sorted(TERMINAL_STATES))
_HELD = f"CASE WHEN ${_STATE_TYPE} IN ({_TERMINAL}) THEN NULL ELSE {{column}} END"
"""Who executed a run that is over has it no more."""
_UPDATE = Statement(
    f"""
    UPDATE task_runs SET updated = $2, field_stamps = $3,
        deadline = {_HELD.format(column="deadline")}, lease_id = {_HELD.format(column="lease_id")},
        {", ".join(f"{column} = COALESCE(${number}, {column})" for number, column in enumerate(_CHANGED, start=4))}
    WHERE id = $1
    """
)


async def stored(transaction: Connection, reports: Sequence[Report]) -> list[Stored]:
    """The rows that have the id or the natural key of one of the reports, locked until the transaction ends."""
    ids = {report.task_run_id for report in reports}
    keys = {key_of(report) for report in reports}
    rows = await transaction.fetch(_STORED, list(ids), encode_text(list(keys)))
    return _ROWS.all(rows, transaction.dialect)


async def existing_flow_runs(transaction: Connection, reports: Sequence[Report], stored: Sequence[Stored]) -> set[UUID]:
    """Those of the flow runs that exist, of the reports about task runs that are not stored."""
    known = {row.id for row in stored}
    ids = {r.flow_run_id for r in reports if r.flow_run_id is not None and r.task_run_id not in known}
    return await _existing(transaction, _FLOW_RUNS, ids)


async def insert_runs(transaction: Connection, runs: Sequence[NewRun], moment: datetime) -> None:
    if runs:
        rows = ((run.id, moment, moment, *run.key, *_values(run.change, _DEFAULTS)) for run in runs)
        await transaction.insert_many("task_runs", _NEW_RUN, rows)


async def update_runs(transaction: Connection, runs: Sequence[ChangedRun], moment: datetime) -> None:
    if runs:
        rows: list[tuple[Any, ...]] = []
        for run in runs:
            *columns, field_stamps = _values(run.change, {})
            rows.append((run.id, moment, field_stamps, *columns))
        await transaction.execute_many(_UPDATE, rows)


async def insert_states(transaction: Connection, states: Sequence[NewState], moment: datetime) -> None:
    """Add the states that are not there yet: an event that comes twice has the same id twice."""
    if not states:
        return
    by_id = {new.state.id: new for new in states}
    for id in await _existing(transaction, _STATES, by_id):
        del by_id[id]
    rows = [_state_row(new, moment) for new in by_id.values()]
    await transaction.insert_many("task_run_states", _NEW_STATE, rows)


async def _existing(transaction: Connection, statement: Statement, ids: Collection[UUID]) -> set[UUID]:
    if not ids:
        return set()
    return set(_IDS.all(await transaction.fetch(statement, list(ids)), transaction.dialect))


def _values(change: Change, defaults: Mapping[str, Any]) -> list[Any]:
    """The values of FIELDS, of the state's columns and of the stamps; None for what does not change."""
    values: list[Any] = []
    for field in FIELDS:
        value = change.values.get(field)
        if value is None:
            value = defaults.get(field)
        values.append(value if value is None or field not in _DOCUMENTS else encode_text(value))
    state = change.state
    values.extend((None,) * 4 if state is None else (state.id, state.type.value, state.name, state.timestamp))
    values.append(encode_text(change.field_stamps) if change.field_stamps else None)
    return values


def _state_row(new: NewState, moment: datetime) -> tuple[Any, ...]:
    state = new.state
    data = None if state.data is None else encode_text(state.data)
    details = state.details
    details.flow_run_id, details.task_run_id = new.flow_run_id, new.task_run_id
    return (
        state.id,
        moment,
        new.task_run_id,
        state.type.value,
        state.name,
        state.timestamp,
        state.message,
        data,
        encode_text(details),
    )
