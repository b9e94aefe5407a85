"""Runs that are not over, for those who delete only what is."""

from collections.abc import Sequence
from uuid import UUID

from headrace.server.store.base import Connection
from headrace.server.trash.chosen import LOCK, chosen
from headrace.server.trash.marking import IDS
from headrace.wire.operations import OperationNoun
from headrace.wire.states import TERMINAL_STATES

_OVER = ", ".join(f"'{type_.value}'" for type_ in sorted(TERMINAL_STATES))
_LOCKED = {
    noun: chosen(
        f"SELECT id, coalesce(state_type IN ({_OVER}), false) FROM {noun} WHERE id {{among}} ORDER BY id {{lock}}",
        lock=LOCK,
    )
    for noun in (OperationNoun.FLOW_RUNS, OperationNoun.TASK_RUNS)
}


async def lock(transaction: Connection, noun: OperationNoun, ids: Sequence[UUID]) -> list[UUID]:
    """Those of these that are not over; none of them begins, or begins anew, before the transaction ends."""
    if noun not in _LOCKED:
        return []
    rows = await transaction.fetch(_LOCKED[noun], list(ids))
    return IDS.all([row[:1] for row in rows if not row[1]], transaction.dialect)
