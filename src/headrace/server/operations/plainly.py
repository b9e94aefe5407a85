"""Dealing with plain batches: flow runs that are deleted or given back by the thousand, without looking at each."""

from typing import assert_never

from headrace.server.operations import claims
from headrace.server.operations.progress import note_changed
from headrace.server.operations.records import Record
from headrace.server.store.base import Connection, Store
from headrace.server.trash import plain
from headrace.server.trash.plain import Counts, Stretch
from headrace.wire.errors import ServiceUnavailable
from headrace.wire.operations import OperationKind, OperationNoun
from headrace.wire.times import now

_IN_VAIN = 2
"""After so many batches in a row that were not plain, the rest is taken not to be either."""


class Plainly:
    """One operation of this process. `may` says whether its next batch is worth trying."""

    def __init__(self, store: Store, record: Record) -> None:
        self._store = store
        self._in_vain = 0
        match record.kind:
            case OperationKind.DELETE:
                fits = True
            case OperationKind.RESTORE:
                fits = record.undoes is not None
            case OperationKind.PURGE | OperationKind.CANCEL | OperationKind.RETRY | OperationKind.SET_STATE:
                fits = False
            case _:
                assert_never(record.kind)
        self._fits = fits and record.noun is OperationNoun.FLOW_RUNS

    def may(self, record: Record, upto: int) -> bool:
        """Whether the items up to that position are worth trying."""
        return self._fits and self._in_vain < _IN_VAIN and upto > record.position

    async def deal(self, record: Record, upto: int) -> bool | None:
        """Deal with the items up to a position; False if the operation is another's, None if the batch is not plain."""
        try:
            async with self._store.bulk() as transaction:
                locked = await claims.lock(transaction, self._store, record.id)
                if locked is None or locked.abort_requested:
                    return locked is not None
                stretch = Stretch(locked.source, locked.position, upto)
                counts = await self._change(transaction, locked, stretch)
                await note_changed(transaction, self._store, locked, upto, stretch.size, counts)
        except ServiceUnavailable:
            raise
        except Exception:
            # Where it is more than not plain, the items' own dealing finds the one that is to blame.
            self._in_vain += 1
            return None
        self._in_vain = 0
        return True

    async def _change(self, transaction: Connection, record: Record, stretch: Stretch) -> Counts:
        if record.kind is OperationKind.DELETE:
            return await plain.remove(transaction, record.id, stretch, now())
        assert record.undoes is not None
        return await plain.restore(transaction, record.undoes, stretch, now())
