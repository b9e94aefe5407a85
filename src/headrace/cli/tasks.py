"""`headrace task`."""

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from headrace.cli.display import ago
from headrace.cli.errors import UsageError
from headrace.cli.output import Column, ListOutput, show_list
from headrace.cli.session import client
from headrace.wire.background_tasks import TaskQueueLine
from headrace.wire.task_workers import TaskWorker

app = App(name="task", help="Execute background tasks, and see who does.")


class _Line(TaskQueueLine, kw_only=True):
    """A line of the queue as lists show it."""

    @property
    def id(self) -> str:
        return self.task_key


class _Connected(TaskWorker, kw_only=True):
    """A worker as lists show it."""

    @property
    def id(self) -> str:
        return self.identifier


@app.command
def serve(
    *entrypoints: str,
    module: Annotated[list[str] | None, Parameter(alias="-m")] = None,
    limit: Annotated[int, Parameter(alias="-l")] = 10,
) -> None:
    """Execute what is delayed of some tasks, until it is told to stop.

    Ctrl-C and SIGTERM let what is under way come to its end; a second one crashes it and stops at once.

    Try:

        headrace task serve tasks.py
        headrace task serve tasks.py:resize tasks.py:notify --limit 4
        headrace task serve -m company.tasks

    Args:
        entrypoints: The tasks, each as path/to/file.py:task; a file alone stands for all tasks that it defines.
        module: All tasks of the module with this name; may be given often.
        limit: How many runs may be executed at once, 10 if not given; 0 sets no limit.
    """
    from headrace.sdk.background.entrypoints import load_module_tasks, load_tasks
    from headrace.sdk.background.serving import serve as serve_tasks

    if not entrypoints and not module:
        raise UsageError("Name the tasks to serve, as in: headrace task serve tasks.py")
    if limit < 0:
        raise UsageError(f"The limit is {limit}: give 1 or more, or 0 for no limit.")
    tasks = [task for entrypoint in entrypoints for task in load_tasks(entrypoint)]
    tasks += [task for name in module or () for task in load_module_tasks(name)]
    serve_tasks(*tasks, limit=limit or None)


@app.command
def workers(*, output: ListOutput = "table") -> None:
    """List the processes that are connected and wait for tasks.

    Try:

        headrace task workers
        headrace task workers -o json

    Args:
        output: A table for people, JSON for programs, or bare identifiers for pipes.
    """
    with client() as api:
        found = [msgspec.convert(one, _Connected, from_attributes=True) for one in api.read_task_workers()]
    columns = [
        Column[_Connected]("Worker", lambda worker: worker.identifier),
        Column[_Connected]("Seen", lambda worker: ago(worker.timestamp)),
        Column[_Connected]("Tasks", lambda worker: ", ".join(worker.task_keys)),
    ]
    show_list(found, columns, output, "No task worker is connected. Start one with: headrace task serve tasks.py")


@app.command
def queue(*, output: ListOutput = "table") -> None:
    """Show what is delayed and has not begun: what waits for a worker, is due later, or is at a worker already.

    Try:

        headrace task queue

    Args:
        output: A table for people, JSON for programs, or bare keys of tasks for pipes.
    """
    with client() as api:
        lines = [msgspec.convert(one, _Line, from_attributes=True) for one in api.read_task_queue()]
    columns = [
        Column[_Line]("Task", lambda line: line.task_key),
        Column[_Line]("Waiting", lambda line: str(line.waiting)),
        Column[_Line]("Since", lambda line: ago(line.oldest) if line.oldest else ""),
        Column[_Line]("Later", lambda line: str(line.later)),
        Column[_Line]("Delivered", lambda line: str(line.delivered)),
        Column[_Line]("Tries", lambda line: str(line.deliveries)),
    ]
    show_list(lines, columns, output, "Nothing is queued: all that was delayed has begun.")
