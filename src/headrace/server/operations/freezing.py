"""Writing down what an operation applies to, as it was when the operation was accepted.

The ids are read from one view, which is opened before the request is answered, and written page by page while others
go on. Whoever takes over from a process that was killed meanwhile begins anew, with what was made before.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import datetime
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec

from headrace.server.latency.meter import meter_of
from headrace.server.operations import claims, ending, items, queries, selection
from headrace.server.operations.expanding import CONTAINERS, Expanding
from headrace.server.operations.items import Item
from headrace.server.operations.records import Record
from headrace.server.operations.selection import Selection
from headrace.server.store.base import Store, Topic, View
from headrace.wire.base import encode
from headrace.wire.errors import HeadraceError, ServiceUnavailable
from headrace.wire.operations import OperationKind, OperationStatus, Target
from headrace.wire.times import now

PAGE = 10_000
_IN_CONTAINERS = 100
"""Flows or deployments that are looked into at once."""
_VIEWS = 3
"""Views that are open at once for freezing: each keeps a connection."""

_log = logging.getLogger("headrace.server.operations")


class _Freezing:
    """What is being frozen in this process, over one store."""

    def __init__(self) -> None:
        self.tasks: dict[UUID, asyncio.Task[None]] = {}
        self.moments: dict[UUID, Moment] = {}
        self.places = asyncio.Semaphore(_VIEWS)


_freezing: WeakKeyDictionary[Store, _Freezing] = WeakKeyDictionary()


def _of(store: Store) -> _Freezing:
    return _freezing.setdefault(store, _Freezing())


class Moment:
    """A view that sees the database as it is now. Leave with `close`, or give it to `begin`."""

    def __init__(self, store: Store) -> None:
        self._store, self._stack = store, AsyncExitStack()
        self.view: View | None = None

    async def open(self) -> "Moment":
        """Wait for a place and open it; what is written from now on it does not see."""
        await self._stack.enter_async_context(_of(self._store).places)
        try:
            self.view = await self._stack.enter_async_context(self._store.view())
            await self.view.scan(queries.COUNT_OPEN)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Let it go."""
        await self._stack.aclose()


def begin(store: Store, record: Record, moment: Moment | None = None) -> asyncio.Task[None]:
    """Freeze an operation that this process has claimed, beside whatever else goes on."""
    freezing = _of(store)
    task = asyncio.create_task(_freeze(store, record, moment), name=f"freezing {record.id}")
    freezing.tasks[record.id] = task
    if moment is not None:
        freezing.moments[record.id] = moment
    task.add_done_callback(lambda _: freezing.tasks.pop(record.id, None))
    return task


def is_under_way(store: Store, id: UUID) -> bool:
    """Whether this process is freezing it."""
    return id in _of(store).tasks


async def wait(store: Store, id: UUID) -> None:
    """Until this process is not freezing it."""
    task = _of(store).tasks.get(id)
    if task is not None:
        await asyncio.wait((task,))


async def settle(store: Store) -> None:
    """Until nothing is being frozen in this process."""
    while tasks := list(_of(store).tasks.values()):
        await asyncio.wait(tasks)


async def stop(store: Store) -> None:
    """Leave what is being frozen to whoever comes next."""
    freezing = _of(store)
    tasks = list(freezing.tasks.values())
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for id in list(freezing.moments):  # a task that was cancelled before it began has closed nothing
        await freezing.moments.pop(id).close()


async def _freeze(store: Store, record: Record, moment: Moment | None) -> None:
    anew = moment is None
    try:
        if record.items_of is not None:
            return await _count(store, record)
        moment = moment or await Moment(store).open()
        try:
            with meter_of(store).working():
                await _write(store, record, moment, anew)
        finally:
            _of(store).moments.pop(record.id, None)
            await moment.close()
    except ServiceUnavailable as error:
        _log.warning("operation_not_frozen", extra={"operation_id": str(record.id), "error": str(error)})
        await _let_go(store, record.id)
    except Exception as error:
        expected = isinstance(error, HeadraceError)
        _log.error("operation_failed", extra={"operation_id": str(record.id)}, exc_info=None if expected else error)
        await _fail(store, record.id, f"What it applies to could not be written down: {error}")
    finally:
        store.announce(Topic.OPERATIONS)


async def _count(store: Store, record: Record) -> None:
    """An operation that undoes another has the items that are there already."""
    held = (record.id, claims.holder(store))
    await store.execute(queries.FROZEN_SO_FAR, *held, await items.count(store, record), 0, now() + claims.LEASE)
    await store.execute(queries.FROZEN, *held, now())


