"""Handles to task runs that another process executes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Generic, TypeVar
from uuid import UUID

from headrace.sdk.background.watching import watch
from headrace.sdk.futures import Future
from headrace.sdk.resolution import value_of
from headrace.sdk.results import ResultStore
from headrace.sdk.storage import ResultStorage
from headrace.wire.states import State
from headrace.wire.task_runs import TaskRun

R = TypeVar("R")


class DistributedFuture(Future[R], Generic[R]):
    """What `task.delay` gives back at once. It can be pickled, and waited for in any process.

    >>> future = resize.delay("lake.png")
    >>> future.result(timeout=60)
    """

    __slots__ = ("_storage", "_watched")

    def __init__(self, run: TaskRun, storage: ResultStorage | None = None) -> None:
        super().__init__(run)
        self._storage = storage
        self._watched = False

    def __reduce__(self) -> Any:
        return _revived, (self.run.id, self.run.name, self.run.task_key, self.run.dynamic_key)

    @property
    def state(self) -> State:
        """The state of the task run as the API tells it."""
        return self._final or self._looked_up()

    def done(self) -> bool:
        """Whether the task run has finished, as the API tells it."""
        return self._final is not None or self._looked_up().is_final()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the task run has finished, or for `timeout` seconds."""
        self._watch()
        super().wait(timeout)

    async def wait_async(self, timeout: float | None = None) -> None:
        """Wait until the task run has finished, or for `timeout` seconds."""
        loop = asyncio.get_running_loop()
        finished = asyncio.Event()

        def tell(_: Future[R]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop of whoever waited is closed
                loop.call_soon_threadsafe(finished.set)

        self.add_done_callback(tell)
        try:
            await asyncio.wait_for(finished.wait(), timeout)
        except TimeoutError:
            return

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """The value that the task returned; its exception is raised, or returned if not `raise_on_failure`.

        Raises `TimeoutError` if the task run has not finished after `timeout` seconds, and `MissingResult` if it did
        not keep its value.
        """
        self.wait(timeout)
        return self._value(timeout, raise_on_failure)

    async def result_async(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """As `result`, awaited."""
        await self.wait_async(timeout)
        return await asyncio.to_thread(self._value, timeout, raise_on_failure)

    def add_done_callback(self, fn: Any) -> None:
        """Call `fn` with this future once it is done, or now if it is; in a thread of its own."""
        super().add_done_callback(fn)
        self._watch()

    def _value(self, timeout: float | None, raise_on_failure: bool) -> R:
        final = self._final
        if final is None:
            raise TimeoutError(f"Task run {self.run.name!r} has not finished after {timeout} seconds.")
        match final.data:
            case {"storage_key": str(key)} if self._storage is not None:
                final.data = ResultStore(self._storage).read(key)
            case _:
                pass
        return value_of(final, raise_on_failure)

    def _watch(self) -> None:
        if self._final is None and not self._watched:
            self._watched = True
            watch(self)

    def _looked_up(self) -> State:
        from headrace.sdk.dispatch import api

        self.run = api().read_task_run(self.run.id)
        state = self.run.state
        assert state is not None, "a task run has a state before its future is made"
        if state.is_final():
            self.settle(state)
        return state


def _revived(id: UUID, name: str, task_key: str, dynamic_key: str) -> DistributedFuture[Any]:
    return DistributedFuture(TaskRun(id=id, name=name, task_key=task_key, dynamic_key=dynamic_key))
