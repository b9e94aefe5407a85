"""One reader of a log for all of a process's subscribers.

The `Tail` follows the end of the log while somebody listens and keeps its newest items in a ring. A `Follower` is one
subscriber's place: it reads the ring, or the database where it has fallen behind it, so a slow subscriber costs no
memory and loses nothing. Only rows that retention has removed can be missed, and then the follower says so.

    async with tail.listening(changed):
        follower = tail.follow()
        while True:
            changed.clear()
            reading = await follower.read(100)
            ...
            if not reading.items:
                await changed.wait()
"""

import asyncio
import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from typing import Generic, Protocol, TypeVar

import msgspec

from headrace.server.http.sockets import TextFrame
from headrace.server.store.base import Listener, Row
from headrace.server.streams.positions import WHOLE, Position
from headrace.wire.base import encode_text
from headrace.wire.errors import HeadraceError, InternalError

GATHER = 0.01
"""Seconds between two looks at a busy log: what is committed meanwhile is read at once."""

POLL = 0.05
"""Seconds between two looks at a quiet log; they find what other processes have written."""

RING_ITEMS, RING_BYTES = 4096, 16 * 1024 * 1024
"""What the ring holds at most."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_log = logging.getLogger("headrace.server.streams")

Value = TypeVar("Value")


class Item(Generic[Value]):
    """One thing of a log with its place, which is behind it; `size` is about what it takes in memory, in bytes.

    `kind` is what Prefect's streams call it: "event" or "log".
    """

    def __init__(self, kind: str, position: Position, value: Value, size: int) -> None:
        self.kind, self.position, self.value, self.size = kind, position, value, size

    @cached_property
    def text(self) -> str:
        """Its JSON, encoded once for all who send it."""
        return encode_text(self.value)

    @cached_property
    def frame(self) -> TextFrame:
        """It as Prefect's streams send it, made once for all who send it."""
        return TextFrame(f'{{"type":"{self.kind}","{self.kind}":{self.text}}}')


class Rows(Protocol):
    """Reads a log in order, and only what nothing will come before any more (`events.reading.Reader`)."""

    cursor: int

    @property
    def held_up(self) -> bool: ...

    async def read(self, limit: int) -> Sequence[Row]: ...


class Source(Protocol[Value]):
    """A log that can be followed. Rows begin with their number."""

    batch: int
    """How many rows are read at once."""

    def listener(self) -> Listener:
        """Wakes when this process has written to the log."""
        ...

    async def end(self) -> int:
        """The end of the log: nothing will come at or below this number any more."""
        ...

    def rows(self, after: int) -> Rows:
        """A reader that begins behind that number."""
        ...

    async def between(self, first: int, last: int, limit: int) -> Sequence[Row]:
        """The rows from `first` to `last`, both included, in order."""
        ...

    async def items(self, rows: Sequence[Row]) -> list[Item[Value]]:
        """What the rows hold, in order."""
        ...

    async def trimmed(self) -> int:
        """The highest number that retention has removed, 0 if none was."""
        ...

    async def drawn(self) -> int:
        """The highest number that was ever given to a row."""
        ...


class Gap(msgspec.Struct, frozen=True):
    """Rows between two places are not there any more, or never were in this database; `reason` says which."""

    start: Position
    end: Position
    reason: str


class Reading(msgspec.Struct, Generic[Value], frozen=True):
    """The next items of a follower, and what was lost before them. No items and no gap: it is at the end."""

    items: Sequence[Item[Value]] = ()
    gap: Gap | None = None


class Tail(Generic[Value]):
    """Follows one log for everybody in this process who listens; while nobody does, nothing runs."""

    def __init__(self, source: Source[Value], *, items: int = RING_ITEMS, size: int = RING_BYTES) -> None:
        self.source = source
        self.ring: Ring[Value] = Ring(items, size)
        self.reached = 0
        self._listeners: Counter[asyncio.Event] = Counter()
        self._switching = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def end(self) -> Position:
        """The place behind everything that was read."""
        return Position(self.reached)

    @property
    def running(self) -> bool:
        """Whether somebody listens."""
        return self._task is not None

    @asynccontextmanager
    async def listening(self, changed: asyncio.Event) -> AsyncGenerator[None]:
        """Have `changed` set whenever there is more to read, for the length of the block.

        The first to come waits until the end of the log is known; raises `ServiceUnavailable` if the database is away.
        """
        self._listeners[changed] += 1
        try:
            async with self._switching:
                if self._task is None:
                    await self._begin()
            yield
        finally:
            self._listeners[changed] -= 1
            self._listeners += Counter()
            async with self._switching:
                if not self._listeners:
                    await self._stop()

    def follow(self, after: Position | None = None) -> "Follower[Value]":
        """A follower that reads what comes behind a place, by default behind the end; for those who listen."""
        return Follower(self, self.end if after is None else after)

    async def _begin(self) -> None:
        listener = self.source.listener()
        self.reached = await self.source.end()
        self.ring.clear(self.reached)
        self._task = asyncio.create_task(self._run(self.source.rows(self.reached), listener))

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.ring.clear(self.reached)

    async def _run(self, rows: Rows, listener: Listener) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            try:
                more = await self._advance(rows)
            except Exception as error:
                self._skip_to(rows.cursor)
                failures += 1
                await asyncio.sleep(_report(error, failures))
                continue
            failures = 0
            if not more:
                await listener.wait(GATHER if rows.held_up else POLL)
            await asyncio.sleep(max(0.0, began + GATHER - loop.time()) if not more else 0)

    async def _advance(self, rows: Rows) -> bool:
        """Read on; whether there is more at once."""
        found = await rows.read(self.source.batch)
        if found:
            self.ring.extend(await self.source.items(found))
        if rows.cursor != self.reached:
            self.reached = rows.cursor
            self._wake()
        return len(found) >= self.source.batch

    def _skip_to(self, reached: int) -> None:
        """What was read on the way there may not be in the ring: followers find it in the database."""
        if reached != self.reached:
            self.reached = reached
            self.ring.clear(reached)
            self._wake()

    def _wake(self) -> None:
        for changed in self._listeners:
            changed.set()


