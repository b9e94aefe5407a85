"""`headrace work-queue`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from headrace.cli.display import ago, local
from headrace.cli.due_runs import due_runs, show_due, until
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, ListOutput, Output, ask, show_facts, show_json, show_list, tell
from headrace.cli.session import Yes, client, for_each
from headrace.wire.errors import ObjectAlreadyExists, ObjectNotFound
from headrace.wire.work_queues import WorkQueue

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="work-queue", help="Make, list, pause and limit the queues of work pools.")

NOUN = "work queue"
Pool = Annotated[str, Parameter(name=["--pool", "-p"], help="The work pool that the queue is in.")]


@app.command
def create(
    name: str,
    /,
    *,
    pool: Pool,
    priority: Annotated[int | None, Parameter(alias="-q")] = None,
    concurrency_limit: Annotated[int | None, Parameter(alias="-l")] = None,
    description: Annotated[str | None, Parameter(alias="-d")] = None,
) -> None:
    """Make a queue in a work pool and print its id.

    Try:

        headrace work-queue create urgent --pool mill --priority 1

    Args:
        name: What the queue is called.
        priority: Its place among the queues, 1 comes first and moves the others down; the last if not given.
        concurrency_limit: How many of its runs may be under way at once.
        description: What it is for.
    """
    with client() as api:
        try:
            made = api.create_work_queue(
                name,
                description=description,
                concurrency_limit=concurrency_limit,
                priority=priority,
                work_pool_name=pool,
            )
        except ObjectAlreadyExists:
            raise CommandFailed(
                f"There is a work queue {name} in the work pool {pool} already: choose another name."
            ) from None
        except ObjectNotFound:
            raise _no_pool(pool) from None
    print(made.id)
    tell(f"Work queue {name} is made in the work pool {pool}, with the priority {made.priority}.")


@app.command
def ls(*, pool: Annotated[str | None, Parameter(alias="-p")] = None, output: ListOutput = "table") -> None:
    """List work queues: those of a pool by priority, or all by name.

    Args:
        pool: Only the queues of this work pool.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    with client() as api:
        try:
            found = api.read_work_queues(pool)
        except ObjectNotFound:
            raise _no_pool(pool or "") from None
    columns = [
        Column[WorkQueue]("ID", lambda queue: str(queue.id)),
        Column[WorkQueue]("Name", lambda queue: queue.name),
        Column[WorkQueue]("Pool", lambda queue: queue.work_pool_name or ""),
        Column[WorkQueue]("Priority", lambda queue: str(queue.priority)),
        Column[WorkQueue]("Status", _status, lambda queue: "yellow" if queue.is_paused else ""),
        Column[WorkQueue]("Limit", _limit),
        Column[WorkQueue]("Polled", lambda queue: ago(queue.last_polled)),
    ]
    show_list(found, columns, output, "No work queue matches; each work pool has at least one.")


@app.command
def inspect(name: str, /, *, pool: Pool, output: Output = "table") -> None:
    """Show a work queue and whether its runs are fetched in time.

    Args:
        name: The queue.
        output: Lines for people or JSON for programs.
    """
    with client() as api:
        queue = _find(api, name, pool)
        if output == "json":
            show_json(queue)
            return
        health = api.read_work_queue_status(queue.id)
    facts: dict[str, str | None] = {
        "id": str(queue.id),
        "name": queue.name,
        "pool": queue.work_pool_name,
        "description": queue.description or None,
        "status": _status(queue),
        "priority": str(queue.priority),
        "concurrency limit": _limit(queue) or None,
        "last polled": local(queue.last_polled),
        "late runs": str(health.late_runs_count),
        "created": local(queue.created),
        "changed": local(queue.updated),
    }
    show_facts(facts, output)


@app.command
def pause(*names: str, pool: Pool) -> None:
    """Hand out no runs of work queues; those under way go on.

    Args:
        names: The queues.
    """
    _change(names, pool, "is paused", is_paused=True)


@app.command
def resume(*names: str, pool: Pool) -> None:
    """Hand out runs of work queues again.

    Args:
        names: The queues.
    """
    _change(names, pool, "is resumed", is_paused=False)


@app.command
def set_concurrency_limit(name: str, limit: int, /, *, pool: Pool) -> None:
    """Say how many runs of a work queue may be under way at once.

    Args:
        name: The queue.
        limit: The most runs.
    """
    if limit < 0:
        raise UsageError(f"{limit} is no limit: give 0 or more.")
    _change([name], pool, f"runs at most {limit} at once", concurrency_limit=limit)


@app.command
def clear_concurrency_limit(name: str, /, *, pool: Pool) -> None:
    """Let any number of runs of a work queue be under way at once.

    Args:
        name: The queue.
    """
    _change([name], pool, "has no limit", concurrency_limit=None)


@app.command
def delete(*names: str, pool: Pool, yes: Yes = False) -> None:
    """Delete work queues; their runs stay.

    Asks first when someone is at the terminal.

    Args:
        names: The queues.
    """
    _need(names)
    what = f"work queue {names[0]}" if len(names) == 1 else f"{len(names)} work queues"
    if not yes and sys.stdin.isatty() and not ask(f"Delete {what} of the work pool {pool}?"):
        raise CommandFailed("Nothing is deleted.")
    with client() as api:
        for_each(names, NOUN, lambda name: api.delete_work_queue_by_id(_find(api, name, pool).id) or "is deleted")


@app.command
def preview(name: str, /, *, pool: Pool, within: str = "1h", output: ListOutput = "table") -> None:
    """List the runs of a work queue that are due, the earliest first.

    Args:
        name: The queue.
        within: How far to look ahead, such as 30m; 1h if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    end = until(within)
    with client() as api:
        runs = due_runs(api, end, pool, _find(api, name, pool))
    show_due(runs, output, f"No run of the work queue {name} is due within {within}.")


def _find(api: "SyncHeadraceClient", name: str, pool: str) -> WorkQueue:
    try:
        return api.read_work_queue_by_name(name, pool)
    except ObjectNotFound:
        command = f"headrace work-queue ls --pool {pool}"
        raise CommandFailed(
            f"There is no work queue {name} in the work pool {pool}; {command} shows those there are."
        ) from None


def _no_pool(pool: str) -> CommandFailed:
    return CommandFailed(f"There is no work pool {pool}; headrace work-pool ls shows those there are.")


def _change(names: Sequence[str], pool: str, done: str, **changes: Any) -> None:
    _need(names)
    with client() as api:
        for_each(names, NOUN, lambda name: api.update_work_queue(_find(api, name, pool).id, **changes) or done)


def _need(names: Sequence[str]) -> None:
    if not names:
        raise UsageError("No work queue named: give names; headrace work-queue ls shows them.")


def _status(queue: WorkQueue) -> str:
    if queue.is_paused:
        return "paused"
    return queue.status.value.lower().replace("_", " ") if queue.status is not None else ""


def _limit(queue: WorkQueue) -> str:
    return "" if queue.concurrency_limit is None else f"{queue.active_slots or 0} of {queue.concurrency_limit} taken"
