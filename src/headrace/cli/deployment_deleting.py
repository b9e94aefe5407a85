"""`headrace deployment delete`."""

from typing import Annotated

from cyclopts import Parameter

from headrace.cli import operating
from headrace.cli.deployment_names import NOUN, find
from headrace.cli.operating import DryRun, Everything, Manner, Reason, Wait
from headrace.cli.output import Output
from headrace.cli.session import Stdin, Yes, client, piped
from headrace.wire.filters import DeploymentFilter, FlowFilter, FlowFilterName, WorkPoolFilter
from headrace.wire.filters.deployments import DeploymentFilterTags, DeploymentOrFlowNameFilter
from headrace.wire.filters.work_pools import WorkPoolFilterName
from headrace.wire.operations import OperationNoun, TargetFilters


def delete(
    *deployments: str,
    stdin: Stdin = False,
    name: str | None = None,
    flow: list[str] | None = None,
    tag: list[str] | None = None,
    pool: Annotated[list[str] | None, Parameter(name=["--pool", "--work-pool"])] = None,
    everything: Everything = False,
    dry_run: DryRun = False,
    reason: Reason = None,
    yes: Yes = False,
    wait: Wait = True,
    output: Output = "table",
) -> None:
    """Delete deployments with their schedules and the runs that have not begun; other runs stay.

    headrace undo gives them back. Asks first when someone is at the terminal and it is about many.

    Try:

        headrace deployment delete etl/nightly
        headrace deployment delete --pool mill --dry-run

    Args:
        deployments: Their names as flow/deployment, or their ids.
        name: Only deployments whose name, or whose flow's name, contains this.
        flow: Only deployments of the flow of this name; may be given several times.
        tag: Only deployments with this tag; given several times, with all of them.
        pool: Only deployments in this work pool; may be given several times.
        output: Lines for people or JSON for programs.
    """
    wanted = DeploymentFilter(
        flow_or_deployment_name=DeploymentOrFlowNameFilter(like_=name) if name else None,
        tags=DeploymentFilterTags(all_=tag) if tag else None,
    )
    filters = TargetFilters(
        deployments=wanted if name or tag else None,
        flows=FlowFilter(name=FlowFilterName(any_=flow)) if flow else None,
        work_pools=WorkPoolFilter(name=WorkPoolFilterName(any_=pool)) if pool else None,
    )
    with client() as api:
        ids = list(dict.fromkeys(find(api, reference).id for reference in [*deployments, *piped(stdin)]))
        target = operating.target_of(ids, filters, everything, NOUN, piped=stdin)
        if target is None:
            return
        manner = Manner(yes=yes, dry_run=dry_run, wait=wait, reason=reason, output=output)
        operating.delete(api, OperationNoun.DEPLOYMENTS, target, manner)
