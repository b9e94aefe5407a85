"""Operations in tests that see every batch: accepted by one process, carried out tick by tick by another."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from headrace.server.operations import freezing, service
from headrace.server.operations.authors import Author
from headrace.server.operations.worker import Operations
from headrace.server.store import make_store
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.settings.services import OperationsSettings
from headrace.wire.operations import Operation, OperationCreate, OperationUndo
from headrace.wire.times import now

_LATER = timedelta(minutes=1)
_PATIENCE, _LOOK = 30, 0.001


def in_batches(settings: Settings, size: int) -> Settings:
    """The settings, with batches of so many items."""
    services = msgspec.structs.replace(settings.server.services, operations=OperationsSettings(batch_size=size))
    return msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, services=services))


async def accept(store: Store, key: str | None = None, **body: Any) -> Operation:
    """An operation that nobody carries out yet; a delete unless it says otherwise."""
    wanted = msgspec.convert({"kind": "delete", **body}, OperationCreate)
    return await service.create(store, wanted, Author(), now(), key)


async def undo(store: Store, id: UUID, **how: Any) -> Operation:
    """Its undoing, which nobody carries out yet."""
    return await service.undo(store, id, msgspec.convert(how, OperationUndo), Author(), now())


async def read(store: Store, id: UUID) -> Operation:
    """The operation as it is now."""
    return await service.read(store, id, now())


async def tick(worker: Operations, *, later: bool = False) -> bool:
    """One tick, once what is being frozen is frozen; `later` is when the claims of others have run out."""
    more = await worker.tick_at(now() + _LATER if later else now())
    await freezing.settle(worker.store)
    return more


async def finish(worker: Operations, id: UUID, *, later: bool = False) -> Operation:
    """Tick until the operation has ended."""
    await freezing.settle(worker.store)
    async with asyncio.timeout(_PATIENCE):
        while True:
            operation = await read(worker.store, id)
            if operation.finished is not None:
                return operation
            if not await tick(worker, later=later):
                await asyncio.sleep(_LOOK)


@asynccontextmanager
async def another_process(settings: Settings) -> AsyncGenerator[Store]:
    """A store of another process on the same database, which knows nothing of what the first one is at."""
    store = make_store(settings)
    await store.open()
    yield store
    await store.close()
