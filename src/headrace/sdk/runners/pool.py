"""Threads that take jobs from a queue: no more than are needed, and never fewer than are needed to go on.

A worker that blocks on another job's outcome lends its place (`lending`), so that tasks may submit tasks and wait for
them however small the pool is.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator

Job = Callable[[], None]
_mine = threading.local()


class WorkerPool:
    """Runs jobs on at most `most` threads at a time. Threads are daemons: they never keep a process alive."""

    def __init__(self, most: int, name: str = "headrace-worker") -> None:
        self._most, self._name = most, name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._idle = self._waiting = 0
        self._starting = False

    def put(self, job: Job) -> None:
        """Run a job as soon as a thread is free. Jobs start in the order in which they are put."""
        with self._lock:
            self._waiting += 1
            start = self._wants_thread()
        self._jobs.put(job)
        if start:
            self._start()

    def close(self) -> None:
        """Let the threads end once the jobs that were put are done."""
        with self._lock:
            threads, self._most = self._threads, 0
        for _ in range(threads):
            self._jobs.put(None)

    @contextlib.contextmanager
    def lent(self) -> Generator[None]:
        """One more thread may run while the caller, a worker, waits."""
        with self._lock:
            self._most += 1
            start = self._wants_thread()
        if start:
            self._start()
        try:
            yield
        finally:
            with self._lock:
                self._most -= 1

    def _wants_thread(self) -> bool:
        """Whether to start a thread now. One starts at a time: each, once it has a job, starts the next if there are
        more, so that whoever puts many jobs at once does not pay for the threads. Called with the lock held.
        """
        wanted = bool(self._waiting) and not self._idle and not self._starting and self._threads < self._most
        if wanted:
            self._threads += 1
            self._starting = True
        return wanted

    def _start(self) -> None:
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        _mine.pool = self
        first = True
        while True:
            job = self._jobs.get() if first else self._next()
            if job is None:
                with self._lock:
                    self._threads -= 1
                    self._starting = self._starting and not first
                return
            with self._lock:
                self._waiting -= 1
                if first:
                    self._starting = first = False
                start = self._wants_thread()
            if start:
                self._start()
            job()
            del job

    def _next(self) -> Job | None:
        with self._lock:
            self._idle += 1
        try:
            return self._jobs.get()
        finally:
            with self._lock:
                self._idle -= 1


def lending() -> contextlib.AbstractContextManager[None]:
    """For the length of a wait: if the caller is a worker of a pool, its pool may start another."""
    pool: WorkerPool | None = getattr(_mine, "pool", None)
    return pool.lent() if pool is not None else contextlib.nullcontext()