class Ring(Generic[Value]):
    """The newest items of a log without a hole: all that come behind `start`. It forgets whole rows, the oldest."""

    def __init__(self, items: int, size: int) -> None:
        self._most_items, self._most_bytes = items, size
        self._items: list[Item[Value]] = []
        self.size = 0
        self.start = Position(0)

    def __len__(self) -> int:
        return len(self._items)

    def clear(self, start: int) -> None:
        """Forget all; what comes behind row `start` follows."""
        self._items.clear()
        self.size, self.start = 0, Position(start)

    def extend(self, items: Sequence[Item[Value]]) -> None:
        """Add what comes next."""
        self._items.extend(items)
        self.size += sum(item.size for item in items)
        if len(self._items) > self._most_items or self.size > self._most_bytes:
            self._forget()

    def after(self, position: Position, limit: int) -> Sequence[Item[Value]]:
        """The next items behind a place that is not before `start`."""
        first = bisect_right(self._items, position, key=_position)
        return self._items[first : first + limit]

    def _forget(self) -> None:
        """Drop the older half, or what is too much, so that this is not done for each new item."""
        keep_items, keep_bytes = self._most_items // 2, self._most_bytes // 2
        first, size = len(self._items), 0
        while first and len(self._items) - first < keep_items and size + self._items[first - 1].size <= keep_bytes:
            first -= 1
            size += self._items[first].size
        if first:
            last = self._items[first - 1].position.seq
            while first < len(self._items) and self._items[first].position.seq == last:
                size -= self._items[first].size
                first += 1
            self.start = Position(last)
            del self._items[:first]
            self.size = size


def _position(item: Item[Value]) -> Position:
    return item.position


class Follower(Generic[Value]):
    """One subscriber's place in the log; everything up to it has been read."""

    def __init__(self, tail: Tail[Value], position: Position) -> None:
        self._tail = tail
        self.position = position
        self._told = 0

    @property
    def behind(self) -> bool:
        """Whether there may be something to read."""
        return self.position < self._tail.end

    async def check(self) -> Gap | None:
        """Whether the place is one of this database; if not, it becomes the end of the log."""
        if self.position.seq <= self._tail.reached or self.position.seq <= await self._tail.source.drawn():
            return None
        gap = Gap(self.position, self._tail.end, "foreign")
        self.position = self._tail.end
        return gap

    async def read(self, limit: int) -> Reading[Value]:
        """The next items, at most about `limit`, and step over them; empty at the end of the log."""
        while self.position < self._tail.ring.start:
            reading = await self._read_stored(limit, self._tail.end)
            if reading.items or reading.gap is not None:
                return reading
        items = self._tail.ring.after(self.position, limit)
        if self.behind:
            self.position = items[-1].position if len(items) == limit else self._tail.end
        return Reading(items)

    async def _read_stored(self, limit: int, end: Position) -> Reading[Value]:
        """Read the database: rows below the end of the tail are all there, so nothing comes between them."""
        source, before = self._tail.source, self.position
        first = before.seq if before.part != WHOLE else before.seq + 1
        most = min(limit, source.batch)
        rows = await source.between(first, end.seq, most)
        items = [item for item in await source.items(rows) if item.position > before]
        trimmed = await source.trimmed()
        self.position = Position(rows[-1][0]) if len(rows) == most else end
        gap = None
        if trimmed > max(before.seq, self._told):
            self._told = trimmed
            gap = Gap(before, Position(trimmed), "trimmed")
        return Reading(items, gap)


def _report(error: Exception, failures: int) -> float:
    """Log the first failure of a row; how many seconds to wait before the next try."""
    if failures == 1:
        expected = isinstance(error, HeadraceError) and not isinstance(error, InternalError)
        _log.error("tail_failed", extra={"error": str(error)}, exc_info=None if expected else error)
    return min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE)
