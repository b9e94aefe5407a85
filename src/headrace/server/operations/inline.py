"""What the routes of other nouns delete: as an operation, so that it can be undone.

Operations are imported when something is deleted: a process that records its own runs needs none.
"""

from collections.abc import Sequence
from uuid import UUID

from headrace.server.context import Context
from headrace.wire.operations import OperationNoun


async def delete(ctx: Context, noun: OperationNoun, ids: Sequence[UUID]) -> list[UUID]:
    """Delete those of these objects that are live, with what belongs to them; returns their ids, in the given order."""
    if not ids:
        return []
    from headrace.server.operations.authors import author_of
    from headrace.server.operations.deleting import delete_now

    deleted = set(await delete_now(ctx.store, ctx.settings, noun, ids, author_of(ctx)))
    return [id for id in ids if id in deleted]
