"""Loggers of runs: one readable line on the console, and the same line kept with the run.

Only loggers named `headrace…` get handlers of ours, and none of their lines reach the root logger's handlers: what
users configure for their own logging stays as it is. A program that gives the `headrace` logger handlers itself keeps
them, and gets no console lines of ours.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Generator, MutableMapping
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

from headrace.sdk import context, session
from headrace.sdk.log_shipping import line_of
from headrace.settings import current
from headrace.wire.errors import MissingContext

if TYPE_CHECKING:
    from headrace.sdk.task import Task
    from headrace.wire.flow_runs import FlowRun
    from headrace.wire.task_runs import TaskRun

ROOT = "headrace"
FLOW_RUNS = "headrace.flow_runs"
TASK_RUNS = "headrace.task_runs"
MARKED = "HEADRACE__MARK_LOGGED_LINES"
"""The variable by which whoever reads a process's output asks for the mark."""
LOGGED = "\x1e"
"""Begins each line on a console that is read by a runner, if the line is with its run's logs already."""

_COLOURS = {logging.WARNING: "\033[33m", logging.ERROR: "\033[31m", logging.CRITICAL: "\033[31;1m"}
_configured = False
_silenced: ContextVar[bool] = ContextVar("headrace_silenced", default=False)
_NOWHERE = logging.Logger("headrace.nowhere", level=logging.CRITICAL + 1)


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines belong to a run; `extra` of a call is added to the run's."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


class ConsoleFormatter(logging.Formatter):
    """`09:42:42.080 | INFO    | Task run 'add-0' - Finished in state Completed()`."""

    def __init__(self, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def formatMessage(self, record: logging.LogRecord) -> str:
        when = f"{datetime.fromtimestamp(record.created):%H:%M:%S}.{int(record.msecs):03d}"
        line = f"{when} | {record.levelname:<7} | {self._source(record)} - {record.message}"
        colour = _COLOURS.get(record.levelno) if self._colours else None
        return f"{colour}{line}\033[0m" if colour else line

    def _source(self, record: logging.LogRecord) -> str:
        if (name := getattr(record, "task_run_name", None)) is not None:
            return f"Task run {name!r}"
        if (name := getattr(record, "flow_run_name", None)) is not None:
            return f"Flow run {name!r}"
        return record.name


class ConsoleHandler(logging.Handler):
    """Writes to whatever `sys.stderr` is at the time of the line."""

    def __init__(self, marks: bool = False) -> None:
        super().__init__()
        self._marks = marks

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if self._marks and record.name in (FLOW_RUNS, TASK_RUNS):
                text = LOGGED + text.replace("\n", f"\n{LOGGED}")
            sys.stderr.write(text + "\n")
        except Exception:
            self.handleError(record)


class APILogHandler(logging.Handler):
    """Keeps lines with the run that they come from; a line outside of any run goes nowhere."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            run = context.innermost()
            settings = current().logging
            if not settings.to_api_enabled or not getattr(record, "send_to_api", True):
                return
            if not hasattr(record, "flow_run_id") and run is not None:
                record.__dict__.update(_extra_of(run))
            if getattr(record, "flow_run_id", None) is None and getattr(record, "task_run_id", None) is None:
                return
            shipper = (run.session if run is not None else session.session()).logs
            shipper.put(line_of(record, self.format(record), settings.to_api_max_log_size))
        except Exception:
            self.handleError(record)


def configure() -> None:
    """Give headrace's loggers their handlers and levels, once a process."""
    global _configured
    if _configured:
        return
    _configured = True
    settings = current().logging
    root = logging.getLogger(ROOT)
    root.setLevel(settings.level)
    if not root.handlers:
        root.propagate = False
        console = ConsoleHandler(marks=MARKED in os.environ)
        console.setFormatter(ConsoleFormatter(settings.colors and sys.stderr.isatty()))
        root.addHandler(console)
    keeper = APILogHandler()
    for name in (FLOW_RUNS, TASK_RUNS, *settings.extra_loggers):
        logging.getLogger(name).addHandler(keeper)


def get_logger(name: str | None = None) -> logging.Logger:
    """A logger under `headrace`; it logs to the console and belongs to no run."""
    if name is None or name == ROOT or name.startswith(f"{ROOT}."):
        return logging.getLogger(name or ROOT)
    return logging.getLogger(f"{ROOT}.{name}")


def get_run_logger(context: Any = None, **extra: Any) -> RunLogger:
    """The logger of the current run: its lines are kept with the run.

    Takes another run's context instead, if one is given. Raises `MissingContext` outside of any run.

    >>> @flow
    ... def hello():
    ...     get_run_logger().info("Hello!")
    """
    if _silenced.get():
        return RunLogger(_NOWHERE, extra)
    run = context if context is not None else _current_run()
    configure()
    name = TASK_RUNS if hasattr(run, "task_run") else FLOW_RUNS
    return RunLogger(logging.getLogger(name), _extra_of(run) | extra)


@contextlib.contextmanager
def disable_run_logger() -> Generator[None]:
    """Run loggers log nothing in the block and need no run: for tests that call `flow.fn` or `task.fn`."""
    token = _silenced.set(True)
    try:
        yield
    finally:
        _silenced.reset(token)


def _current_run() -> context.FlowRunContext | context.TaskRunContext:
    run = context.innermost()
    if run is None:
        raise MissingContext(
            "There is no run here to log for: call get_run_logger() inside a flow or a task, "
            "or use logging.getLogger() outside."
        )
    return run


def flow_run_logger(flow_run: FlowRun, flow: Any = None, **extra: Any) -> RunLogger:
    """The logger of a flow run."""
    name = {"flow_name": flow.name} if flow is not None else {}
    return RunLogger(logging.getLogger(FLOW_RUNS), _of_flow_run(flow_run) | name | extra)


def task_run_logger(task_run: TaskRun, task: Task[..., Any] | None = None, **extra: Any) -> RunLogger:
    """The logger of a task run."""
    name = {"task_name": task.name} if task is not None else {}
    return RunLogger(logging.getLogger(TASK_RUNS), _of_task_run(task_run) | name | extra)


def _extra_of(run: context.FlowRunContext | context.TaskRunContext) -> dict[str, Any]:
    if isinstance(run, context.TaskRunContext):
        return _of_task_run(run.task_run) | {"task_name": run.task.name}
    return _of_flow_run(run.flow_run) | {"flow_name": run.flow.name}


def _of_flow_run(run: FlowRun) -> dict[str, Any]:
    return {"flow_run_id": run.id, "flow_run_name": run.name}


def _of_task_run(run: TaskRun) -> dict[str, Any]:
    return {"task_run_id": run.id, "flow_run_id": run.flow_run_id, "task_run_name": run.name}
