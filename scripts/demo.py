"""Run the examples against a server of their own, as a user's processes would, and show what was recorded.

`make demo` runs this; with `--keep` the server stays up afterwards.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from headrace.cli.display import duration
from headrace.cli.local_server import launch, stop
from headrace.cli.states import state_style
from headrace.client.orchestration import SyncHeadraceClient, get_client
from headrace.client.schemas.filters import FlowRunFilter, FlowRunFilterId, LogFilter, LogFilterFlowRunId
from headrace.client.schemas.objects import Flow, FlowRun, Log, TaskRun
from headrace.client.schemas.sorting import FlowRunSort, LogSort, TaskRunSort
from headrace.settings import reload
from headrace.settings.announcement import Announcement
from scripts.demo_delete import delete
from scripts.demo_work import work

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = {"parallel_map.py": 0, "subflow.py": 0, "async_flow.py": 0, "failing.py": 1}
"""The examples in the order they run, with the exit code each must have."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main() -> int:
    """Run everything; 0 if each example ended as it should and was recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the server running")
    keep = parser.parse_args().keep
    begun = time.monotonic()
    with server(keep) as serving:
        console.print(f"\n[bold]A server is up[/] at {serving.url}, recording to {serving.database}", soft_wrap=True)
        ended = [run_example(name, exit_code) for name, exit_code in EXAMPLES.items()]
        with get_client(sync_client=True) as client:
            recorded = show(client)
            worked = work(console, client) and delete(console, client)
        console.print(f"\nAll of this took {duration(time.monotonic() - begun)}.")
        if keep:
            tell_how_to_go_on(serving)
    return 0 if all(ended) and recorded and worked else 1


@contextlib.contextmanager
def server(keep: bool) -> Iterator[Announcement]:
    """A server on a fresh home folder and a free port; this process and its children use it."""
    home = Path(tempfile.mkdtemp(prefix="headrace-demo-"))
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        del os.environ[name]
    os.environ["HEADRACE_HOME"] = str(home)
    kept = False
    try:
        serving = launch(home, ["--host", "127.0.0.1", "--port", "0"])
        try:
            os.environ["HEADRACE_API_URL"] = serving.url
            reload()
            yield serving
            kept = keep
        finally:
            if not kept:
                stop(serving)
    finally:
        if not kept:
            shutil.rmtree(home)


def run_example(name: str, exit_code: int) -> bool:
    """Run one example in a process of its own, its output indented; True if it ended as it should."""
    console.print(f"\n[bold cyan]$ python examples/{name}[/]")
    process = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name)],
        env=os.environ | {"HEADRACE_LOGGING_COLORS": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    as_expected = process.returncode == exit_code
    for line in shortened(process.stdout.splitlines()) if as_expected else process.stdout.splitlines():
        console.print(Text(f"  {line}", style="dim"), soft_wrap=True)
    if not as_expected:
        console.print(f"[bold red]examples/{name} ended with {process.returncode}, not {exit_code}[/]")
    elif exit_code:
        console.print(f"  [dim]exit code {exit_code}, as it should be: this one shows what is kept of a failure[/]")
    return as_expected


def shortened(lines: list[str], limit: int = 12) -> list[str]:
    """The lines without the middle, if they are many."""
    if len(lines) <= limit:
        return lines
    half = limit // 2
    return [*lines[:half], f"… {len(lines) - 2 * half} more lines …", *lines[-half:]]


def show(client: SyncHeadraceClient) -> bool:
    """Print what the API has recorded; True if it has flow runs, task runs and log lines."""
    runs = client.read_flow_runs(sort=FlowRunSort.START_TIME_ASC, limit=None)
    flows = {flow.id: flow for flow in client.read_flows(limit=None)}
    ids = [run.id for run in runs]
    tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids)),
        sort=TaskRunSort.EXPECTED_START_TIME_ASC,
        limit=None,
    )
    logs = client.read_logs(log_filter=LogFilter(flow_run_id=LogFilterFlowRunId(any_=ids)), sort=LogSort.TIMESTAMP_ASC)
    console.print("\n[bold]What was recorded, read back over the API[/]")
    console.print(flow_run_table(client, runs, flows, tasks, logs))
    console.print(task_run_table(runs, flows, tasks))
    console.print(log_table(runs, logs))
    console.print(f"{len(runs)} flow runs, {len(tasks)} task runs, {len(logs)} log lines", style="bold")
    return bool(runs and tasks and logs)


def flow_run_table(
    client: SyncHeadraceClient, runs: list[FlowRun], flows: dict, tasks: list[TaskRun], logs: list[Log]
) -> Table:
    """One row a flow run, with its whole history of states; a subflow's run stands under its parent's."""
    table = new_table("Flow runs", "Flow", "Run", "States", "Took", "Tasks", "Logs")
    children = {task.id for task in tasks}
    for run in runs:
        states = client.read_flow_run_states(run.id)
        nested = run.parent_task_run_id in children
        table.add_row(
            f"{'└ ' if nested else ''}{flows[run.flow_id].name}",
            run.name,
            Text(" → ").join(Text(state.name, style=state_style(state.type)) for state in states),
            duration(run.total_run_time),
            str(sum(task.flow_run_id == run.id for task in tasks)),
            str(sum(line.flow_run_id == run.id for line in logs)),
        )
    return table


def task_run_table(runs: list[FlowRun], flows: dict, tasks: list[TaskRun]) -> Table:
    """One row a task run, by flow run."""
    flow_of = {run.id: flows[run.flow_id] for run in runs}
    table = new_table("Task runs", "Flow", "Task run", "State", "Attempts", "Took", "Message")
    for run in runs:
        flow: Flow = flow_of[run.id]
        for task in (task for task in tasks if task.flow_run_id == run.id):
            message = task.state.message if task.state and task.state.type != "COMPLETED" else ""
            table.add_row(
                flow.name,
                task.name,
                Text(task.state_name or "", style=state_style(task.state_type)),
                str(task.run_count),
                duration(task.total_run_time),
                (message or "").splitlines()[0] if message else "",
            )
    return table


def log_table(runs: list[FlowRun], logs: list[Log]) -> Table:
    """The lines that the flows and tasks logged themselves, cut to one row each."""
    names = {run.id: run.name for run in runs}
    table = new_table("Log lines (the last 10)", "Time", "Run", "Level", "Message")
    for line in logs[-10:]:
        table.add_row(
            f"{line.timestamp.astimezone():%H:%M:%S}.{line.timestamp.microsecond // 1000:03}",
            names.get(line.flow_run_id, ""),
            {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}.get(line.level, str(line.level)),
            line.message.splitlines()[0] if line.message else "",
        )
    return table


def new_table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in {"Took", "Tasks", "Logs", "Attempts"} else "left")
    return table


def tell_how_to_go_on(serving: Announcement) -> None:
    home = os.environ["HEADRACE_HOME"]
    console.print(
        f"\nThe server stays up: {serving.url.rsplit('/', 1)[0]}/docs\n"
        f"  look around   HEADRACE_HOME={home} .venv/bin/headrace flow-run ls\n"
        f"  stop it       HEADRACE_HOME={home} .venv/bin/headrace server stop",
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
