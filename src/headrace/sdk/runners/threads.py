"""Tasks on threads of this process: the default."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headrace.sdk.runners.base import TaskRunner
from headrace.sdk.runners.pool import WorkerPool
from headrace.settings import current
from headrace.wire.errors import DefinitionError, MissingContext

if TYPE_CHECKING:
    from typing import Self

DEFAULT_WORKERS = 512


class ThreadPoolTaskRunner(TaskRunner):
    """Runs tasks on at most `max_workers` threads; asynchronous tasks too, each in an event loop of its own thread.

    >>> @flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
    ... def crawl(urls: list[str]):
    ...     return fetch.map(urls).result()
    """

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__()
        if max_workers is not None and max_workers < 1:
            raise DefinitionError(f"max_workers is {max_workers}; a task runner needs at least one thread.")
        self._given = max_workers
        self._pool: WorkerPool | None = None

    @property
    def max_workers(self) -> int:
        return self._given or current().tasks.runner_max_workers or DEFAULT_WORKERS

    def __enter__(self) -> Self:
        self._pool = WorkerPool(self.max_workers)
        return super().__enter__()

    def execute(self, job: Callable[[], None]) -> None:
        if self._pool is None:
            raise MissingContext("This task runner is not started: use it in a `with` block, or give it to a flow.")
        self._pool.put(job)

    def duplicate(self) -> ThreadPoolTaskRunner:
        return type(self)(self._given)

    def __exit__(self, kind: type[BaseException] | None, end: BaseException | None, trace: object) -> None:
        super().__exit__(kind, end, trace)
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ThreadPoolTaskRunner) and other.max_workers == self.max_workers

    def __hash__(self) -> int:
        return hash((type(self), self._given))