async def _write(store: Store, record: Record, moment: Moment, anew: bool) -> None:
    assert moment.view is not None
    holder, total = claims.holder(store), record.position  # what was dealt with in the request is written down
    if anew:
        async with store.transaction() as transaction:
            # Whoever began before may have come to the end meanwhile: then its items are those that count.
            if not await transaction.execute(queries.FROZEN_SO_FAR, record.id, holder, total, 0, now() + claims.LEASE):
                return
            await transaction.execute(queries.FORGET_ITEMS, record.id, total)
    async with aclosing(_ahead(_items(store, record, moment.view, anew))) as pages:
        async for page in pages:
            async with store.bulk() as transaction:
                held = (record.id, holder, total + len(page), 0, now() + claims.LEASE)
                if not await transaction.execute(queries.FROZEN_SO_FAR, *held):
                    return  # it was aborted, or another process goes on with it
                await items.add(transaction, record.id, page, total)
            total += len(page)
    await store.execute(queries.FROZEN, record.id, holder, now())


async def _ahead(pages: AsyncIterator[Sequence[Item]]) -> AsyncGenerator[Sequence[Item]]:
    """The same pages; while one is written, the next is read."""
    following = asyncio.ensure_future(anext(pages, None))
    try:
        while (page := await following) is not None:
            following = asyncio.ensure_future(anext(pages, None))
            yield page
    finally:
        following.cancel()
        await asyncio.wait((following,))


async def _items(store: Store, record: Record, view: View, anew: bool) -> AsyncIterator[Sequence[Item]]:
    """What it applies to, and what goes along, in pieces that one transaction can take."""
    named = await _given(store, record)
    expanding = Expanding(record, named, PAGE)
    size = _IN_CONTAINERS if record.noun in CONTAINERS else PAGE
    pages = _matching(store, record, view, anew, size) if named is None else _named(named, size)
    if named is not None and record.kind is OperationKind.PURGE:
        pages = _of_trash(store, record, view, pages)
    gathered: list[Item] = []
    async for ids in pages:
        async for page in expanding.pages(view, ids):
            gathered += page
            while len(gathered) >= PAGE:
                yield gathered[:PAGE]
                del gathered[:PAGE]
    if gathered:
        yield gathered


async def _named(packed: bytes, size: int) -> AsyncIterator[list[UUID]]:
    for start in range(0, len(packed), 16 * size):
        yield unpacked(packed[start : start + 16 * size])


async def _of_trash(
    store: Store, record: Record, view: View, pages: AsyncIterator[list[UUID]]
) -> AsyncIterator[list[UUID]]:
    """Those of named ids that are deleted: nothing else is removed for good."""
    trash = Selection(record.noun, {}, in_trash=True)
    async for ids in pages:
        statement, values = trash.bind(selection.AMONG, store.dialect, among=ids)
        yield selection.IDS.all(await view.scan(statement, *values), store.dialect)


async def _matching(store: Store, record: Record, view: View, anew: bool, size: int) -> AsyncIterator[list[UUID]]:
    target = msgspec.convert(record.target, Target)
    selected, after = Selection.of(record.kind, record.noun, target), selection.FIRST
    before: dict[str, datetime] = {"before": record.created} if anew else {}
    pages = selection.PAGES_BEFORE if anew else selection.PAGES
    while True:
        statement, values = selected.bind(pages, store.dialect, after=after, limit=size, **before)
        ids = selection.IDS.all(await view.scan(statement, *values), store.dialect)
        if ids:
            yield ids
        if len(ids) < size:
            return
        after = ids[-1]


async def _given(store: Store, record: Record) -> bytes | None:
    """The ids that the request named, if it did, packed, in order, each once."""
    if "count" not in record.target:
        return None
    row = await store.fetch_one(queries.GIVEN_IDS, record.id)
    return None if row is None else _in_order(bytes(row[0] or b""))


def packed(ids: Sequence[UUID]) -> bytes:
    """Ids, 16 bytes each; by way of their text, which is ten times as fast as one by one."""
    return bytes.fromhex(encode(ids).translate(None, b'[]",-').decode())


def _in_order(together: bytes) -> bytes:
    """Packed ids in the order in which the database has them, each once."""
    return b"".join(sorted({together[start : start + 16] for start in range(0, len(together), 16)}))


def unpacked(together: bytes) -> list[UUID]:
    """The ids again."""
    digits = together.hex()
    texts = [digits[start : start + 32] for start in range(0, len(digits), 32)]
    return msgspec.convert(texts, list[UUID])


async def _let_go(store: Store, id: UUID) -> None:
    try:
        await claims.release(store, store, id)
    except HeadraceError:
        return  # the claim runs out by itself


async def _fail(store: Store, id: UUID, error: str) -> None:
    async with store.transaction() as transaction:
        record = await claims.lock(transaction, store, id)
        if record is not None:
            await ending.finish(transaction, record, OperationStatus.FAILED, now(), error=error)
