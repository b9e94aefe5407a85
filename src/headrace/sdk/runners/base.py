"""What a task runner is: something that runs submitted tasks, started and ended with the flow run it serves."""

from __future__ import annotations

import abc
import contextvars
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from headrace.sdk.futures import Future, FutureList, wait

if TYPE_CHECKING:
    from typing import Self

    from headrace.sdk.task import Task
    from headrace.sdk.task_engine import TaskRunEngine


class TaskRunner(abc.ABC):
    """Runs submitted tasks once the task runs that they need have finished.

    A subclass says where: `execute` takes a job and returns at once.
    """

    def __init__(self) -> None:
        self._unfinished: dict[Future[Any], TaskRunEngine] = {}

    @abc.abstractmethod
    def execute(self, job: Callable[[], None]) -> None:
        """Run a job soon, not in the calling thread."""

    @abc.abstractmethod
    def duplicate(self) -> TaskRunner:
        """A runner with the same options, not started; each flow run has its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, end: BaseException | None, _: object) -> None:
        """Wait for what was submitted; if something ends the whole run, give it up instead."""
        if kind is not None and not issubclass(kind, Exception):
            self.abandon(f"The flow run around it was ended by {kind.__name__}.")
        self.wait()

    def submit(
        self, task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> Future[Any]:
        """Run a task with these parameters when the futures among them, and those of `wait_for`, are done."""
        from headrace.sdk import task_engine

        engine = task_engine.begin(task, parameters, wait_for)
        future: Future[Any] = Future(engine.run)
        self._unfinished[future] = engine
        future.add_done_callback(lambda done: self._unfinished.pop(done, None))
        surroundings = contextvars.copy_context()
        self._when_done(engine.upstream_futures, lambda: self.execute(lambda: surroundings.run(engine.fulfil, future)))
        return future

    def map(
        self, task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
    ) -> FutureList[Any]:
        """One task run for each element of the iterables among the parameters."""
        from headrace.sdk.mapping import spread

        return FutureList(self.submit(task, each, wait_for) for each in spread(task, parameters))

    def wait(self) -> None:
        """Block until everything that was submitted has finished, also what it submitted meanwhile."""
        while self._unfinished:
            wait(list(self._unfinished))

    def abandon(self, why: str) -> None:
        """Record what has not finished as Crashed and wait for it no longer; a thread that is busy with it goes on."""
        # All runs are ended before the first future says so, for those that wait for it must not start.
        ended = [(future, engine.abandon(why)) for future, engine in list(self._unfinished.items())]
        for future, state in ended:
            future.settle(state)

    def _when_done(self, futures: list[Future[Any]], go: Callable[[], None]) -> None:
        """Go when the last of the futures is done. No thread waits for them."""
        if not futures:
            go()
            return
        left, lock = len(futures), threading.Lock()

        def count_down(_: Future[Any]) -> None:
            nonlocal left
            with lock:
                left -= 1
                last = left == 0
            if last:
                go()

        for future in futures:
            future.add_done_callback(count_down)
