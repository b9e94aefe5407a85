"""Many task runs that enter states in one transaction: copies of subflow runs' states, and ends of what is left open.

A state with which the server ends a task run that its client records is provisional: what the client reports later,
though it happened before, takes its place (`recording/folding.py`).
"""

from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import msgspec

from headrace.rules.bookkeeping import TaskRunChanges, enter_task_run, mirrored
from headrace.server.concurrency import service as concurrency
from headrace.server.states.proposals import Asker
from headrace.server.states.reading import STATES, current_states
from headrace.server.states.rows import message_and_documents
from headrace.server.store.base import Connection, Statement
from headrace.server.store.hidden import shown
from headrace.server.store.rows import Kind, Reader
from headrace.server.task_runs import queries
from headrace.server.task_runs.queries import ORCHESTRATED, WIDTH, Orchestrated
from headrace.server.task_runs.recording.folding import STATE_STAMP
from headrace.wire.base import encode_text
from headrace.wire.ids import uuid7
from headrace.wire.states import State, StateType
from headrace.wire.times import to_micros


class Copy(msgspec.Struct, frozen=True):
    """The state of a subflow run, for the task run that tracks it."""

    task_run_id: UUID
    state: State
    flow_run_id: UUID


class Open(msgspec.Struct, kw_only=True):
    """A task run that is not over, in a flow run."""

    id: UUID
    flow_run_id: UUID


class Entering(msgspec.Struct, frozen=True):
    """A run, locked, and the state it enters."""

    run: Orchestrated
    state: State
    changes: TaskRunChanges


_CHOSEN, _CHOSEN_SQLITE = "{} = ANY($1::uuid[])", "{} IN (SELECT value FROM json_each($1))"
_LOCK_TEXT = (
    f"SELECT id FROM task_runs WHERE {{}} AND deleted_at IS NULL AND {shown('task_runs.flow_run_id')} ORDER BY id"
)
_LOCK = Statement(
    _LOCK_TEXT.format(_CHOSEN.format("id")) + " FOR NO KEY UPDATE",
    sqlite=_LOCK_TEXT.format(_CHOSEN_SQLITE.format("id")),
)
_LOAD_TEXT = f"""
    SELECT {ORCHESTRATED.columns("r")}, {STATES.columns("s")}
    FROM task_runs r LEFT JOIN task_run_states s ON s.id = r.state_id WHERE {{}} ORDER BY r.id
"""
_LOAD = Statement(
    _LOAD_TEXT.format(_CHOSEN.format("r.id")),
    sqlite=_LOAD_TEXT.format(_CHOSEN_SQLITE.format("r.id")),
)
_OPEN = Reader(Open, {"id": Kind.UUID, "flow_run_id": Kind.UUID})
# The task run that tracks a subflow run ends with that. Background tasks run elsewhere, whoever has sent them off.
_FIND_TEXT = f"""
    SELECT {_OPEN.columns("t")} FROM task_runs t
    WHERE {{flow_runs}} AND {{states}} AND t.deleted_at IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM flow_runs c WHERE c.parent_task_run_id = t.id AND c.deleted_at IS NULL
            AND c.state_type IN ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
        )
        AND NOT EXISTS (
            SELECT 1 FROM task_run_states s WHERE s.task_run_id = t.id AND s.state_details ->> 'deferred' IS NOT NULL
        )
    LIMIT $3
"""
_FIND = Statement(
    _FIND_TEXT.format(flow_runs=_CHOSEN.format("t.flow_run_id"), states="t.state_type = ANY($2::text[])"),
    sqlite=_FIND_TEXT.format(
        flow_runs=_CHOSEN_SQLITE.format("t.flow_run_id"), states="t.state_type IN (SELECT value FROM json_each($2))"
    ),
)
_ENTER_TEXT = """
    UPDATE task_runs SET
        updated = $2, state_id = $3, state_type = $4, state_name = $5, state_timestamp = $6, run_count = $7,
        expected_start_time = $8, next_scheduled_start_time = $9, start_time = $10, end_time = $11,
        total_run_time = $12, flow_run_run_count = $13, field_stamps = {}
    WHERE id = $1
"""
_ENTER = Statement(_ENTER_TEXT.format("NULL"))
_ENTER_PROVISIONALLY = Statement(
    _ENTER_TEXT.format("$14::jsonb || COALESCE(field_stamps, '{}')"),
    sqlite=_ENTER_TEXT.format("json_patch($14, COALESCE(field_stamps, '{}'))"),
)


