"""Many flow runs that enter states in one transaction, all locked before, in a few statements together.

Locks are taken in one order, so that nobody waits in a circle: flow runs by id, then task runs by id, then limits.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from headrace.rules.bookkeeping import FlowRunChanges
from headrace.rules.deadlines import deadline_of
from headrace.rules.effects import KeepLease, MirrorToParentTaskRun, ReleaseSlot
from headrace.rules.transitions import Entry, Policy, Proposal, decide
from headrace.server.concurrency import service as concurrency
from headrace.server.events import log
from headrace.server.events.log import LoggedEvent
from headrace.server.flow_runs import events, queries
from headrace.server.flow_runs.queries import ORCHESTRATED, WIDTH, Orchestrated
from headrace.server.flow_runs.relations import Relations
from headrace.server.states.proposals import Asker, entry_of
from headrace.server.states.reading import STATES, current_states
from headrace.server.states.rows import message_and_documents
from headrace.server.store.base import Connection, Statement
from headrace.server.store.hidden import shown
from headrace.server.store.rows import Kind, Reader
from headrace.server.task_runs import batches as task_runs
from headrace.wire.base import encode_text
from headrace.wire.states import State


class Entering(msgspec.Struct, frozen=True):
    """A run, locked, and what it enters."""

    run: Orchestrated
    entry: Entry[FlowRunChanges]

    @property
    def state(self) -> State:
        return self.entry.state


_CHOSEN, _CHOSEN_SQLITE = "{} = ANY($1::uuid[])", "{} IN (SELECT value FROM json_each($1))"
_LOCK_TEXT = f"SELECT id FROM flow_runs WHERE {{}} AND deleted_at IS NULL AND {shown('flow_runs.id')} ORDER BY id"
_LOCK = Statement(
    _LOCK_TEXT.format(_CHOSEN.format("id")) + " FOR NO KEY UPDATE",
    sqlite=_LOCK_TEXT.format(_CHOSEN_SQLITE.format("id")),
)
_LOAD_TEXT = f"""
    SELECT {ORCHESTRATED.columns("r")}, {STATES.columns("s")}
    FROM flow_runs r LEFT JOIN flow_run_states s ON s.id = r.state_id WHERE {{}} ORDER BY r.id
"""
_LOAD = Statement(
    _LOAD_TEXT.format(_CHOSEN.format("r.id")),
    sqlite=_LOAD_TEXT.format(_CHOSEN_SQLITE.format("r.id")),
)
_ENTER = Statement(
    """
    UPDATE flow_runs SET
        updated = $2, state_id = $3, state_type = $4, state_name = $5, state_timestamp = $6, run_count = $7,
        expected_start_time = $8, next_scheduled_start_time = $9, start_time = $10, end_time = $11,
        total_run_time = $12, empirical_policy = COALESCE($13, empirical_policy),
        deadline = $14, lease_seconds = $15, lease_holder = NULL
    WHERE id = $1
    """
)


def _id(*, id: UUID) -> UUID:
    return id


IDS = Reader(_id, {"id": Kind.UUID})


async def lock(transaction: Connection, ids: Iterable[UUID]) -> list[Orchestrated]:
    """The runs with these ids that are there, in the order of ids; nobody else changes them until the end."""
    locked = IDS.all(await transaction.fetch(_LOCK, list(ids)), transaction.dialect)
    return await load(transaction, locked)


async def load(connection: Connection, ids: Sequence[UUID]) -> list[Orchestrated]:
    """What the rules have to know about runs, in the order of ids."""
    if not ids:
        return []
    rows = await connection.fetch(_LOAD, list(ids))
    found = ORCHESTRATED.all([row[:WIDTH] for row in rows], connection.dialect)
    for run, state in zip(found, current_states(rows, WIDTH, connection.dialect), strict=True):
        run.state = state
    return found


def entering(
    policy: Policy[Orchestrated, FlowRunChanges], run: Orchestrated, state: State, asker: Asker
) -> Entering | None:
    """What a run enters when this state is proposed, by a policy that needs to know nothing else; None for nothing."""
    entry = entry_of(decide(policy, Proposal(run=run, state=state, now=asker.now)))
    return None if entry is None else Entering(run, entry)


async def enter(transaction: Connection, relations: Relations, entries: Sequence[Entering], asker: Asker) -> None:
    """Write the states of locked runs, what is told of them, their copies on tracking task runs, and free slots."""
    if not entries:
        return
    told: list[LoggedEvent] = []
    for one in entries:
        told.append(events.state_entered(one.run, one.entry, await relations.of(transaction, one.run)))
    await transaction.execute_many(_ENTER, [_run_row(one, asker) for one in entries])
    await transaction.execute_many(queries.ADD_STATE, [_state_row(one, asker) for one in entries])
    await log.append(transaction, told, asker.now)
    await _carry_out(transaction, entries, asker)


async def _carry_out(transaction: Connection, entries: Sequence[Entering], asker: Asker) -> None:
    copies: list[task_runs.Copy] = []
    freed: list[UUID] = []
    kept: list[UUID] = []
    for one in entries:
        for effect in one.entry.effects:
            match effect:
                case MirrorToParentTaskRun(task_run_id=task_run_id):
                    copies.append(task_runs.Copy(task_run_id, one.state, one.run.id))
                case ReleaseSlot(lease_id=lease_id):
                    freed.append(lease_id)
                case KeepLease(lease_id=lease_id):
                    kept.append(lease_id)
                case _:
                    continue
    await task_runs.mirror(transaction, copies, asker)
    await concurrency.end_leases(transaction, freed)
    for lease_id in kept:
        await concurrency.keep_lease(transaction, lease_id)


def _run_row(one: Entering, asker: Asker) -> tuple[object, ...]:
    changes = one.entry.changes
    policy = changes.empirical_policy
    deadline = deadline_of(one.state, one.run, policy or one.run.empirical_policy, asker.services)
    return (
        one.run.id,
        asker.now,
        *queries.bookkeeping(changes),
        None if policy is None else encode_text(policy),
        deadline.at,
        deadline.lease_seconds,
    )


def _state_row(one: Entering, asker: Asker) -> tuple[object, ...]:
    state = one.state
    kind, documents = state.type.value, message_and_documents(state)
    return state.id, asker.now, one.run.id, kind, state.name, state.timestamp, *documents
