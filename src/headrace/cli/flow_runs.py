"""`headrace flow-run`."""

from typing import Annotated

from cyclopts import App, Parameter

from headrace.cli import run_cancelling, run_deleting, run_logs
from headrace.cli.display import ago, duration, local
from headrace.cli.output import Column, ListOutput, Output, show_facts, show_json, show_list
from headrace.cli.run_filters import RunFilters
from headrace.cli.session import client, named, parse_id
from headrace.cli.states import state_style
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import (
    FlowFilter,
    FlowFilterId,
)
from headrace.wire.flow_runs import FlowRun
from headrace.wire.sorts import FlowRunSort

app = App(name="flow-run", help="List, inspect, execute, cancel and delete flow runs, and read their logs.")
app.command(run_logs.logs)
app.command(run_cancelling.cancel)
app.command(run_cancelling.cancellation)
app.command(run_deleting.delete)
app.command("headrace.cli.flow_run_execution:execute", name="execute", help="Execute a run of a deployment here.")

NOUN = "flow run"


@app.command
def ls(
    *,
    flow: list[str] | None = None,
    state: list[str] | None = None,
    tag: list[str] | None = None,
    since: str | None = None,
    limit: Annotated[int, Parameter(alias="-n")] = 15,
    output: ListOutput = "table",
) -> None:
    """List flow runs, the one started last first.

    Try:

        headrace flow-run ls --state Failed --since 24h
        headrace flow-run ls --flow etl --flow report -n 50
        headrace flow-run ls --state Late -o id | headrace flow-run cancel --stdin

    Args:
        flow: Only runs of the flow of this name; may be given several times.
        state: Only runs in this state, a type such as Failed or a name such as Late; may be given several times.
        tag: Only runs with this tag; given several times, with all of them.
        since: Only runs that started in this length of time up to now, such as 30m, 24h or 7d.
        limit: The most runs to list, 15 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    chosen = RunFilters(states=state, tags=tag, flows=flow, since=since)
    with client() as api:
        runs = api.read_flow_runs(
            flow_filter=chosen.of_flows(),
            flow_run_filter=chosen.of_runs(),
            sort=FlowRunSort.START_TIME_DESC,
            limit=limit,
        )
        if output != "table":
            show_list(runs, [], output)
            return
        named_by = FlowFilter(id=FlowFilterId(any_=list({run.flow_id for run in runs})))
        flows = api.read_flows(flow_filter=named_by, limit=None)
    names = {found.id: found.name for found in flows}
    columns = [
        Column[FlowRun]("ID", lambda run: str(run.id)),
        Column[FlowRun]("Flow", lambda run: names.get(run.flow_id, "")),
        Column[FlowRun]("Name", lambda run: run.name),
        Column[FlowRun]("State", lambda run: run.state_name or "", lambda run: state_style(run.state_type)),
        Column[FlowRun]("Started", lambda run: ago(run.start_time or run.expected_start_time)),
        Column[FlowRun]("Took", lambda run: duration(run.estimated_run_time) if run.start_time else ""),
    ]
    show_list(runs, columns, output, "No flow run matches. headrace flow-run ls without filters lists the latest.")


@app.command
def inspect(run: str, /, *, output: Output = "table") -> None:
    """Show everything about one flow run.

    Try:

        headrace flow-run inspect RUN_ID -o json

    Args:
        run: The id of the run.
        output: Lines for people or JSON for programs.
    """
    id = parse_id(run, NOUN)
    with client() as api:
        try:
            found = api.read_flow_run(id)
        except ObjectNotFound as error:
            raise named(error, id, NOUN) from error
        if output == "json":
            show_json(found)
            return
        flow = api.read_flow(found.flow_id)
    show_facts(_facts(found, flow.name), output)


def _facts(run: FlowRun, flow: str) -> dict[str, str | None]:
    state = run.state
    return {
        "id": str(run.id),
        "name": run.name,
        "flow": flow,
        "state": run.state_name,
        "message": state.message if state else None,
        "created": local(run.created),
        "started": local(run.start_time),
        "ended": local(run.end_time),
        "due": local(run.next_scheduled_start_time),
        "took": duration(run.estimated_run_time) if run.start_time else None,
        "attempts": str(run.run_count),
        "parameters": ", ".join(f"{name}={value!r}" for name, value in run.parameters.items()) or None,
        "tags": ", ".join(run.tags) or None,
        "version": run.flow_version,
        "parent task run": str(run.parent_task_run_id) if run.parent_task_run_id else None,
        "deployment": str(run.deployment_id) if run.deployment_id else None,
    }