def _id(*, id: UUID) -> UUID:
    return id


_IDS = Reader(_id, {"id": Kind.UUID})

Decide = Callable[[Orchestrated], State | None]
"""The state that a locked task run is to enter, if any."""


async def find_open(
    connection: Connection, flow_run_ids: Collection[UUID], states: Collection[StateType], limit: int
) -> list[Open]:
    """Task runs in these states that end with one of these flow runs, at most so many."""
    if not flow_run_ids or limit <= 0:
        return []
    wanted = [state.value for state in states]
    rows = await connection.fetch(_FIND, list(flow_run_ids), wanted, limit)
    return _OPEN.all(rows, connection.dialect)


async def end(transaction: Connection, ids: Collection[UUID], decide: Decide, asker: Asker) -> int:
    """Lock task runs and have each enter, provisionally, the state that is decided; returns how many did."""
    runs = await _lock(transaction, ids)
    entries = [_entering(run, state) for run in runs if (state := decide(run)) is not None]
    if not entries:
        return 0
    rows = [(*_run_row(one, asker), encode_text({STATE_STAMP: _stamp(one.run)})) for one in entries]
    await transaction.execute_many(_ENTER_PROVISIONALLY, rows)
    await _add_states(transaction, entries, asker)
    await _free_slots(transaction, entries)
    return len(entries)


async def mirror(transaction: Connection, copies: Sequence[Copy], asker: Asker) -> None:
    """Put copies of subflow runs' states onto the task runs that track them, where these still exist."""
    by_id = {copy.task_run_id: copy for copy in copies}
    entries: list[Entering] = []
    for run in await _lock(transaction, by_id):
        copy = by_id[run.id]
        entries.append(_entering(run, mirrored(copy.state, copy.flow_run_id, uuid7())))
    if entries:
        await transaction.execute_many(_ENTER, [_run_row(one, asker) for one in entries])
        await _add_states(transaction, entries, asker)
        await _free_slots(transaction, entries)


async def _lock(transaction: Connection, ids: Collection[UUID]) -> list[Orchestrated]:
    if not ids:
        return []
    locked = _IDS.all(await transaction.fetch(_LOCK, list(ids)), transaction.dialect)
    rows = await transaction.fetch(_LOAD, locked) if locked else []
    found = ORCHESTRATED.all([row[:WIDTH] for row in rows], transaction.dialect)
    for run, state in zip(found, current_states(rows, WIDTH, transaction.dialect), strict=True):
        run.state = state
    return found


def _entering(run: Orchestrated, state: State) -> Entering:
    stored, changes = enter_task_run(run, state)
    return Entering(run, stored, changes)


def _stamp(run: Orchestrated) -> tuple[int, UUID]:
    """When the state was told that the run was in before, for those who compare what is told later."""
    state = run.state
    return (0, UUID(int=0)) if state is None else (to_micros(state.timestamp), state.id)


async def _add_states(transaction: Connection, entries: Sequence[Entering], asker: Asker) -> None:
    rows: list[tuple[object, ...]] = []
    for one in entries:
        state = one.state
        kind, documents = state.type.value, message_and_documents(state)
        rows.append((state.id, asker.now, one.run.id, kind, state.name, state.timestamp, *documents))
    await transaction.execute_many(queries.ADD_STATE, rows)


async def _free_slots(transaction: Connection, entries: Sequence[Entering]) -> None:
    ended = [one.run.id for one in entries if one.state.type not in (StateType.RUNNING, StateType.CANCELLING)]
    await concurrency.end_held(transaction, "task_run", ended)


def _run_row(one: Entering, asker: Asker) -> tuple[object, ...]:
    return one.run.id, asker.now, *queries.bookkeeping(one.changes)
