"""`headrace deployment`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import App, Parameter

from headrace.cli import deployment_deleting, deployment_runs, deployment_schedules
from headrace.cli.deployment_names import NOUN, find, ids_of
from headrace.cli.display import ago, local
from headrace.cli.output import Column, ListOutput, Output, show_facts, show_json, show_list
from headrace.cli.session import client, for_each
from headrace.sdk.deploying.telling import in_words, when
from headrace.wire.deployments import Deployment
from headrace.wire.filters import DeploymentFilter, FlowFilter, FlowFilterId, FlowFilterName, WorkPoolFilter
from headrace.wire.filters.deployments import DeploymentFilterTags, DeploymentOrFlowNameFilter
from headrace.wire.filters.work_pools import WorkPoolFilterName
from headrace.wire.sorts import DeploymentSort

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="deployment", help="Run, list, pause and schedule deployments.")
app.command(deployment_runs.run)
app.command(deployment_schedules.app)
app.command(deployment_deleting.delete)


@app.command
def ls(
    *,
    name: str | None = None,
    flow: list[str] | None = None,
    tag: list[str] | None = None,
    pool: list[str] | None = None,
    limit: Annotated[int, Parameter(alias="-n")] = 200,
    output: ListOutput = "table",
) -> None:
    """List deployments, with when they run and where.

    Try:

        headrace deployment ls --pool mill
        headrace deployment ls --tag nightly -o id

    Args:
        name: Only deployments whose name, or whose flow's name, contains this.
        flow: Only deployments of the flow of this name; may be given several times.
        tag: Only deployments with this tag; given several times, with all of them.
        pool: Only deployments in this work pool; may be given several times.
        limit: The most deployments to list, 200 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    wanted = DeploymentFilter(
        flow_or_deployment_name=DeploymentOrFlowNameFilter(like_=name) if name else None,
        tags=DeploymentFilterTags(all_=tag) if tag else None,
    )
    with client() as api:
        found = api.read_deployments(
            deployment_filter=wanted if name or tag else None,
            flow_filter=FlowFilter(name=FlowFilterName(any_=flow)) if flow else None,
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=pool)) if pool else None,
            sort=DeploymentSort.NAME_ASC,
            limit=limit,
        )
        names = _flow_names(api, found) if output == "table" else {}
    columns = [
        Column[Deployment]("ID", lambda each: str(each.id)),
        Column[Deployment]("Name", lambda each: f"{names.get(each.flow_id, '')}/{each.name}"),
        Column[Deployment]("Work pool", lambda each: each.work_pool_name or ""),
        Column[Deployment]("Status", _status, lambda each: "yellow" if each.paused else _colour(each)),
        Column[Deployment]("Runs", lambda each: when(each.schedules, paused=False).removeprefix("runs ")),
        Column[Deployment]("Changed", lambda each: ago(each.updated)),
    ]
    show_list(found, columns, output, "No deployment matches; headrace deploy makes some.")


@app.command
def inspect(deployment: str, /, *, output: Output = "table") -> None:
    """Show everything about a deployment.

    Try:

        headrace deployment inspect etl/nightly
        headrace deployment inspect etl/nightly -o json | jq .pull_steps

    Args:
        deployment: Its name as flow/deployment, or its id.
        output: Lines for people or JSON for programs.
    """
    with client() as api:
        found = find(api, deployment)
        if output == "json":
            show_json(found)
            return
        flow = api.read_flow(found.flow_id).name
    show_facts(_facts(found, flow), output)


@app.command
def pause(*deployments: str) -> None:
    """Let deployments make no more runs by themselves; those they made that have not begun are dropped.

    Try:

        headrace deployment pause etl/nightly

    Args:
        deployments: Their names as flow/deployment, or their ids.
    """
    with client() as api:
        ids = ids_of(api, deployments)
        for_each(ids, NOUN, lambda id: api.set_deployment_paused_state(id, paused=True) or "is paused")


@app.command
def resume(*deployments: str) -> None:
    """Let the schedules of deployments make runs again.

    Try:

        headrace deployment resume etl/nightly

    Args:
        deployments: Their names as flow/deployment, or their ids.
    """
    with client() as api:
        ids = ids_of(api, deployments)
        for_each(ids, NOUN, lambda id: api.set_deployment_paused_state(id, paused=False) or "is resumed")


def _flow_names(api: "SyncHeadraceClient", found: Sequence[Deployment]) -> dict[UUID, str]:
    wanted = FlowFilter(id=FlowFilterId(any_=list({each.flow_id for each in found})))
    return {flow.id: flow.name for flow in api.read_flows(flow_filter=wanted, limit=None)}


def _status(deployment: Deployment) -> str:
    if deployment.paused:
        return "paused"
    return (deployment.status or "NOT_READY").lower().replace("_", " ")


def _colour(deployment: Deployment) -> str:
    return "green" if deployment.status == "READY" else "dim"


def _facts(found: Deployment, flow: str) -> dict[str, str | None]:
    limit = found.global_concurrency_limit
    schedules = [f"{in_words(each.schedule)}{'' if each.active else ' (paused)'}" for each in found.schedules]
    return {
        "id": str(found.id),
        "name": f"{flow}/{found.name}",
        "description": " ".join(found.description.split()) if found.description else None,
        "status": _status(found),
        "schedules": ", ".join(schedules) or None,
        "work pool": found.work_pool_name,
        "work queue": found.work_queue_name,
        "last polled": local(found.last_polled),
        "entrypoint": found.entrypoint,
        "path": found.path,
        "pull steps": ", ".join(name.rpartition(".")[2] for step in found.pull_steps or () for name in step) or None,
        "parameters": ", ".join(f"{name}={value!r}" for name, value in found.parameters.items()) or None,
        "job variables": ", ".join(f"{name}={value!r}" for name, value in found.job_variables.items()) or None,
        "tags": ", ".join(found.tags) or None,
        "version": found.version,
        "concurrency limit": None if limit is None else f"{limit.limit}, {limit.active_slots} taken",
        "created": local(found.created),
        "changed": local(found.updated),
    }
