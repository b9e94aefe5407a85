"""What surrounds the code that runs: the flow run, the task run, the tags. Held in context variables, so that
threads and coroutines that the engine starts see what their caller saw.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import uuid4

from headrace.wire.errors import MissingContext

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self
    from uuid import UUID

    from headrace.client.orchestration import SyncHeadraceClient
    from headrace.sdk.flow import Flow
    from headrace.sdk.lineage import Lineage
    from headrace.sdk.recording import Origin
    from headrace.sdk.results import ResultStore
    from headrace.sdk.runners.base import TaskRunner
    from headrace.sdk.session import Session
    from headrace.sdk.stopping import Stopper
    from headrace.sdk.task import Task
    from headrace.wire.flow_runs import FlowRun
    from headrace.wire.task_runs import TaskRun


class _RunContext:
    """A context that `get()` finds and `entered` makes current."""

    __slots__ = ()
    _current: ClassVar[ContextVar[Any]]

    @classmethod
    def get(cls) -> Self | None:
        """The innermost context of this kind, or None outside of any."""
        return cls._current.get()

    @contextlib.contextmanager
    def entered(self) -> Generator[Self]:
        token = self._current.set(self)
        try:
            yield self
        finally:
            self._current.reset(token)


class FlowRunContext(_RunContext):
    """The flow run that the current code belongs to."""

    _current = ContextVar("headrace_flow_run", default=None)

    def __init__(
        self,
        *,
        flow: Flow[..., Any],
        flow_run: FlowRun,
        parameters: dict[str, Any],
        task_runner: TaskRunner,
        result_store: ResultStore,
        session: Session,
        start_time: datetime,
        log_prints: bool,
        new: bool,
        lineage: Lineage,
        origin: Origin,
        parent: FlowRunContext | None,
        stopper: Stopper,
    ) -> None:
        self.flow = flow
        self.flow_run = flow_run
        self.parameters = parameters
        self.task_runner = task_runner
        self.result_store = result_store
        self.session = session
        self.start_time = start_time
        self.log_prints = log_prints
        self.lineage = lineage
        self.parent = parent
        self.origin = origin
        self.stopper = stopper
        self.pauses = itertools.count(1)
        self.deployment_name: list[str | None] = []
        """Empty until somebody asked the API for it."""
        self._prefix = "" if new else f"{uuid4().hex[:6]}-"
        self._counters: dict[str, itertools.count[int]] = {}

    @property
    def client(self) -> SyncHeadraceClient:
        """The client that records this run."""
        return self.session.client

    @contextlib.contextmanager
    def entered(self) -> Generator[Self]:
        """Inside the flow, a task that called it is not the current run."""
        token = TaskRunContext._current.set(None)  # pyright: ignore[reportPrivateUsage] # the other kind of context here
        try:
            with super().entered():
                yield self
        finally:
            TaskRunContext._current.reset(token)  # pyright: ignore[reportPrivateUsage]

    @property
    def is_async(self) -> bool:
        return self.flow.isasync

    @property
    def run_id(self) -> UUID:
        return self.flow_run.id

    def dynamic_key(self, task_key: str) -> str:
        """Tells the runs of one task in this flow run apart: "0", "1", … in the order in which they are called.

        In a run that another process began, a random prefix keeps them apart from that process's.
        """
        counter = self._counters.get(task_key)
        if counter is None:
            counter = self._counters.setdefault(task_key, itertools.count())
        return f"{self._prefix}{next(counter)}"


class TaskRunContext(_RunContext):
    """The task run that the current code belongs to."""

    __slots__ = ("log_prints", "parameters", "result_store", "session", "start_time", "task", "task_run")
    _current = ContextVar("headrace_task_run", default=None)

    def __init__(
        self,
        *,
        task: Task[..., Any],
        task_run: TaskRun,
        parameters: dict[str, Any],
        result_store: ResultStore | None,
        session: Session,
        start_time: datetime,
        log_prints: bool,
    ) -> None:
        self.task = task
        self.task_run = task_run
        self.parameters = parameters
        self.result_store = result_store
        self.session = session
        self.start_time = start_time
        self.log_prints = log_prints

    @property
    def client(self) -> SyncHeadraceClient:
        """The client that records this run."""
        return self.session.client

    @property
    def is_async(self) -> bool:
        return self.task.isasync

    @property
    def run_id(self) -> UUID:
        return self.task_run.id


_tags: ContextVar[frozenset[str]] = ContextVar("headrace_tags", default=frozenset())


class TagsContext:
    """The tags that runs made here carry."""

    __slots__ = ("current_tags",)

    def __init__(self, current_tags: frozenset[str]) -> None:
        self.current_tags = current_tags

    @classmethod
    def get(cls) -> TagsContext:
        return cls(_tags.get())


@contextlib.contextmanager
def tags(*new_tags: str) -> Generator[set[str]]:
    """Runs made in the block carry these tags, besides those of outer blocks.

    >>> with tags("nightly"):
    ...     my_flow()
    """
    merged = _tags.get() | frozenset(new_tags)
    token = _tags.set(merged)
    try:
        yield set(merged)
    finally:
        _tags.reset(token)


def current_tags() -> frozenset[str]:
    return _tags.get()


def innermost() -> FlowRunContext | TaskRunContext | None:
    """The run that the current code belongs to: a task run, else a flow run, else none.

    Entering a flow hides the task that called it.
    """
    return TaskRunContext.get() or FlowRunContext.get()


def get_run_context() -> FlowRunContext | TaskRunContext:
    """The run that the current code belongs to. Raises `MissingContext` outside of any."""
    run = innermost()
    if run is None:
        raise MissingContext("There is no run here: call this from inside a flow or a task.")
    return run
