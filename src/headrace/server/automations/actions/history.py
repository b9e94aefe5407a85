"""What automations have done: their firings with what became of the actions, and trying a failed action again."""

from datetime import datetime
from uuid import UUID

from headrace.server.automations import service as automations
from headrace.server.automations.actions import queries
from headrace.server.store.base import Connection, Store, Topic
from headrace.wire.errors import Conflict, ObjectNotFound
from headrace.wire.firings import ActionRun, FiringPage, FiringRecord


async def firings_of(connection: Connection, automation_id: UUID, limit: int, before: UUID | None) -> FiringPage:
    """The newest firings of an automation, or those before one of them; also of one that has been deleted.

    Raises `ObjectNotFound` if there is neither the automation nor anything that it did.
    """
    statement, more = (queries.FIRINGS_OF, ()) if before is None else (queries.FIRINGS_BEFORE, (before,))
    rows = await connection.fetch(statement, automation_id, limit + 1, *more)
    found = queries.FIRINGS.all(rows, connection.dialect)
    if not found:
        await automations.read(connection, automation_id)
    shown = found[:limit]
    await _add_actions(connection, shown)
    return FiringPage(firings=shown, next=shown[-1].id if len(found) > limit and shown else None)


async def try_again(store: Store, action_id: UUID, now: datetime) -> ActionRun:
    """Have a failed action carried out once more, under the same invocation.

    Raises `ObjectNotFound`, and `Conflict` for an action that has not failed.
    """
    async with store.transaction() as transaction:
        changed = await transaction.execute(queries.AGAIN, action_id, now)
        row = await transaction.fetch_one(queries.ACTION, action_id)
        if row is None:
            raise ObjectNotFound("Action not found")
        found = queries.ACTIONS.one(row, transaction.dialect)
        if not changed:
            raise Conflict(f"Only an action that has failed can be tried again, this one is {found.status.value}.")
        transaction.announce(Topic.ACTIONS)
    return found


async def _add_actions(connection: Connection, firings: list[FiringRecord]) -> None:
    if not firings:
        return
    by_id = {firing.id: firing for firing in firings}
    rows = await connection.fetch(queries.ACTIONS_OF, list(by_id))
    for action in queries.ACTIONS.all(rows, connection.dialect):
        by_id[action.firing_id].actions.append(action)
