"""`headrace flow-run delete`."""

from typing import Annotated

from cyclopts import Parameter

from headrace.cli import deployment_names, operating
from headrace.cli.operating import DryRun, Everything, Manner, NoChildren, OlderThan, Reason, Wait
from headrace.cli.output import Output
from headrace.cli.run_filters import RunFilters
from headrace.cli.session import Stdin, Yes, client, gather_some_ids
from headrace.wire.filters import DeploymentFilter, DeploymentFilterId, WorkPoolFilter
from headrace.wire.filters.work_pools import WorkPoolFilterName
from headrace.wire.operations import OperationNoun, TargetFilters

NOUN = "flow run"


def delete(
    *runs: str,
    stdin: Stdin = False,
    flow: list[str] | None = None,
    deployment: list[str] | None = None,
    state: list[str] | None = None,
    tag: list[str] | None = None,
    name: str | None = None,
    pool: Annotated[list[str] | None, Parameter(name=["--pool", "--work-pool"])] = None,
    older_than: OlderThan = None,
    everything: Everything = False,
    no_children: NoChildren = False,
    dry_run: DryRun = False,
    reason: Reason = None,
    yes: Yes = False,
    wait: Wait = True,
    output: Output = "table",
) -> None:
    """Delete flow runs with their task runs, states, logs and artifacts; headrace undo gives them back.

    They are gone from every list at once, and removed for good after a week. Asks first when someone is at the
    terminal and it is about more than 200 runs, or about some that are not over.

    Try:

        headrace flow-run delete RUN_ID
        headrace flow-run delete --state Failed --older-than 30d --dry-run
        headrace flow-run ls --tag test -n 500 -o id | headrace flow-run delete --stdin

    Args:
        runs: The ids of the runs.
        flow: Only runs of the flow of this name; may be given several times.
        deployment: Only runs of this deployment, as flow/deployment or its id; may be given several times.
        state: Only runs in this state, a type such as Failed or a name such as Late; may be given several times.
        tag: Only runs with this tag; given several times, with all of them.
        name: Only runs whose name contains this.
        pool: Only runs in this work pool; may be given several times.
        output: Lines for people or JSON for programs.
    """
    chosen = RunFilters(states=state, tags=tag, flows=flow, name=name, older_than=older_than)
    with client() as api:
        deployments = deployment_names.ids_of(api, deployment) if deployment else None
        filters = TargetFilters(
            flow_runs=chosen.of_runs(),
            flows=chosen.of_flows(),
            deployments=DeploymentFilter(id=DeploymentFilterId(any_=deployments)) if deployments else None,
            work_pools=WorkPoolFilter(name=WorkPoolFilterName(any_=pool)) if pool else None,
        )
        ids = gather_some_ids(runs, stdin, NOUN)
        target = operating.target_of(ids, filters, everything, NOUN, piped=stdin)
        if target is None:
            return
        manner = Manner(yes=yes, dry_run=dry_run, wait=wait, reason=reason, output=output)
        operating.delete(api, OperationNoun.FLOW_RUNS, target, manner, children=not no_children)
