"""Following the rules of many schedules off the event loop, none of them for longer than it may take.

A rule that is read from the database may be broken, and one that hardly ever applies is looked for second by second.
Neither may stop the others, so each has its time, after which an exception is raised where its thread is: dateutil and
croniter are Python, and have no other way of being stopped.
"""

import asyncio
import ctypes
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from headrace.rules import scheduling
from headrace.rules.scheduling import Ahead
from headrace.server.deployments.due import Due, Failure, Result


async def follow(batch: Sequence[Due], now: datetime, ahead: Ahead, seconds: float) -> list[Result]:
    """What comes of looking at each schedule, in order; at most so many seconds are spent on one."""
    work = _Work(batch, now, ahead)
    while not work.done:
        task = asyncio.create_task(asyncio.to_thread(work.go_on))
        while not task.done():
            await asyncio.wait((task,), timeout=seconds / 4)
            work.stop_what_takes_longer(seconds)
        with suppress(_TakesTooLong):
            await task
    return work.results


class _TakesTooLong(Exception):
    """Raised in the thread from outside."""


class _Work:
    """A batch that one thread works on, and another watches."""

    def __init__(self, batch: Sequence[Due], now: datetime, ahead: Ahead) -> None:
        self._batch, self._now, self._ahead = batch, now, ahead
        self.results: list[Result] = []
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._began = 0.0

    @property
    def done(self) -> bool:
        return len(self.results) == len(self._batch)

    def go_on(self) -> None:
        """Look at the schedules that are left. Raises `_TakesTooLong` if it was stopped between two of them."""
        while not self.done:
            due = self._batch[len(self.results)]
            try:
                self._watched(True)
                result = scheduling.look(due.times, self._now, self._ahead)
                self._watched(False)
            except _TakesTooLong:
                self._watched(False)
                taken = time.monotonic() - self._began
                self._keep(due, Failure(f"Following its rule was given up after {taken:.1f} s: make the rule simpler."))
            except Exception as error:
                self._watched(False)
                self._keep(due, Failure(f"Its rule cannot be followed: {type(error).__name__}: {error}"))
            else:
                self._keep(due, result)

    def _keep(self, due: Due, result: scheduling.Look | Failure) -> None:
        self.results.append((due, result))

    def stop_what_takes_longer(self, seconds: float) -> None:
        """Raise in the thread, if it has been at one schedule for longer."""
        with self._lock:
            if self._thread is not None and time.monotonic() - self._began > seconds:
                thread, self._thread = self._thread, None
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_TakesTooLong))

    def _watched(self, at_work: bool) -> None:
        with self._lock:
            self._thread = threading.get_ident() if at_work else None
            if at_work:
                self._began = time.monotonic()
