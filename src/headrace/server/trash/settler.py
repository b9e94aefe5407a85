"""The service that marks what has been hidden for long, so that reads walk over it no more.

Undoing what is hidden takes moments, and most is undone soon if at all; so runs stay hidden for a while.
"""

import asyncio
from datetime import datetime, timedelta
from time import perf_counter
from typing import ClassVar
from uuid import UUID

from headrace.server.latency.meter import meter_of
from headrace.server.services.exclusive import ExclusiveService
from headrace.server.store.base import Dialect, Statement, Topic
from headrace.server.trash import settling
from headrace.server.trash.marking import IDS
from headrace.wire.times import now, to_micros

AT_ONCE = 500
"""Runs that are marked in one transaction, with what belongs to them."""
_MOST_DEAD = 1_000
"""From so many rows on that are gone and still in the way, PostgreSQL is asked to clear them off at once."""

# Ids of operations begin with their time.
_OLDEST = Statement("SELECT id FROM hidden_runs WHERE operation_id < $1 ORDER BY operation_id, id LIMIT $2")
_COUNT = Statement("SELECT count(*) FROM hidden_runs")
_DEAD = Statement("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'hidden_runs'")
_ANY_OPERATION = UUID(int=2**128 - 1)


class Settler(ExclusiveService):
    """Marks the runs that were hidden first: those hidden for so long, and those beyond so many."""

    name: ClassVar[str] = "settler"
    topic: ClassVar[Topic | None] = Topic.OPERATIONS
    interval = 10.0

    async def tick(self) -> bool:
        """Mark a batch, and rest as long as that took; True if there is more."""
        return await self.tick_at(now())

    async def tick_at(self, moment: datetime) -> bool:
        """The same at another moment."""
        began, trash = perf_counter(), self.settings.server.trash
        before = _first_id(moment - timedelta(seconds=trash.settle_after_seconds))
        ids = await self._oldest(before, AT_ONCE)
        if not ids:
            beyond = (await self.store.scan(_COUNT))[0][0] - trash.most_hidden
            ids = await self._oldest(_ANY_OPERATION, min(beyond, AT_ONCE)) if beyond > 0 else []
        if not ids:
            await self._clear_off()
            return False
        with meter_of(self.store).working():
            async with self.store.bulk() as transaction:
                await settling.settle(transaction, ids, moment)
        await asyncio.sleep(perf_counter() - began)
        return True

    async def _oldest(self, before: UUID, limit: int) -> list[UUID]:
        """Some runs hidden by operations with ids below this one, those of the oldest first."""
        return IDS.all(await self.store.scan(_OLDEST, before, limit), self.store.dialect)

    async def _clear_off(self) -> None:
        """What is hidden no more is still looked at by whoever asks whether anything is, until it is vacuumed."""
        if self.store.dialect is not Dialect.POSTGRES:
            return
        row = await self.store.fetch_one(_DEAD)
        if row is not None and row[0] > _MOST_DEAD:
            await self.store.give_back("hidden_runs", 0)


def _first_id(moment: datetime) -> UUID:
    """Below this are the ids that were made before."""
    return UUID(int=(to_micros(moment) // 1000) << 80)
