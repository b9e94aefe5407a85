"""`headrace undo`."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from cyclopts import Parameter

from headrace.cli import operating
from headrace.cli.display import ago, amount
from headrace.cli.errors import CommandFailed
from headrace.cli.following import one
from headrace.cli.operating import Manner, Reason, Wait
from headrace.cli.output import Output, ask, tell
from headrace.cli.session import Yes, client, operation_id
from headrace.wire.errors import ObjectNotFound
from headrace.wire.operations import ConflictResolution, Operation, OperationKind

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

_LOOKED_AT = 200
OnConflict = Annotated[
    Literal["fail", "skip", "rename"],
    Parameter(help="What is done about names taken since: nothing is restored, all others are, or they are renamed."),
]
_WAYS_OUT = {
    "fail": "headrace undo {id} --on-conflict skip leaves these out; rename gives them new names.",
    "skip": "headrace undo {id} --on-conflict rename restores these as well, under new names.",
}


def undo(
    operation: str | None = None,
    /,
    *,
    on_conflict: OnConflict = "fail",
    reason: Reason = None,
    yes: Yes = False,
    wait: Wait = True,
    output: Output = "table",
) -> None:
    """Give back what a delete has deleted, by default the last one that was asked for; or take back a restore.

    Asks first when someone is at the terminal and no operation is named.

    Try:

        headrace undo
        headrace undo OPERATION_ID

    Args:
        operation: The id of the operation, as headrace op ls lists them.
        output: Lines for people or JSON for programs.
    """
    with client() as api:
        id = _last(api, yes=yes) if operation is None else operation_id(operation)
        try:
            undoing = api.undo_operation(id, on_conflict=ConflictResolution(on_conflict), reason=reason)
        except ObjectNotFound:
            raise CommandFailed(f"There is no operation {id}; headrace op ls shows those there are.") from None
        try:
            operating.finish(api, undoing, Manner(wait=wait, output=output))
            _tell_of_policy(api, id)
        except CommandFailed:
            if on_conflict != "rename" and operating.has_conflicts(api, undoing.id):
                tell(_WAYS_OUT[on_conflict].format(id=id))
            raise


def _tell_of_policy(api: "SyncHeadraceClient", id: UUID) -> None:
    """Say so if what came back is about to go again."""
    policy = api.read_operation(id).policy
    if policy is None:
        return
    with suppress(ObjectNotFound):
        api.read_retention_policy(policy)
        unset = f"headrace retention unset {policy}"
        tell(f"The policy {policy} is still set, and takes what is due again within an hour: {unset} ends it.")


def _last(api: "SyncHeadraceClient", *, yes: bool) -> UUID:
    """The last delete that somebody asked for and that can be undone; those of retention policies are not meant."""
    found = api.read_operations(kind=OperationKind.DELETE, limit=_LOOKED_AT)
    last = next((one for one in found if one.undoable and one.policy is None), None)
    if last is None:
        raise CommandFailed("There is nothing to undo; headrace op ls lists what was done.")
    told = _told(last)
    if not yes and sys.stdin.isatty():
        if not ask(f"Undo the delete of {told}?"):
            raise CommandFailed("Nothing is undone.")
    else:
        tell(f"Undoing the delete of {told}.")
    return last.id


def _told(operation: Operation) -> str:
    by = operation.created_by
    who = f" by {by.display_value}" if by is not None and by.display_value else ""
    why = f" ({operation.reason})" if operation.reason else ""
    many = operation.counts.get(operation.noun, operation.changed)
    return f"{amount(many, one(operation))}, asked for {ago(operation.created)}{who}{why}"
