"""Ends the history of firings whose time is over, with their actions; what is still to be done is kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from headrace.server.automations.actions import queries
from headrace.server.store.base import Connection, Row, Store
from headrace.server.store.batches import batch_delete

BATCH = 500


async def trim(store: Store, keep: timedelta, now: datetime) -> bool:
    """End one batch of firings that are older than `keep`; True if there may be more."""
    ended = await batch_delete(
        store,
        "automation_firings",
        queries.FIRING_IS_OVER,
        now - keep,
        order="fired_at",
        following=_end_actions,
        batch_size=BATCH,
        batches=1,
    )
    return ended == BATCH


async def _end_actions(transaction: Connection, rows: Sequence[Row]) -> None:
    await transaction.execute(queries.END_ACTIONS_OF, [row[0] for row in rows])
