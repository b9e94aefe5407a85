"""`headrace flow`."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from headrace.cli.display import ago, local
from headrace.cli.flow_deleting import delete
from headrace.cli.flow_names import find
from headrace.cli.output import Column, ListOutput, Output, show_facts, show_json, show_list
from headrace.cli.session import client
from headrace.wire.filters import FlowFilter, FlowFilterId, FlowFilterName
from headrace.wire.flows import Flow
from headrace.wire.sorts import FlowSort

if TYPE_CHECKING:
    pass

app = App(name="flow", help="List, inspect and serve flows.")
app.command(delete)
app.command("headrace.cli.flow_serving:serve", name="serve", help="Make a deployment and execute its runs.")


@app.command
def ls(
    *,
    name: str | None = None,
    limit: Annotated[int, Parameter(alias="-n")] = 15,
    output: ListOutput = "table",
) -> None:
    """List flows, the newest first.

    Try:

        headrace flow ls --name etl

    Args:
        name: Only flows whose name contains this.
        limit: The most flows to list, 15 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    with client() as api:
        flows = api.read_flows(
            flow_filter=FlowFilter(name=FlowFilterName(like_=name)) if name else None,
            sort=FlowSort.CREATED_DESC,
            limit=limit,
        )
    columns = [
        Column[Flow]("ID", lambda flow: str(flow.id)),
        Column[Flow]("Name", lambda flow: flow.name),
        Column[Flow]("Tags", lambda flow: ", ".join(flow.tags)),
        Column[Flow]("Created", lambda flow: ago(flow.created)),
    ]
    show_list(flows, columns, output, "No flow matches; a flow is recorded when it first runs.")


@app.command
def inspect(flow: str, /, *, output: Output = "table") -> None:
    """Show one flow and how many runs it has.

    Try:

        headrace flow inspect etl

    Args:
        flow: The flow's name or id.
        output: Lines for people or JSON for programs.
    """
    with client() as api:
        found = find(api, flow)
        if output == "json":
            show_json(found)
            return
        runs = api.count_flow_runs(flow_filter=FlowFilter(id=FlowFilterId(any_=[found.id])))
    facts: dict[str, str | None] = {
        "id": str(found.id),
        "name": found.name,
        "created": local(found.created),
        "tags": ", ".join(found.tags) or None,
        "runs": str(runs),
    }
    show_facts(facts, output)
