"""Asking for a bulk change: shown first, asked about by its risk, followed to its end, and told how to undo."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID, uuid4

import msgspec
from cyclopts import Parameter

from headrace.cli.display import amount, duration
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.following import check, conclude, follow
from headrace.cli.output import ask, show_facts, show_json, tell
from headrace.wire.errors import Conflict, ObjectNotFound
from headrace.wire.operations import (
    MOST_IDS,
    ItemStatus,
    Operation,
    OperationCreate,
    OperationNoun,
    OperationOptions,
    OperationPreview,
    Preview,
    Target,
    TargetFilters,
)
from headrace.wire.operations import OperationKind as Kind

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

MANY = 200
"""Up to so many that are all over are deleted without a question: it is one command to have them back."""
_TRIES, _SHOWN = 3, 5

DryRun = Annotated[bool, Parameter(negative="", help="Show what would be deleted, and delete nothing.")]
Everything = Annotated[bool, Parameter(name="--all", negative="", help="All there are.")]
Wait = Annotated[bool, Parameter(negative="--no-wait", help="Follow it to its end, the default, or return at once.")]
NoChildren = Annotated[bool, Parameter(negative="", help="Leave their subflow runs, which go along otherwise.")]
Reason = Annotated[str | None, Parameter(help="Why, for those who look at the operation later.")]
OlderThan = Annotated[str | None, Parameter(help="Only what began, or was due, longer ago than this, such as 7d.")]


class Manner(msgspec.Struct, frozen=True):
    """How a command is to go about it."""

    yes: bool = False
    dry_run: bool = False
    wait: bool = True
    reason: str | None = None
    output: Literal["table", "json"] = "table"


def target_of(
    ids: Sequence[UUID], filters: TargetFilters, everything: bool, noun: str, *, piped: bool = False
) -> Target | None:
    """What is meant: these ids, what the filters match, or everything; None where nothing came through the pipe.

    Raises `UsageError` unless it is one of them.
    """
    is_filtered = any(given is not None for given in msgspec.structs.astuple(filters))
    if bool(ids) + is_filtered + everything > 1:
        raise UsageError("Give ids, or options that say which, or --all: one of them.")
    if len(ids) > MOST_IDS:
        raise UsageError(f"{len(ids):,} ids are more than one command takes ({MOST_IDS:,}): say which by options.")
    if ids:
        return Target(ids=list(ids))
    if everything:
        return Target(everything=True)
    if is_filtered:
        return Target(filters=filters)
    if piped:
        tell(f"No {noun} came on standard input, so nothing is done.")
        return None
    raise UsageError(f"No {noun} named: give ids, pipe them in with --stdin, say which by options, or --all.")


def delete(
    api: "SyncHeadraceClient",
    noun: OperationNoun,
    target: Target,
    manner: Manner,
    *,
    children: bool = True,
    active: Callable[[], int] | None = None,
) -> None:
    """Delete what the target names, in the manner asked for. Raises `CommandFailed` if not all of it could be.

    `active` counts runs that go along and are not over, where what is deleted are not runs itself.
    """
    wanted = OperationCreate(
        kind=Kind.DELETE,
        noun=noun,
        target=target,
        options=OperationOptions(children=children),
        reason=manner.reason,
    )
    carry_out(api, wanted, manner, active)


def carry_out(
    api: "SyncHeadraceClient", wanted: OperationCreate, manner: Manner, active: Callable[[], int] | None = None
) -> None:
    """Show what the operation would do, or begin it and follow it. Raises `CommandFailed` if something went wrong."""
    if manner.dry_run:
        _show(_preview(api, wanted, active), wanted, manner)
        return
    operation = _begin(api, wanted, manner, active)
    if operation is not None:
        finish(api, operation, manner)


def finish(api: "SyncHeadraceClient", operation: Operation, manner: Manner) -> None:
    """Follow an operation if that is wanted, and say what came of it and how to undo it."""
    if manner.wait:
        operation = follow(api, operation.id, quiet=manner.output == "json")
    if manner.output == "json":
        show_json(operation)
        if manner.wait:
            check(operation)
        return
    if not manner.wait:
        tell(f"Operation {operation.id} goes on by itself; headrace op watch {operation.id} shows how far it is.")
        return
    try:
        conclude(api, operation)
        _tell_skipped(api, operation)
    finally:
        if operation.undoable and operation.kind is Kind.RESTORE:
            tell(f"Delete again with: headrace undo {operation.id}")
        elif operation.undoable:
            until = f"  (possible until {operation.purge_at.astimezone():%Y-%m-%d %H:%M})" if operation.purge_at else ""
            tell(f"Undo with: headrace undo {operation.id}{until}")


def _tell_skipped(api: "SyncHeadraceClient", operation: Operation) -> None:
    """Name what had nothing done to it, where it was named: it may have been mistyped."""
    if not operation.skipped or "ids" not in operation.target:
        return
    for item in api.read_operation_items(operation.id, status=ItemStatus.SKIPPED, limit=_SHOWN):
        tell(f"  {name_of(item.noun).capitalize()} {item.id}: {item.error}")
    if operation.skipped > _SHOWN:
        tell(f"  … and {operation.skipped - _SHOWN:,} more")


def has_conflicts(api: "SyncHeadraceClient", id: UUID) -> bool:
    """Whether something could not be restored because its name has been taken since."""
    return any(group.status is ItemStatus.CONFLICT for group in api.read_operation_failures(id))


def name_of(noun: OperationNoun) -> str:
    """What one of them is called.

    >>> name_of(OperationNoun.FLOW_RUNS)
    'flow run'
    """
    return {OperationNoun.BLOCK_DOCUMENTS: "block"}.get(noun, noun.value.removesuffix("s").replace("_", " "))


def _preview(api: "SyncHeadraceClient", wanted: OperationCreate, active: Callable[[], int] | None) -> Preview:
    asked = OperationPreview(kind=wanted.kind, noun=wanted.noun, target=wanted.target, options=wanted.options)
    try:
        preview = api.preview_operation(asked)
    except ObjectNotFound as error:
        raise _unknown(api, error) from error
    if active is not None and preview.total:
        preview.active = active()
    return preview


def _begin(
    api: "SyncHeadraceClient", wanted: OperationCreate, manner: Manner, active: Callable[[], int] | None
) -> Operation | None:
    """Begin it, after a look and maybe a question; None if there is nothing to do."""
    for attempt in range(_TRIES):
        preview = None if manner.yes else _preview(api, wanted, active)
        if preview is not None and not preview.total:
            return _nothing(api, wanted)
        if preview is not None and _is_risky(preview) and sys.stdin.isatty():
            _ask(preview, wanted.noun)
        wanted.token = preview.token if preview is not None else None
        try:
            return api.create_operation(wanted, idempotency_key=str(uuid4()))
        except Conflict as error:
            if wanted.token is None or attempt == _TRIES - 1:
                raise
            tell(f"{error} Looking again.")
        except ObjectNotFound as error:
            raise _unknown(api, error) from error
    raise AssertionError


def _nothing(api: "SyncHeadraceClient", wanted: OperationCreate) -> None:
    """Say that nothing matches. Raises `CommandFailed` if ids were named of which none is even in the trash."""
    noun, ids = name_of(wanted.noun), wanted.target.ids or ()
    if not ids:
        tell(f"No {noun} matches, so nothing is deleted.")
        return
    asked = OperationPreview(kind=Kind.RESTORE, noun=wanted.noun, target=wanted.target)
    which = f"{noun} {ids[0]}" if len(ids) == 1 else f"{noun} of these ids"
    if (deleted := api.preview_operation(asked).total) == 0:
        raise CommandFailed(f"There is no {which}; headrace {noun.replace(' ', '-')} ls shows those there are.")
    many = f"The {which} is" if len(ids) == 1 else f"{deleted:,} of these {amount(len(ids), noun)} {_be(deleted)}"
    tell(f"{many} deleted already, so nothing is done; headrace trash ls shows what can be restored.")


def _be(many: int) -> str:
    return "is" if many == 1 else "are"


def _is_risky(preview: Preview) -> bool:
    along = [many for table, many in preview.rows.items() if table in ("flow_runs", "deployments")]
    return preview.active > 0 or preview.total > MANY or any(many is None or many > MANY for many in along)


def _ask(preview: Preview, noun: OperationNoun) -> None:
    for line in _lines(preview, noun):
        tell(line)
    if not ask("Delete them?" if preview.total != 1 else "Delete it?"):
        raise CommandFailed("Nothing is deleted.")


def _lines(preview: Preview, noun: OperationNoun) -> list[str]:
    """What would be deleted, in words."""
    states = f": {_by_state(preview)}" if preview.by_state else ""
    lines = [f"{amount(preview.total, name_of(noun))}{states}."]
    if preview.active:
        is_one = preview.active == 1
        runs = "" if noun is OperationNoun.FLOW_RUNS else f" {'run' if is_one else 'runs'} of theirs"
        lines.append(f"{preview.active:,}{runs} {'is' if is_one else 'are'} not over, and will be told to stop.")
    if along := _along(preview):
        lines.append(f"With {'it' if preview.total == 1 else 'them'} go {along}.")
    return lines


def _show(preview: Preview, wanted: OperationCreate, manner: Manner) -> None:
    if manner.output == "json":
        show_json(preview)
        return
    samples = [
        f"{one.name or one.id}{f' ({one.state_name})' if one.state_name else ''}" for one in preview.samples[:_SHOWN]
    ]
    more = preview.total - len(samples)
    facts = {
        f"would {wanted.kind.value}": amount(preview.total, name_of(wanted.noun)),
        "by state": _by_state(preview) or None,
        "not over": f"{preview.active:,}, which would be told to stop" if preview.active else None,
        "with them": _along(preview) or None,
        "such as": ", ".join(samples) + (f" and {more:,} more" if samples and more > 0 else "") or None,
        "takes": f"about {duration(preview.estimated_seconds)}" if preview.estimated_seconds else None,
        "can be undone": "yes" if preview.reversible else "no",
    }
    show_facts(facts, "table")


def _by_state(preview: Preview) -> str:
    most_first = sorted(preview.by_state.items(), key=lambda item: -item[1])
    return ", ".join(f"{count:,} {(state or 'no state').capitalize()}" for state, count in most_first)


def _along(preview: Preview) -> str:
    """What goes along, in words; what could not be counted in time is named all the same."""
    counted = [amount(many, _singular(table)) for table, many in preview.rows.items() if many]
    uncounted = [table.replace("_", " ") for table, many in preview.rows.items() if many is None]
    return ", ".join(counted + ([f"what there is of {' and '.join(uncounted)}"] if uncounted else []))


def _singular(table: str) -> str:
    """What a row is called.

    >>> _singular("task_runs")
    'task run'
    """
    return "log line" if table == "logs" else table.removesuffix("s").replace("_", " ")


def _unknown(api: "SyncHeadraceClient", error: ObjectNotFound) -> CommandFailed:
    return CommandFailed(f"{api.api_url} knows no operations ({error}): is it a headrace server of this version?")
