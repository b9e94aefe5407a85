"""Brings runs that wait together with workers that wait, for all the connections of one process.

One loop looks for both, and only while a worker waits: woken by this process's own commits, by time for runs that are
due later, and now and then for what other servers have queued. Who has waited longest is served first.
"""

import asyncio
import contextlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from headrace.server.store.base import Listener, Store, Topic
from headrace.server.task_queue import service
from headrace.server.task_queue.service import Delivery, Line
from headrace.wire.times import now

LOOK_EVERY = 0.25
"""Seconds between two looks for what other servers have queued."""


class Wanted:
    """The tasks that a worker executes; it is given them in turn."""

    def __init__(self, task_keys: Sequence[str]) -> None:
        self.task_keys = tuple(dict.fromkeys(task_keys))
        self._turn = 0

    def in_turn(self, due: Collection[Line]) -> Iterator[Line]:
        """The lines that it wants: retries first, the keys in their order behind the one that came last."""
        wanted = {(line.place, line.task_key): line for line in due}
        keys = self.task_keys[self._turn :] + self.task_keys[: self._turn]
        for place in (service.RETRIES, service.NEW):
            yield from (wanted[place, key] for key in keys if (place, key) in wanted)

    def served(self, line: Line) -> None:
        """It was given a run of this line."""
        self._turn = self.task_keys.index(line.task_key) + 1


class Exchange:
    """Where workers wait for their next runs. `hold` is how long a delivered run is theirs before it begins."""

    def __init__(self, store: Store, hold: timedelta) -> None:
        self.store, self.hold = store, hold
        self._waiting: dict[asyncio.Future[Delivery], Wanted] = {}
        self._loop: asyncio.Task[None] | None = None

    async def next(self, wanted: Wanted) -> Delivery:
        """The next run for a worker; whoever gives up waiting loses none. Raises what keeps from the database."""
        place: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._waiting[place] = wanted
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._serve(), name="task-exchange")
        else:
            self.store.announce(Topic.TASKS)
        try:
            return await asyncio.shield(place)
        except asyncio.CancelledError:
            if place.done() and place.exception() is None:
                await asyncio.shield(service.give_back(self.store, [place.result()], now()))
            raise
        finally:
            self._waiting.pop(place, None)
            place.cancel()

    async def _serve(self) -> None:
        listener = self.store.announced(Topic.TASKS)
        try:
            while self._waiting:
                await self._rest(listener, await self._hand_out())
        except Exception as error:
            for place in self._waiting:
                if not place.done():
                    place.set_exception(error)

    async def _hand_out(self) -> datetime | None:
        """Give what is due to those who want it; returns when the next run is."""
        keys = {key for wanted in self._waiting.values() for key in wanted.task_keys}
        lines = await service.lines(self.store, sorted(keys))
        moment = now()
        due = {line for line in lines if line.first is not None and line.first <= moment}
        for place, wanted in list(self._waiting.items()):
            if not due:
                break
            await self._serve_one(place, wanted, due)
        return min((line.first for line in lines if line.first is not None and line.first > moment), default=None)

    async def _serve_one(self, place: asyncio.Future[Delivery], wanted: Wanted, due: set[Line]) -> None:
        for line in wanted.in_turn(due):
            if place.done():
                return
            delivery = await service.take(self.store, line, now(), self.hold)
            if delivery is None:
                due.discard(line)
            elif place.done():
                await service.give_back(self.store, [delivery], now())
            else:
                wanted.served(line)
                place.set_result(delivery)
                self._waiting.pop(place, None)

    async def _rest(self, listener: Listener, due: datetime | None) -> None:
        seconds = LOOK_EVERY if due is None else min(LOOK_EVERY, max(0.0, (due - now()).total_seconds()))
        with contextlib.suppress(TimeoutError):
            await listener.wait(seconds)
