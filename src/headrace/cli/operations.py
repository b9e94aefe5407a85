"""`headrace op`."""

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from cyclopts import App, Parameter

from headrace.cli import following
from headrace.cli.display import ago, duration, local
from headrace.cli.errors import CommandFailed
from headrace.cli.output import Column, ListOutput, Output, show_facts, show_json, show_list, tell
from headrace.cli.session import client, operation_id
from headrace.wire.errors import ObjectNotFound
from headrace.wire.operations import Operation, OperationKind, OperationStatus

app = App(name="op", help="Watch, stop and retry bulk changes, which go on by themselves.")

Kind = Annotated[
    Literal["delete", "restore", "purge", "cancel", "retry", "set_state"] | None,
    Parameter(help="Only operations that do this."),
]
_STYLES = {
    OperationStatus.ACCEPTED: "cyan",
    OperationStatus.RUNNING: "cyan",
    OperationStatus.COMPLETED: "green",
    OperationStatus.ABORTED: "yellow",
    OperationStatus.FAILED: "red",
}


@app.command
def ls(
    *,
    open: Annotated[bool, Parameter(negative="", help="Only those that still go on.")] = False,
    kind: Kind = None,
    limit: Annotated[int, Parameter(alias="-n")] = 20,
    output: ListOutput = "table",
) -> None:
    """List operations, the newest first.

    Try:

        headrace op ls
        headrace op ls --open -o id

    Args:
        limit: The most operations to list, 20 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    with client() as api:
        chosen = None if kind is None else OperationKind(kind)
        found = api.read_operations(open=True if open else None, kind=chosen, limit=limit)
    columns = [
        Column[Operation]("ID", lambda operation: str(operation.id)),
        Column[Operation]("What", lambda operation: f"{operation.kind} {operation.noun}"),
        Column[Operation]("Status", _status, lambda operation: _STYLES[operation.status]),
        Column[Operation]("Done", _done),
        Column[Operation]("Failed", lambda operation: f"{operation.failed:,}" if operation.failed else ""),
        Column[Operation]("Created", lambda operation: ago(operation.created)),
        Column[Operation]("By", _by),
        Column[Operation]("Reason", lambda operation: operation.reason or ""),
    ]
    show_list(found, columns, output, "There are no operations.")


@app.command
def show(operation: str, /, *, output: Output = "table") -> None:
    """Show an operation: who asked for what and why, how far it is, and what failed.

    Try:

        headrace op show OPERATION_ID

    Args:
        operation: The id of the operation.
        output: Lines for people or JSON for programs.
    """
    id = operation_id(operation)
    with client() as api:
        found = _read(lambda: api.read_operation(id), id)
        failures = api.read_operation_failures(id) if found.failed else []
    if output == "json":
        show_json(found)
        return
    show_facts(_facts(found), output)
    for group in failures:
        print(f"{group.count:>7,} × {group.error}  such as {group.samples[0]}")


@app.command
def watch(operation: str, /, *, output: Output = "table") -> None:
    """Follow an operation to its end, with its rate and the time left; fails if items have failed.

    Try:

        headrace op watch OPERATION_ID

    Args:
        operation: The id of the operation.
        output: A bar for people, or JSON of how it ended for programs.
    """
    id = operation_id(operation)
    with client() as api:
        found = _read(lambda: following.follow(api, id, quiet=output == "json"), id)
        if output == "json":
            show_json(found)
            following.check(found)
        else:
            following.conclude(api, found)


@app.command
def abort(operation: str, /) -> None:
    """Stop an operation before its next batch; what is done stays done, and can be undone.

    Try:

        headrace op abort OPERATION_ID

    Args:
        operation: The id of the operation.
    """
    id = operation_id(operation)
    with client() as api:
        _read(lambda: api.abort_operation(id), id)
        found = following.follow(api, id, quiet=True)
    if found.status is not OperationStatus.ABORTED:
        raise CommandFailed(f"Operation {id} has ended before it could be stopped. {following.summary(found)}")
    tell(following.summary(found))
    if found.undoable:
        tell(f"headrace undo {id} takes back what was done.")


@app.command
def retry(operation: str, /) -> None:
    """Try the items of an operation again that failed, and follow it to its end.

    Try:

        headrace op retry OPERATION_ID

    Args:
        operation: The id of the operation.
    """
    id = operation_id(operation)
    with client() as api:
        found = _read(lambda: api.retry_failed_operation_items(id), id)
        if found.finished is not None and not found.failed:
            tell("Nothing of it has failed, so nothing is tried again.")
            return
        following.conclude(api, following.follow(api, id))


def _facts(found: Operation) -> dict[str, str | None]:
    counts = ", ".join(f"{count:,} {table}" for table, count in found.counts.items())
    took = None
    if found.started is not None and found.finished is not None:
        took = duration((found.finished - found.started).total_seconds())
    return {
        "operation": str(found.id),
        "what": f"{found.kind} {found.noun}",
        "status": found.status.value,
        "reason": found.reason,
        "asked for": f"{local(found.created)}{f' by {by}' if (by := _by(found)) else ''}",
        "done": _done(found),
        "changed": f"{found.changed:,}",
        "skipped": f"{found.skipped:,}" if found.skipped else None,
        "failed": f"{found.failed:,}" if found.failed else None,
        "rows": counts or None,
        "took": took,
        "left": duration(found.eta) if found.eta is not None else None,
        "error": found.error,
        "undoes": None if found.undoes is None else str(found.undoes),
        "undone by": None if found.undone_by is None else str(found.undone_by),
        "can be undone": "yes" if found.undoable else "no",
        "removed for good": local(found.purged) or _purge(found),
        "its items": f"not kept since {local(found.forgotten)}" if found.forgotten is not None else None,
    }


def _purge(found: Operation) -> str | None:
    return None if found.purge_at is None else f"{ago(found.purge_at)}, from {local(found.purge_at)} on"


def _status(found: Operation) -> str:
    if found.undone_by is not None:
        return f"{found.status.value}, undone"
    return found.status.value


def _done(found: Operation) -> str:
    if found.total is None:
        return f"{found.done:,}"
    return f"{found.done:,}/{found.total:,}"


def _by(found: Operation) -> str:
    if found.policy is not None:
        return f"retention {found.policy}"
    by = found.created_by
    return "" if by is None else by.display_value or (by.type or "").lower()


def _read(ask: Callable[[], Operation], id: UUID) -> Operation:
    try:
        return ask()
    except ObjectNotFound:
        raise CommandFailed(f"There is no operation {id}; headrace op ls shows those there are.") from None
