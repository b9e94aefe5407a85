"""The demo's second half: a worker executes runs of a schedule, and a parent is cancelled with its subflow."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import IO

from rich.console import Console
from rich.text import Text

from headrace.cli.states import state_style
from headrace.client.orchestration import SyncHeadraceClient
from headrace.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterId,
    FlowRunFilterParentTaskRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from headrace.client.schemas.objects import FlowRun, StateType
from headrace.client.schemas.sorting import FlowRunSort
from scripts.demo_shell import HEADRACE, PATIENCE, ROOT, WentWrong, headrace, until

SCHEDULED_RUNS = 2


def work(console: Console, client: SyncHeadraceClient) -> bool:
    """Show both; True if all came as it should."""
    console.print("\n[bold]Deployments, a worker, and a run that is cancelled[/]\n")
    try:
        headrace(console, "work-pool", "create", "mill", "--type", "process")
        with _worker(console) as output:
            try:
                until(lambda: client.read_workers_for_work_pool("mill"), "the worker is online")
                _scheduled(console, client)
                _cancelled(console, client)
            except WentWrong:
                console.print(f"The worker said:\n{_read(output)}", markup=False)
                raise
    except WentWrong as error:
        console.print(f"[bold red]{error}[/]")
        return False
    return True


@contextlib.contextmanager
def _worker(console: Console) -> Iterator[IO[bytes]]:
    """A worker of the pool; at the end of the block it stops as for Ctrl-C."""
    command = ["worker", "start", "--pool", "mill", "--name", "miller"]
    console.print(f"[bold cyan]$ headrace {' '.join(command)} &[/]")
    environ = os.environ | {"HEADRACE_WORKER_QUERY_SECONDS": "0.5"}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([HEADRACE, *command], cwd=ROOT, env=environ, stdout=output, stderr=output)
        try:
            yield output
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _scheduled(console: Console, client: SyncHeadraceClient) -> None:
    """A deployment on a schedule, until the worker has executed some of its runs."""
    headrace(
        console,
        *("deploy", "examples/served.py:water_level", "--name", "each-second", "--pool", "mill", "--interval", "1"),
    )
    deployment = client.read_deployment_by_name("water-level/each-second")

    def ended() -> list[FlowRun]:
        return client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED])),
            ),
            sort=FlowRunSort.START_TIME_ASC,
        )

    until(lambda: len(ended()) >= SCHEDULED_RUNS, "the worker has executed the runs of the schedule")
    headrace(console, "deployment", "pause", "water-level/each-second")
    for run in ended()[:SCHEDULED_RUNS]:
        console.print(
            f"  [dim]{run.name}: due at {run.expected_start_time.astimezone():%H:%M:%S}, begun "
            f"{_after(run.expected_start_time, run.start_time)} after that by the worker,[/] "
            f"[green]{run.state_name}[/]"
        )


def _cancelled(console: Console, client: SyncHeadraceClient) -> None:
    """A run whose subflow goes on for hours, cancelled as soon as that runs."""
    headrace(console, "deploy", "examples/cancelled.py:fill_basin", "--name", "by-hand", "--pool", "mill")
    deployment = client.read_deployment_by_name("fill-basin/by-hand")
    parent = client.create_flow_run_from_deployment(deployment.id, name="a-basin-too-deep")
    console.print("[bold cyan]$ headrace deployment run fill-basin/by-hand[/]")
    until(lambda: len(_running(client, parent)) == 1, "the subflow runs")
    subflow = _running(client, parent)[0]
    began = time.monotonic()
    headrace(console, "flow-run", "cancel", str(parent.id))
    for run in (parent, subflow):
        until(lambda run=run: client.read_flow_run(run.id).state.is_final(), f"{run.name} is cancelled")
    seconds = time.monotonic() - began
    for run, mark in ((parent, ""), (subflow, "└ ")):
        states = client.read_flow_run_states(run.id)
        way = Text(" → ").join(Text(state.name, style=state_style(state.type)) for state in states)
        console.print(Text(f"  {mark}{run.name}: ") + way)
    until(lambda: client.read_cancellation(parent.id).killed_at is not None, "the worker has seen the process end")
    how = client.read_cancellation(parent.id)
    console.print(
        f"  [dim]The {how.told} was told {_after(how.requested_at, how.told_at)} after the request and saw the "
        f"processes end after {_after(how.requested_at, how.killed_at)} ({how.infrastructure}). Parent and subflow "
        f"were over after {seconds:.1f} s.[/]",
        soft_wrap=True,
    )


def _running(client: SyncHeadraceClient, parent: FlowRun) -> list[FlowRun]:
    """The subflows of a run that run now."""
    tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[parent.id])))
    ids = [task.id for task in tasks]
    if not ids:
        return []
    below = FlowRunFilter(parent_task_run_id=FlowRunFilterParentTaskRunId(any_=ids))
    found = client.read_flow_runs(flow_run_filter=below)
    return [run for run in found if run.state_type is StateType.RUNNING]


def _after(begin, then) -> str:
    return "never" if then is None else f"{(then - begin).total_seconds():.2f} s"


def _read(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")
