"""Who works on an operation: a server's process, for as long as it renews its claim.

A process that is killed stops renewing, and another one, or the same after a restart, carries on where it was. Each
batch begins by locking the operation's row, so that a claim that runs out meanwhile does no harm.
"""

import os
import secrets
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakKeyDictionary

from headrace.server.operations import queries
from headrace.server.operations.records import RECORDS, Record
from headrace.server.store.base import Connection, Store

LEASE = timedelta(seconds=5)
AT_ONCE = 100
"""Operations that one process works on in turn."""

_holders: WeakKeyDictionary[Store, str] = WeakKeyDictionary()


def holder(store: Store) -> str:
    """The name under which this process claims operations of a store."""
    known = _holders.get(store)
    if known is None:
        known = _holders[store] = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
    return known


async def claim(store: Store, now: datetime) -> list[Record]:
    """The open operations that nobody else works on, oldest first; they are this process's for a while."""
    async with store.transaction() as transaction:
        rows = await transaction.fetch(queries.CLAIM, holder(store), now, now + LEASE, AT_ONCE)
    return sorted(RECORDS.all(rows, store.dialect), key=lambda record: (record.created, record.id))


async def lock(transaction: Connection, store: Store, id: UUID) -> Record | None:
    """An operation that this process works on, locked; None if it is over, or another's by now."""
    row = await transaction.fetch_one(queries.LOCK_HELD, id, holder(store))
    return None if row is None else RECORDS.one(row, transaction.dialect)


async def renew(store: Store, ids: Iterable[UUID], now: datetime) -> None:
    """Keep them for another while."""
    await store.execute_many(queries.RENEW, [(id, holder(store), now + LEASE) for id in ids])


async def release(connection: Connection, store: Store, id: UUID) -> None:
    """Let whoever is there carry on at once."""
    await connection.execute(queries.RELEASE, id, holder(store))
