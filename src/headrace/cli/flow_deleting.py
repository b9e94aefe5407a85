"""`headrace flow delete`."""

from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli import operating
from headrace.cli.flow_names import ids_of
from headrace.cli.operating import DryRun, Everything, Manner, NoChildren, Reason, Wait
from headrace.cli.output import Output
from headrace.cli.session import Stdin, Yes, client, piped
from headrace.wire.filters import (
    FlowFilter,
    FlowFilterId,
    FlowFilterName,
    FlowFilterTags,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from headrace.wire.operations import OperationNoun, Target, TargetFilters
from headrace.wire.states import TERMINAL_STATES, StateType

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient


def delete(
    *flows: str,
    stdin: Stdin = False,
    name: str | None = None,
    tag: list[str] | None = None,
    everything: Everything = False,
    no_children: NoChildren = False,
    dry_run: DryRun = False,
    reason: Reason = None,
    yes: Yes = False,
    wait: Wait = True,
    output: Output = "table",
) -> None:
    """Delete flows with their deployments and all their runs; headrace undo gives them back.

    Asks first when someone is at the terminal and many runs go along, or some that are not over.

    Try:

        headrace flow delete etl --dry-run
        headrace flow delete etl

    Args:
        flows: The names or ids of the flows.
        name: Only flows whose name contains this.
        tag: Only flows with this tag; given several times, with all of them.
        output: Lines for people or JSON for programs.
    """
    filters = TargetFilters(flows=_filter(name, tag))
    with client() as api:
        ids = ids_of(api, [*flows, *piped(stdin)])
        target = operating.target_of(ids, filters, everything, "flow", piped=stdin)
        if target is None:
            return
        manner = Manner(yes=yes, dry_run=dry_run, wait=wait, reason=reason, output=output)
        operating.delete(
            api,
            OperationNoun.FLOWS,
            target,
            manner,
            children=not no_children,
            active=lambda: _active(api, target),
        )


def _filter(name: str | None, tags: list[str] | None) -> FlowFilter | None:
    if not name and not tags:
        return None
    return FlowFilter(
        name=FlowFilterName(like_=name) if name else None, tags=FlowFilterTags(all_=tags) if tags else None
    )


def _active(api: "SyncHeadraceClient", target: Target) -> int:
    """How many runs of the flows are not over."""
    ids: list[UUID] | None = target.ids
    flows = FlowFilter(id=FlowFilterId(any_=ids)) if ids else target.filters.flows if target.filters else None
    types = [type_ for type_ in StateType if type_ not in TERMINAL_STATES]
    open_ = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=types)))
    return api.count_flow_runs(flow_filter=flows, flow_run_filter=open_)
