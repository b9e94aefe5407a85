"""`headrace trash`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import uuid4

from cyclopts import App, Parameter

from headrace.cli import operating
from headrace.cli.display import ago, amount
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.operating import DryRun, Everything, Manner, Reason, Wait, name_of
from headrace.cli.output import Column, ListOutput, Output, show_facts, show_json, show_list, tell
from headrace.cli.prompting import ask_text
from headrace.cli.run_filters import RunFilters
from headrace.cli.session import Stdin, Yes, client, gather_some_ids, operation_id
from headrace.cli.undo import OnConflict
from headrace.wire.errors import ObjectNotFound
from headrace.wire.operations import (
    ConflictResolution,
    OperationCreate,
    OperationKind,
    OperationNoun,
    OperationOptions,
    OperationPreview,
    Target,
    TargetFilters,
    TrashItem,
)

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="trash", help="See what was deleted, give it back, or remove it for good.")

Noun = Literal[
    "flows", "flow-runs", "task-runs", "deployments", "artifacts", "variables", "block-documents", "automations"
]
OfOperation = Annotated[str | None, Parameter(name="--operation", help="Only what this operation has deleted.")]
_CHILDREN_FIRST = (
    *(OperationNoun.ARTIFACTS, OperationNoun.TASK_RUNS, OperationNoun.FLOW_RUNS, OperationNoun.DEPLOYMENTS),
    *(OperationNoun.FLOWS, OperationNoun.VARIABLES, OperationNoun.BLOCK_DOCUMENTS, OperationNoun.AUTOMATIONS),
)


@app.command
def ls(
    name: str | None = None,
    /,
    *,
    noun: Noun | None = None,
    operation: OfOperation = None,
    limit: Annotated[int, Parameter(alias="-n")] = 20,
    output: ListOutput = "table",
) -> None:
    """List what was deleted and can be given back, the latest first.

    Try:

        headrace trash ls
        headrace trash ls nightly --noun deployments
        headrace trash ls --operation OPERATION_ID -o id | headrace trash restore --stdin

    Args:
        name: Only what has this in its name.
        noun: Only what is of this kind.
        limit: The most things to list, 20 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    chosen = None if noun is None else _noun(noun)
    id = None if operation is None else operation_id(operation)
    with client() as api:
        found = api.read_trash(noun=chosen, q=name, operation_id=id, limit=limit)
    columns = [
        Column[TrashItem]("ID", lambda item: str(item.id)),
        Column[TrashItem]("What", lambda item: name_of(item.noun)),
        Column[TrashItem]("Name", lambda item: item.name or ""),
        Column[TrashItem]("State", lambda item: item.state_name or ""),
        Column[TrashItem]("Deleted", lambda item: ago(item.deleted_at)),
        Column[TrashItem]("Purged", lambda item: ago(item.purge_at)),
        Column[TrashItem]("Operation", lambda item: str(item.operation_id)),
    ]
    show_list(found, columns, output, "Nothing in the trash matches.")


@app.command
def summary(*, output: Output = "table") -> None:
    """Show how much is in the trash, and when the next of it is removed for good.

    Try:

        headrace trash summary

    Args:
        output: Lines for people or JSON for programs.
    """
    with client() as api:
        found = api.read_trash_summary()
    if output == "json":
        show_json(found)
        return
    if not found.operations:
        tell("There is nothing in the trash.")
        return
    counts = {table.replace("_", " "): f"{many:,}" for table, many in found.counts.items() if many}
    facts: dict[str, str | None] = {
        **counts,
        "deleted by": amount(found.operations, "operation"),
        "oldest": ago(found.oldest),
        "next purge": ago(found.next_purge) or None,
        "overdue": f"{amount(found.overdue, 'operation')}: is the service purge running?" if found.overdue else None,
    }
    show_facts(facts, output)


