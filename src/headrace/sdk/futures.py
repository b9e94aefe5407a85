"""Handles to task runs that may not have finished."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from headrace.sdk.resolution import value_of
from headrace.sdk.runners import pool
from headrace.wire.states import State
from headrace.wire.task_runs import TaskRun

R = TypeVar("R")
_settling = threading.Lock()
"""Guards the moment in which a future is done against callbacks that are added just then; held for nanoseconds."""


class Future(Generic[R]):
    """What `task.submit` gives back at once. All methods work from any thread."""

    __slots__ = ("__weakref__", "_callbacks", "_final", "_settled", "run")

    def __init__(self, run: TaskRun) -> None:
        self.run = run
        self._final: State | None = None
        self._settled = threading.Event()
        self._callbacks: list[Callable[[Future[R]], Any]] = []

    @property
    def task_run_id(self) -> UUID:
        return self.run.id

    @property
    def state(self) -> State:
        """The state of the task run as it is now."""
        state = self._final or self.run.state
        assert state is not None, "a task run has a state before its future is made"
        return state

    def done(self) -> bool:
        return self._final is not None

    def wait(self, timeout: float | None = None) -> None:
        """Block until the task run has finished, or for `timeout` seconds."""
        if self._final is None:
            with pool.lending():
                self._settled.wait(timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The value that the task returned; its exception is raised, or returned if not `raise_on_failure`.

        Raises `TimeoutError` if the task run has not finished after `timeout` seconds.
        """
        self.wait(timeout)
        if self._final is None:
            raise TimeoutError(f"Task run {self.run.name!r} has not finished after {timeout} seconds.")
        return value_of(self._final, raise_on_failure)

    def add_done_callback(self, fn: Callable[[Future[R]], Any]) -> None:
        """Call `fn` with this future once it is done, or now if it is; in whichever thread finishes the run."""
        with _settling:
            if self._final is None:
                self._callbacks.append(fn)
                return
        fn(self)

    def settle(self, final: State) -> None:
        """The engine's word that the run has finished; only the first counts."""
        with _settling:
            if self._final is not None:
                return
            self._final = final
            callbacks, self._callbacks = self._callbacks, []
        self._settled.set()
        for callback in callbacks:
            callback(self)

    def __repr__(self) -> str:
        return f"<Future of task run {self.run.name!r}: {self.state.name}>"


class FutureList(list[Future[R]]):
    """The futures of a `map`, in the order of its arguments."""

    def wait(self, timeout: float | None = None) -> None:
        """Block until all have finished, or for `timeout` seconds in all."""
        wait(self, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """The values of all. Raises `TimeoutError` if one has not finished after `timeout` seconds in all."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return [
            future.result(None if deadline is None else max(0.0, deadline - time.monotonic()), raise_on_failure)
            for future in self
        ]


class DoneAndNotDone(NamedTuple):
    """The answer of `wait`."""

    done: set[Future[Any]]
    not_done: set[Future[Any]]


def wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> DoneAndNotDone:
    """Block until all futures are done, or for `timeout` seconds.

    >>> done, not_done = wait([slow.submit(n) for n in range(3)], timeout=10)
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    all_of_them = set(futures)
    for future in all_of_them:
        future.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    done = {future for future in all_of_them if future.done()}
    return DoneAndNotDone(done, all_of_them - done)


def as_completed(futures: Iterable[Future[R]], timeout: float | None = None) -> Iterator[Future[R]]:
    """The futures, each as soon as it is done. Raises `TimeoutError` if that takes longer than `timeout` seconds."""
    deadline = None if timeout is None else time.monotonic() + timeout
    finished: queue.SimpleQueue[Future[R]] = queue.SimpleQueue()
    expected = set(futures)
    for future in expected:
        future.add_done_callback(finished.put)
    for left in range(len(expected), 0, -1):
        try:
            with pool.lending():
                yield_next = finished.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError(
                f"{left} of {len(expected)} task runs have not finished after {timeout} seconds."
            ) from None
        yield yield_next
