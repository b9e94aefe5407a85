"""Carrying an operation out, batch by batch: each is a transaction that also says how far the operation is.

So an operation goes on where it was, whoever dies when. A batch that fails is split in halves until the item that is
to blame stands alone, and is noted with its error.
"""

from collections.abc import Iterable, Sequence
from time import perf_counter
from uuid import UUID

from headrace.server.operations import claims, conflicts, ending, events, items, queries, stepping, stragglers
from headrace.server.operations.kinds import delete, purge, restore
from headrace.server.operations.kinds.outcomes import Batch, Outcome
from headrace.server.operations.plainly import Plainly
from headrace.server.operations.progress import failure, note
from headrace.server.operations.records import Record
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.operations import ConflictResolution, OperationItem, OperationKind, OperationNoun, OperationStatus
from headrace.wire.times import now

FIRST_SIZE, LEAST = 2_000, 10
"""Items in a batch."""
BATCH_SECONDS = 0.1
"""How long a batch should take at most, for the sake of those who wait for it."""

_BATCHWISE = {
    OperationKind.DELETE: delete.carry_out,
    OperationKind.RESTORE: restore.carry_out,
    OperationKind.PURGE: purge.carry_out,
}


class Pace:
    """How many items the next batch has: as many as were dealt with in time."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = min(FIRST_SIZE, most)

    def note(self, items: int, seconds: float) -> None:
        """A batch has taken so long."""
        if seconds > 2 * BATCH_SECONDS:
            self.size = min(max(LEAST, self.size // 2), self._most)
        elif items >= self.size and seconds < BATCH_SECONDS:
            self.size = min(self._most, self.size * 2)


class Carrying:
    """One operation of this process, which has claimed it."""

    def __init__(self, store: Store, settings: Settings, record: Record) -> None:
        self._store, self._settings, self._id = store, settings, record.id
        self._plainly = Plainly(store, record)
        self._pace = Pace(settings.server.services.operations.batch_size)
        self._bound: int | None = None

    async def step(self, record: Record) -> bool:
        """Deal with the next batch, or end it; False if it is over, or not this process's any more."""
        if record.started is None:
            return await self._begin(record)
        if record.abort_requested:
            return await self._end(record)
        started = perf_counter()
        upto = await self._upto(record)
        going_on = await self._plainly.deal(record, upto) if self._plainly.may(record, upto) else None
        if going_on is not None:
            self._pace.note(upto - record.position, perf_counter() - started)
            return going_on
        batch = await self._next(record)
        if not batch:
            return await self._end(record)
        started = perf_counter()
        going_on = await self._deal(record, batch)
        self._pace.note(len(batch), perf_counter() - started)
        return going_on

    async def _begin(self, record: Record) -> bool:
        moment = now()
        async with self._store.transaction() as transaction:
            locked = await claims.lock(transaction, self._store, self._id)
            if locked is None:
                return False
            await transaction.execute(queries.BEGIN, self._id, moment)
            await events.tell(transaction, locked, OperationStatus.RUNNING, moment)
        record.started = moment
        if record.kind is OperationKind.RESTORE and record.options.on_conflict is ConflictResolution.FAIL:
            return not await conflicts.fail(self._store, self._settings, record)
        return True

    async def _last_position(self, record: Record) -> int:
        if self._bound is None:
            self._bound = await items.last_position(self._store, record)
        return self._bound

    async def _upto(self, record: Record) -> int:
        """The last position of the next batch, if no position is left out."""
        last = record.total if record.items_of is None else await self._last_position(record)
        return min(record.position + self._pace.size, last)

    async def _next(self, record: Record) -> list[OperationItem]:
        """The next items: those that come first, and then those that are tried again."""
        bound = await self._last_position(record)
        found = await items.following(self._store, record, record.position, bound, self._pace.size)
        return found or await items.again(self._store, record, self._pace.size)

    async def _end(self, record: Record) -> bool:
        keep = self._settings.server.trash.keep_seconds
        status = OperationStatus.ABORTED if record.abort_requested else OperationStatus.COMPLETED
        async with self._store.transaction() as transaction:
            locked = await claims.lock(transaction, self._store, self._id)
            if locked is None:
                return False
            if locked.abort_requested == record.abort_requested:
                if not locked.abort_requested and await stragglers.add(transaction, locked):
                    return True
                await ending.finish(transaction, locked, status, now(), keep_seconds=keep)
                return False
        return True

    async def _deal(self, record: Record, batch: Sequence[OperationItem]) -> bool:
        if record.kind in stepping.PROPOSING:
            return await stepping.deal(self._store, self._settings, record, batch)
        try:
            return await self._deal_at_once(batch)
        except ServiceUnavailable:
            raise
        except Exception as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                return await self._deal(record, batch[:middle]) and await self._deal(record, batch[middle:])
            return await self._note_failure(record, batch[0], error)

    async def _deal_at_once(self, batch: Sequence[OperationItem]) -> bool:
        moment = now()
        async with self._store.bulk() as transaction:
            record = await claims.lock(transaction, self._store, self._id)
            if record is None or record.abort_requested:
                return record is not None
            outcomes: list[Outcome] = []
            for noun, ids in _by_noun(batch):
                part = Batch(record, noun, ids, moment, self._settings)
                outcomes.append(await _BATCHWISE[record.kind](transaction, part))
            await note(transaction, self._store, record, batch, outcomes)
        return True

    async def _note_failure(self, record: Record, item: OperationItem, error: Exception) -> bool:
        told = failure(record, item.id, error)
        async with self._store.transaction() as transaction:
            locked = await claims.lock(transaction, self._store, self._id)
            if locked is None:
                return False
            await note(transaction, self._store, locked, [item], [Outcome(0, {item.id: told}, {})])
        return True


def _by_noun(batch: Iterable[OperationItem]) -> list[tuple[OperationNoun, list[UUID]]]:
    """The ids of each noun, sorted: whoever changes the same objects waits for us, and not in a circle."""
    found: dict[OperationNoun, set[UUID]] = {}
    for item in batch:
        found.setdefault(item.noun, set()).add(item.id)
    return [(noun, sorted(ids, key=_number)) for noun, ids in found.items()]


def _number(id: UUID) -> int:
    return id.int  # ten times as fast to compare as the ids themselves