@app.command
def restore(
    *ids: str,
    stdin: Stdin = False,
    noun: Noun = "flow-runs",
    operation: OfOperation = None,
    flow: list[str] | None = None,
    state: list[str] | None = None,
    tag: list[str] | None = None,
    name: str | None = None,
    everything: Everything = False,
    on_conflict: OnConflict = "fail",
    dry_run: DryRun = False,
    reason: Reason = None,
    wait: Wait = True,
    output: Output = "table",
) -> None:
    """Give back what was deleted, as it was.

    With --operation all that one operation deleted comes back; otherwise only what is named, with its task runs, logs
    and artifacts: a flow without its deployments and runs, a flow run without its subflow runs.

    Try:

        headrace trash restore RUN_ID
        headrace trash restore --flow etl --state Failed
        headrace trash restore --operation OPERATION_ID --on-conflict rename

    Args:
        ids: The ids of what is to be given back.
        noun: What the ids are of, or what is given back; flow runs if not given.
        flow: Only flow runs of the flow of this name; may be given several times.
        state: Only flow runs in this state; may be given several times.
        tag: Only flow runs with this tag; given several times, with all of them.
        name: Only flow runs whose name contains this.
        output: Lines for people or JSON for programs.
    """
    chosen = RunFilters(states=state, tags=tag, flows=flow, name=name)
    filters = TargetFilters(flow_runs=chosen.of_runs(), flows=chosen.of_flows())
    kind = _noun(noun)
    if kind is not OperationNoun.FLOW_RUNS and filters != TargetFilters():
        raise UsageError("--flow, --state, --tag and --name are of flow runs: leave them out, or --noun.")
    given = gather_some_ids(ids, stdin, name_of(kind))
    if operation is None:
        target = operating.target_of(given, filters, everything, name_of(kind), piped=stdin)
    elif given or everything or filters != TargetFilters():
        raise UsageError("--operation says already what is given back: leave out the rest.")
    else:
        target = Target(operation_id=operation_id(operation))
    if target is None:
        return
    wanted = OperationCreate(
        kind=OperationKind.RESTORE,
        noun=kind,
        target=target,
        options=OperationOptions(on_conflict=ConflictResolution(on_conflict)),
        reason=reason,
    )
    with client() as api:
        operating.carry_out(api, wanted, Manner(yes=True, dry_run=dry_run, wait=wait, reason=reason, output=output))
    if operation is None and not dry_run and kind in _CONTAINERS:
        tell("What was deleted along with them, if anything, comes back by headrace undo, or by --operation.")


@app.command
def empty(
    *,
    operation: OfOperation = None,
    noun: Noun | None = None,
    reason: Reason = None,
    yes: Yes = False,
    wait: Wait = True,
) -> None:
    """Remove what was deleted for good, before its time. This cannot be undone.

    Asks for the number of what it is about; where nobody is at the terminal, say --yes.

    Try:

        headrace trash empty
        headrace trash empty --operation OPERATION_ID --yes

    Args:
        noun: Only what is of this kind.
    """
    if operation is not None and noun is not None:
        raise UsageError("--operation says already what is removed: leave out --noun.")
    with client() as api:
        wanted = _of_operation(api, operation) if operation is not None else _of_nouns(api, noun)
        if not wanted:
            tell("There is nothing in the trash." if noun is None else f"There are no {noun.replace('-', ' ')} in it.")
            return
        if not yes:
            _confirm(wanted)
        for _, one in wanted:
            one.reason = reason
            made = api.create_operation(one, idempotency_key=str(uuid4()))
            operating.finish(api, made, Manner(wait=wait))


_CONTAINERS = (OperationNoun.FLOWS, OperationNoun.DEPLOYMENTS)


def _noun(text: Noun) -> OperationNoun:
    return OperationNoun(text.replace("-", "_"))


_Wanted = Sequence[tuple[int, OperationCreate]]
"""Operations that remove for good, with how many things each is about."""


def _of_operation(api: "SyncHeadraceClient", text: str) -> _Wanted:
    id = operation_id(text)
    try:
        deleted = api.read_operation(id)
    except ObjectNotFound:
        raise CommandFailed(f"There is no operation {id}; headrace op ls shows those there are.") from None
    wanted = OperationCreate(kind=OperationKind.PURGE, noun=deleted.noun, target=Target(operation_id=id))
    return [(deleted.changed, wanted)]


def _of_nouns(api: "SyncHeadraceClient", only: Noun | None) -> _Wanted:
    found: list[tuple[int, OperationCreate]] = []
    for noun in _CHILDREN_FIRST:
        if only is not None and noun is not _noun(only):
            continue
        asked = OperationPreview(kind=OperationKind.PURGE, noun=noun, target=Target(everything=True))
        if total := api.preview_operation(asked).total:
            found.append((total, OperationCreate(kind=asked.kind, noun=noun, target=asked.target)))
    return found


def _confirm(wanted: _Wanted) -> None:
    total = sum(many for many, _ in wanted)
    told = ", ".join(amount(many, name_of(one.noun)) for many, one in wanted)
    if not sys.stdin.isatty():
        raise UsageError(f"{told} would be removed for good: say --yes if that is meant.")
    tell(f"{told} will be removed for good, with their states, logs and artifacts. This cannot be undone.")
    if ask_text(f"Type {total} to go on").replace(",", "") != str(total):
        raise CommandFailed("Nothing is removed.")
