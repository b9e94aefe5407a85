"""`headrace flow-run logs`."""

import logging
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import Parameter

from headrace.cli.display import local
from headrace.cli.errors import UsageError
from headrace.cli.output import Output, show_json
from headrace.cli.session import client, named, parse_id
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
    LogFilterLevel,
    LogFilterTimestamp,
)
from headrace.wire.logs import Log
from headrace.wire.sorts import LogSort

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

_POLL_SECONDS = 0.5
_LATE = timedelta(seconds=10)
"""Lines are sent in batches by several threads, so one may arrive this much after a younger one."""

_COLOURS = ((logging.ERROR, "31"), (logging.WARNING, "33"), (logging.INFO, "36"), (0, "2"))


def logs(
    run: str,
    /,
    *,
    head: int | None = None,
    tail: int | None = None,
    reverse: Annotated[bool, Parameter(alias="-r")] = False,
    follow: Annotated[bool, Parameter(alias="-f")] = False,
    level: str | None = None,
    output: Output = "table",
) -> None:
    """Print the log of a flow run and of its tasks, oldest line first.

    Try:

        headrace flow-run logs RUN_ID --tail 20
        headrace flow-run logs RUN_ID --follow --level warning

    Args:
        run: The id of the run.
        head: Only the first lines, this many.
        tail: Only the last lines, this many.
        reverse: Newest line first.
        follow: Go on printing until the run has finished.
        level: Only lines of at least this level, such as warning.
        output: Lines for people or JSON for programs.
    """
    if head is not None and tail is not None:
        raise UsageError("--head and --tail contradict each other: give one of them.")
    if follow and (reverse or head is not None or output == "json"):
        raise UsageError("--follow goes with --tail and --level only: it prints lines as they come.")
    id = parse_id(run, "flow run")
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[id]), level=_level(level))
    with client() as api:
        try:
            api.read_flow_run(id)
        except ObjectNotFound as error:
            raise named(error, id, "flow run") from error
        newest_first = tail is not None or (reverse and head is None)
        lines = api.read_logs(
            log_filter=wanted,
            limit=head if head is not None else tail,
            sort=LogSort.TIMESTAMP_DESC if newest_first else LogSort.TIMESTAMP_ASC,
        )
        if newest_first != reverse:
            lines.reverse()
        if output == "json":
            show_json(lines)
            return
        printer = _Printer(api, id)
        for line in lines:
            printer.print(line)
        if follow:
            for line in _later(api, id, wanted, lines):
                printer.print(line)


def _later(api: "SyncHeadraceClient", id: UUID, wanted: LogFilter, before: list[Log]) -> Iterator[Log]:
    """The lines that come after those already had, until the run has finished."""
    seen = {line.id for line in before}
    newest = max((line.timestamp for line in before), default=None)
    oldest = min((line.timestamp for line in before), default=None)
    finished = False
    while not finished:
        state = api.read_flow_run(id).state
        # Asked before the lines are read: what a finished run logged is all there then.
        finished = state is not None and state.is_final()
        if newest is not None and oldest is not None:
            # Nothing before the first line printed: --tail has left that out.
            wanted.timestamp = LogFilterTimestamp(after_=max(newest - _LATE, oldest))
        for line in api.read_logs(log_filter=wanted, sort=LogSort.TIMESTAMP_ASC, limit=None):
            if line.id not in seen:
                seen.add(line.id)
                newest = max(newest or line.timestamp, line.timestamp)
                oldest = oldest or line.timestamp
                yield line
        sys.stdout.flush()
        if not finished:
            time.sleep(_POLL_SECONDS)


def _level(name: str | None) -> LogFilterLevel | None:
    if name is None:
        return None
    number = int(name) if name.isdigit() else logging.getLevelNamesMapping().get(name.upper())
    if number is None:
        raise UsageError(f"{name!r} is not a level: give debug, info, warning, error, critical or a number.")
    return LogFilterLevel(ge_=number)


class _Printer:
    """Prints lines with the name of the task run that logged them, if one did."""

    def __init__(self, api: "SyncHeadraceClient", flow_run_id: UUID) -> None:
        self._api = api
        self._within = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
        self._names: dict[UUID, str] = {}

    def print(self, line: Log) -> None:
        level = logging.getLevelName(line.level)
        if sys.stdout.isatty():
            colour = next(code for least, code in _COLOURS if line.level >= least)
            level = f"\x1b[{colour}m{level:<8}\x1b[0m"
        who = f"{self._name(line.task_run_id)}: " if line.task_run_id else ""
        print(f"{local(line.timestamp)} {level:<8} {who}{line.message}")

    def _name(self, id: UUID) -> str:
        if id not in self._names:
            task_runs = self._api.read_task_runs(flow_run_filter=self._within, limit=None)
            self._names = {id: "a task"} | {run.id: run.name for run in task_runs}
        return self._names[id]
