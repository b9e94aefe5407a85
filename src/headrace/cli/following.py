"""Following an operation to its end: a bar with the rate and the time left on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli.display import amount, duration
from headrace.cli.errors import CommandFailed
from headrace.cli.output import tell
from headrace.wire.operations import ItemStatus, Operation, OperationKind, OperationStatus

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

_LOOKS, _LINES = 0.2, 2.0
"""Seconds between two looks, and between two lines where nobody sees a bar."""
_SHOWN_FAILURES = 5
_DOING = {
    OperationKind.DELETE: ("Deleting", "deleted"),
    OperationKind.RESTORE: ("Restoring", "restored"),
    OperationKind.PURGE: ("Purging", "to be removed for good"),
    OperationKind.CANCEL: ("Cancelling", "asked to end"),
    OperationKind.RETRY: ("Retrying", "scheduled anew"),
    OperationKind.SET_STATE: ("Setting states of", "set"),
}
_PART = {OperationStatus.ABORTED: "stopped", OperationStatus.FAILED: "given up"}


def follow(api: "SyncHeadraceClient", id: UUID, *, quiet: bool = False) -> Operation:
    """Wait until an operation has ended, showing how far it is on stderr; returns it as it is then.

    Interrupting stops the waiting, not the operation.
    """
    operation = api.read_operation(id)
    try:
        if quiet:
            return _wait(api, operation, lambda _: None)
        return _draw(api, operation) if sys.stderr.isatty() else _print(api, operation)
    except KeyboardInterrupt:
        tell(f"Operation {id} goes on; headrace op watch {id} shows it, headrace op abort {id} stops it.")
        raise


def conclude(api: "SyncHeadraceClient", operation: Operation) -> None:
    """Say what came of an operation that has ended. Raises `CommandFailed` if some of it went wrong."""
    tell(summary(operation))
    if operation.failed:
        for group in api.read_operation_failures(operation.id)[:_SHOWN_FAILURES]:
            conflict = " (conflict)" if group.status is ItemStatus.CONFLICT else ""
            tell(f"  {group.count:,} × {group.error}{conflict}")
    check(operation)


def check(operation: Operation) -> None:
    """Raise `CommandFailed` if an operation that has ended did not do all that was asked."""
    if operation.status is OperationStatus.FAILED:
        raise CommandFailed(f"Operation {operation.id} was given up: {operation.error}")
    if operation.status is OperationStatus.ABORTED:
        raise CommandFailed(f"Operation {operation.id} was stopped after {operation.done:,} of {_total(operation)}.")
    if operation.failed:
        again = f"headrace op retry {operation.id} tries them again."
        raise CommandFailed(f"{operation.failed:,} of {_total(operation)} failed; {again}")


def summary(operation: Operation) -> str:
    """What an operation has done, in a line.

    >>> summary(operation)
    '48,212 flow runs deleted in 1.3s with 96,424 task runs, 3 skipped.'
    """
    done = amount(operation.counts.get(operation.noun, operation.changed), one(operation))
    took = ""
    if operation.started is not None and operation.finished is not None:
        took = f" in {duration((operation.finished - operation.started).total_seconds())}"
    rest = [
        f"{count:,} {word}" for count, word in ((operation.skipped, "skipped"), (operation.failed, "failed")) if count
    ]
    how = _PART.get(operation.status)
    told = f"{done} {_DOING[operation.kind][1]}{took}{_along(operation)}"
    return ", ".join([told, *rest, *([how] if how else [])]) + "."


def _along(operation: Operation) -> str:
    """What went along with the items themselves."""
    others = {table: many for table, many in operation.counts.items() if many and table != operation.noun}
    if operation.kind not in (OperationKind.DELETE, OperationKind.RESTORE) or not others:
        return ""
    told = [amount(many, table.removesuffix("s").replace("_", " ")) for table, many in others.items()]
    return f" with {' and '.join([', '.join(told[:-1]), told[-1]] if len(told) > 1 else told)}"


def one(operation: Operation) -> str:
    """What its items are called, one of them."""
    return operation.noun.value.removesuffix("s").replace("_", " ")


def _draw(api: "SyncHeadraceClient", operation: Operation) -> Operation:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    title = f"{_DOING[operation.kind][0]} {one(operation)}s"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}", style="dim"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(title, total=operation.total, told="")

        def show(now: Operation) -> None:
            progress.update(bar, completed=now.done, total=now.total, told=_pace(now))

        return _wait(api, operation, show)


def _print(api: "SyncHeadraceClient", operation: Operation) -> Operation:
    told_at = time.monotonic()

    def show(now: Operation) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _LINES:
            told_at = time.monotonic()
            tell(f"{_DOING[now.kind][0]} {one(now)}s: {now.done:,} of {_total(now)}; {_pace(now) or 'counting'}")

    return _wait(api, operation, show)


def _wait(api: "SyncHeadraceClient", operation: Operation, show: Callable[[Operation], None]) -> Operation:
    while operation.finished is None:
        show(operation)
        time.sleep(_LOOKS)
        operation = api.read_operation(operation.id)
    return operation


def _pace(operation: Operation) -> str:
    told: list[str] = []
    if operation.rate is not None:
        told.append(f"{operation.rate:,.0f}/s")
    if operation.eta is not None:
        told.append(f"{duration(operation.eta)} left")
    if operation.failed:
        told.append(f"{operation.failed:,} failed")
    return ", ".join(told)


def _total(operation: Operation) -> str:
    return "?" if operation.total is None else f"{operation.total:,}"
