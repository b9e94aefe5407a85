"""Leases of flow runs that go on: a sign of life moves the run's deadline on and changes nothing else of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from headrace.rules.leases import Told, told
from headrace.rules.lost_runs import HEARTBEATS
from headrace.server.flow_runs import queries
from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.rows import Kind, Reader
from headrace.wire.errors import ObjectNotFound, ServiceUnavailable
from headrace.wire.leases import Directive, Lease, LeaseRenewal
from headrace.wire.states import StateType

_ATTEMPTS = 10


def _deadline(*, deadline: datetime | None) -> datetime | None:
    return deadline


_DEADLINES: Reader[datetime | None] = Reader(_deadline, {"deadline": Kind.TIME})

# A run that waits in its process for the next attempt is as alive as one that runs.
_RENEW = Statement(
    """
    UPDATE flow_runs SET deadline = $2, lease_seconds = $3, lease_holder = $4
    WHERE id = $1 AND deleted_at IS NULL AND (
        state_type = 'RUNNING' OR state_type = 'SCHEDULED' AND empirical_policy ->> 'retry_type' = 'in_process'
    )
    RETURNING state_type, state_name
    """
)
_DEADLINE = Statement("SELECT deadline FROM flow_runs WHERE id = $1")


async def renew(connection: Connection, id: UUID, renewal: LeaseRenewal, moment: datetime) -> Lease:
    """Note a sign of life of a run, and say what its process is to do. Raises `ObjectNotFound` where the run is gone.

    It is one statement while the run goes on. Whoever ends a run for want of a sign waits for it, and sees it.
    """
    until = moment + timedelta(seconds=renewal.seconds)
    for _ in range(_ATTEMPTS):
        row = await connection.fetch_one(_RENEW, id, until, renewal.seconds, renewal.holder)
        if row is not None:
            return Lease(directive=Directive.GO_ON, state_type=StateType(row[0]), state_name=row[1], deadline=until)
        run = await queries.load(connection, id)
        if run is None:
            raise ObjectNotFound(f"Flow run with id {id} not found")
        said = told(run.state, run.empirical_policy)
        if not said.renews:
            return await _answer(connection, run, said)
    raise ServiceUnavailable(f"The flow run {id} is being changed by too many callers at once. Try again.")


# A run that renews a lease of its own is not held to its heartbeats. One whose pace this process does not know yet is
# given as long as it was given before.
_BEAT_TEXT = """
    UPDATE flow_runs SET
        lease_holder = '{holder}', lease_seconds = COALESCE({given}, lease_seconds, {unknown}),
        deadline = {until}
    WHERE id = $1 AND deleted_at IS NULL AND (lease_seconds IS NULL OR lease_holder = '{holder}') AND (
        state_type = 'RUNNING' OR state_type = 'SCHEDULED' AND empirical_policy ->> 'retry_type' = 'in_process'
    )
"""
_BEAT = Statement(
    _BEAT_TEXT.format(
        holder=HEARTBEATS,
        given="$3::float8",
        unknown="$4::float8",
        until="$2::timestamptz + make_interval(secs => COALESCE($3::float8, lease_seconds, $4::float8))",
    ),
    sqlite=_BEAT_TEXT.format(
        holder=HEARTBEATS,
        given="$3",
        unknown="$4",
        until="$2 + CAST(COALESCE($3, lease_seconds, $4) * 1000000 AS INTEGER)",
    ),
)


async def beat(store: Store, beats: Mapping[UUID, float | None], unknown: float, moment: datetime) -> None:
    """Let runs whose heartbeats came live on for so many seconds, or `unknown` if their pace has never been known."""
    async with store.transaction() as transaction:
        rows = [(id, moment, beats[id], unknown) for id in sorted(beats)]
        await transaction.execute_many(_BEAT, rows)


async def _answer(connection: Connection, run: queries.Orchestrated, said: Told) -> Lease:
    """What a process hears whose run does not go on in it as it thinks."""
    deadlines = _DEADLINES.all(await connection.fetch(_DEADLINE, run.id), connection.dialect)
    return Lease(
        directive=said.directive,
        state_type=None if run.state is None else run.state.type,
        state_name=None if run.state is None else run.state.name,
        deadline=next(iter(deadlines), None),
        reason=said.reason,
    )
