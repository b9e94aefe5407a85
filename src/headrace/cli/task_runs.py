"""`headrace task-run`."""

from typing import Annotated

from cyclopts import App, Parameter

from headrace.cli.display import ago, duration, local
from headrace.cli.output import Column, ListOutput, Output, show_facts, show_json, show_list
from headrace.cli.session import client, named, parse_id
from headrace.cli.states import state_style, types_and_names
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    Operator,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateName,
    TaskRunFilterStateType,
)
from headrace.wire.sorts import TaskRunSort
from headrace.wire.task_runs import TaskRun

app = App(name="task-run", help="List and inspect task runs.")

NOUN = "task run"


@app.command
def ls(
    *,
    flow_run: str | None = None,
    state: list[str] | None = None,
    limit: Annotated[int, Parameter(alias="-n")] = 15,
    output: ListOutput = "table",
) -> None:
    """List task runs, the one due last first.

    Try:

        headrace task-run ls --flow-run RUN_ID
        headrace task-run ls --state Failed -o json

    Args:
        flow_run: Only task runs of the flow run with this id.
        state: Only task runs in this state, a type such as Failed or a name such as Retrying; may be given often.
        limit: The most task runs to list, 15 if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    within = FlowRunFilter(id=FlowRunFilterId(any_=[parse_id(flow_run, "flow run")])) if flow_run else None
    with client() as api:
        runs = api.read_task_runs(
            flow_run_filter=within,
            task_run_filter=_in_states(state) if state else None,
            sort=TaskRunSort.EXPECTED_START_TIME_DESC,
            limit=limit,
        )
    columns = [
        Column[TaskRun]("ID", lambda run: str(run.id)),
        Column[TaskRun]("Name", lambda run: run.name),
        Column[TaskRun]("State", lambda run: run.state_name or "", lambda run: state_style(run.state_type)),
        Column[TaskRun]("Started", lambda run: ago(run.start_time or run.expected_start_time)),
        Column[TaskRun]("Took", lambda run: duration(run.estimated_run_time) if run.start_time else ""),
        Column[TaskRun]("Attempts", lambda run: str(run.run_count)),
    ]
    show_list(runs, columns, output, "No task run matches. headrace task-run ls without filters lists the latest.")


@app.command
def inspect(run: str, /, *, output: Output = "table") -> None:
    """Show everything about one task run.

    Args:
        run: The id of the task run.
        output: Lines for people or JSON for programs.
    """
    id = parse_id(run, NOUN)
    with client() as api:
        try:
            found = api.read_task_run(id)
        except ObjectNotFound as error:
            raise named(error, id, NOUN) from error
    if output == "json":
        show_json(found)
        return
    show_facts(_facts(found), output)


def _in_states(words: list[str]) -> TaskRunFilter:
    types, names = types_and_names(words)
    return TaskRunFilter(
        state=TaskRunFilterState(
            operator=Operator.or_,
            type=TaskRunFilterStateType(any_=types) if types else None,
            name=TaskRunFilterStateName(any_=names) if names else None,
        )
    )


def _facts(run: TaskRun) -> dict[str, str | None]:
    return {
        "id": str(run.id),
        "name": run.name,
        "task": run.task_key,
        "flow run": str(run.flow_run_id) if run.flow_run_id else None,
        "state": run.state_name,
        "message": run.state.message if run.state else None,
        "created": local(run.created),
        "started": local(run.start_time),
        "ended": local(run.end_time),
        "took": duration(run.estimated_run_time) if run.start_time else None,
        "attempts": str(run.run_count),
        "tags": ", ".join(run.tags) or None,
        "cache key": run.cache_key,
    }
