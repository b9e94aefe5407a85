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
from headrace.rules.scheduling import Ahead, Look
from headrace.server.deployments.due import Due, Failure, Result


async def follow(batch: Sequence[Due], now: datetime, ahead: Ahead, seconds: float) -> list[Result]:
    """What comes of looking at each schedule, in order; about so many seconds are spent on one at most."""
    work = _Work(batch, now, ahead, seconds)
    while not work.done:
        task = asyncio.create_task(asyncio.to_thread(work.go_on))
        while not task.done():
            await asyncio.wait((task,), timeout=seconds / 4)
            work.stop_what_takes_long()
        with suppress(_TakesTooLong):
            await task
    return work.results


class _TakesTooLong(BaseException):
    """Raised in the thread from outside, where nobody expects it."""


class _Work:
    """A batch that one thread works on while another watches; no lock, which an exception might leave held."""

    def __init__(self, batch: Sequence[Due], now: datetime, ahead: Ahead, seconds: float) -> None:
        self._batch, self._now, self._ahead, self._seconds = batch, now, ahead, seconds
        self.results: list[Result] = []
        self._thread: int | None = None
        self._began = self._stopped = 0.0

    @property
    def done(self) -> bool:
        return len(self.results) == len(self._batch)

    def go_on(self) -> None:
        """Look at the schedules that are left. Raises `_TakesTooLong` if it was stopped between two of them."""
        while not self.done:
            due = self._batch[len(self.results)]
            self._began, self._thread = time.monotonic(), threading.get_ident()
            result = self._look(due)
            if result is not None:
                self.results.append((due, result))
        self._thread = None

    def stop_what_takes_long(self) -> None:
        """Raise in the thread, if it has been at one schedule for too long."""
        thread, moment = self._thread, time.monotonic()
        if thread is not None and not self.done and moment - max(self._began, self._stopped) > self._seconds:
            self._stopped = moment
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_TakesTooLong))

    def _look(self, due: Due) -> Look | Failure | None:
        """None if it was stopped for the one before, which had just come to its end."""
        try:
            return scheduling.look(due.times, self._now, self._ahead)
        except _TakesTooLong:
            taken = time.monotonic() - self._began
            if taken < self._seconds:
                return None
            return Failure(f"Following its rule was given up after {taken:.1f} s: make the rule simpler.")
        except Exception as error:
            return Failure(f"Its rule cannot be followed: {type(error).__name__}: {error}")
