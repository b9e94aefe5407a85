"""`headrace work-pool`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from headrace.cli.automation_files import load
from headrace.cli.display import ago, local
from headrace.cli.due_runs import due_runs, show_due, until
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, ListOutput, Output, ask, show_facts, show_json, show_list, tell
from headrace.cli.session import Yes, client, for_each
from headrace.wire.errors import ObjectAlreadyExists, ObjectNotFound
from headrace.wire.filters import WorkPoolFilter
from headrace.wire.filters.work_pools import WorkPoolFilterType
from headrace.wire.work_pools import WorkPool, WorkPoolCreate, WorkPoolUpdate

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="work-pool", help="Make, list, pause and limit work pools, and see what they would run.")

NOUN = "work pool"
Template = Annotated[
    Path | None, Parameter(name="--base-job-template", allow_leading_hyphen=True, help="A file of JSON or YAML.")
]
Limit = Annotated[int | None, Parameter(help="How many runs of the pool may be under way at once.")]


@app.command
def create(
    name: str,
    /,
    *,
    type: Annotated[str, Parameter(alias="-t")] = "process",
    base_job_template: Template = None,
    description: Annotated[str | None, Parameter(alias="-d")] = None,
    concurrency_limit: Limit = None,
    paused: bool = False,
    overwrite: bool = False,
) -> None:
    """Make a work pool, to which runs are sent to be executed by workers of one type.

    Try:

        headrace work-pool create mill
        headrace work-pool create containers --type docker --concurrency-limit 10

    Args:
        name: What the pool is called.
        type: The type of its workers; process if not given, which runs each flow in a process of the worker's machine.
        description: What it is for.
        paused: Its workers are given no runs until it is resumed.
        overwrite: Change the pool if there is one of that name.
    """
    with client() as api:
        template = _template(base_job_template) if base_job_template else _default_template(api, type)
        body = WorkPoolCreate(
            name=name,
            type=type,
            description=description,
            base_job_template=template,
            concurrency_limit=concurrency_limit,
            is_paused=paused,
        )
        try:
            made = api.create_work_pool(body, overwrite=overwrite)
        except ObjectAlreadyExists:
            raise CommandFailed(
                f"There is a work pool {name} already: choose another name, or change it with --overwrite."
            ) from None
    print(made.id)
    tell(f"Work pool {name} of type {made.type} is made. Start a worker: headrace worker start --pool {name}")


@app.command
def ls(*, type: list[str] | None = None, output: ListOutput = "table") -> None:
    """List work pools by name.

    Args:
        type: Only pools of this type; may be given several times.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    wanted = WorkPoolFilter(type=WorkPoolFilterType(any_=type)) if type else None
    with client() as api:
        found = api.read_work_pools(work_pool_filter=wanted)
    columns = [
        Column[WorkPool]("ID", lambda pool: str(pool.id)),
        Column[WorkPool]("Name", lambda pool: pool.name),
        Column[WorkPool]("Type", lambda pool: pool.type),
        Column[WorkPool]("Status", _status, lambda pool: "yellow" if pool.is_paused else _colour(pool)),
        Column[WorkPool]("Limit", _limit),
        Column[WorkPool]("Changed", lambda pool: ago(pool.updated)),
    ]
    show_list(found, columns, output, "No work pool matches; headrace work-pool create makes one.")


@app.command
def inspect(name: str, /, *, output: Output = "table") -> None:
    """Show a work pool with its queues and workers.

    Args:
        name: The pool.
        output: Lines for people or JSON for programs.
    """
    with client() as api:
        pool = _find(api, name)
        if output == "json":
            show_json(pool)
            return
        queues, workers = api.read_work_queues(name), api.read_workers_for_work_pool(name)
    variables: dict[str, Any] = pool.base_job_template.get("variables", {}).get("properties", {})
    facts: dict[str, str | None] = {
        "id": str(pool.id),
        "name": pool.name,
        "type": pool.type,
        "description": pool.description or None,
        "status": _status(pool),
        "concurrency limit": _limit(pool) or None,
        "job variables": ", ".join(variables) or None,
        "created": local(pool.created),
        "changed": local(pool.updated),
    }
    show_facts(facts, output)
    print("\n".join(["", "queues", *(f"  {each.priority}. {each.name}{_paused(each.is_paused)}" for each in queues)]))
    seen = [f"  {each.name}, {each.status.value.lower()}, heard {ago(each.last_heartbeat_time)}" for each in workers]
    print("\n".join(["workers", *(seen or ["  none"])]))


@app.command
def update(
    name: str,
    /,
    *,
    base_job_template: Template = None,
    description: Annotated[str | None, Parameter(alias="-d")] = None,
    concurrency_limit: Limit = None,
) -> None:
    """Change what is given of a work pool.

    Args:
        name: The pool.
        description: What it is for.
    """
    changes: dict[str, Any] = {
        "base_job_template": None if base_job_template is None else _template(base_job_template),
        "description": description,
        "concurrency_limit": concurrency_limit,
    }
    given = {field: value for field, value in changes.items() if value is not None}
    if not given:
        raise UsageError("Nothing to change is given: --base-job-template, --description or --concurrency-limit.")
    _change([name], WorkPoolUpdate(**given), "is changed")


@app.command
def pause(*names: str) -> None:
    """Hand out no runs of work pools; those under way go on.

    Args:
        names: The pools.
    """
    _change(names, WorkPoolUpdate(is_paused=True), "is paused")


@app.command
def resume(*names: str) -> None:
    """Hand out runs of work pools again.

    Args:
        names: The pools.
    """
    _change(names, WorkPoolUpdate(is_paused=False), "is resumed")


@app.command
def delete(*names: str, yes: Yes = False) -> None:
    """Delete work pools with their queues; their runs stay.

    Asks first when someone is at the terminal.

    Args:
        names: The pools.
    """
    _need(names)
    what = f"work pool {names[0]}" if len(names) == 1 else f"{len(names)} work pools"
    if not yes and sys.stdin.isatty() and not ask(f"Delete {what}?"):
        raise CommandFailed("Nothing is deleted.")
    with client() as api:
        for_each(names, NOUN, lambda name: api.delete_work_pool(name) or "is deleted")


@app.command
def set_concurrency_limit(name: str, limit: int, /) -> None:
    """Say how many runs of a work pool may be under way at once.

    Args:
        name: The pool.
        limit: The most runs.
    """
    if limit < 0:
        raise UsageError(f"{limit} is no limit: give 0 or more.")
    _change([name], WorkPoolUpdate(concurrency_limit=limit), f"runs at most {limit} at once")


@app.command
def clear_concurrency_limit(name: str, /) -> None:
    """Let any number of runs of a work pool be under way at once.

    Args:
        name: The pool.
    """
    _change([name], WorkPoolUpdate(concurrency_limit=None), "has no limit")


@app.command
def get_default_base_job_template(
    *,
    type: Annotated[str, Parameter(alias="-t")] = "process",
    file: Annotated[Path | None, Parameter(alias="-f")] = None,
) -> None:
    """Print the job template that pools of a type begin with, to be changed and given to create or update.

    Try:

        headrace work-pool get-default-base-job-template --type docker > template.json

    Args:
        type: The type of the workers.
        file: The file to write it to, instead of standard output.
    """
    import msgspec

    with client() as api:
        template = _default_template(api, type)
    if file is None:
        show_json(template)
        return
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(template), indent=2) + b"\n")
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}") from None
    tell(f"The template is in {file}.")


@app.command
def preview(name: str, /, *, within: str = "1h", output: ListOutput = "table") -> None:
    """List the runs that wait for the workers of a pool, the earliest first.

    Args:
        name: The pool.
        within: How far to look ahead, such as 30m; 1h if not given.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    end = until(within)
    with client() as api:
        _find(api, name)
        runs = due_runs(api, end, name)
    show_due(runs, output, f"No run of the work pool {name} is due within {within}.")


def _find(api: "SyncHeadraceClient", name: str) -> WorkPool:
    try:
        return api.read_work_pool(name)
    except ObjectNotFound:
        raise CommandFailed(f"There is no work pool {name}; headrace work-pool ls shows those there are.") from None


def _change(names: Sequence[str], changes: WorkPoolUpdate, done: str) -> None:
    _need(names)
    with client() as api:
        for_each(names, NOUN, lambda name: api.update_work_pool(name, changes) or done)


def _need(names: Sequence[str]) -> None:
    if not names:
        raise UsageError("No work pool named: give names; headrace work-pool ls shows them.")


def _template(file: Path) -> dict[str, Any]:
    found = load(file)
    if not isinstance(found, dict):
        raise UsageError(f"{file} is no job template: it holds no object.")
    return found  # pyright: ignore[reportUnknownVariableType]


def _default_template(api: "SyncHeadraceClient", type: str) -> dict[str, Any]:
    """The template that a worker of the type begins with. Raises `UsageError` for a type that nobody knows."""
    known = {kind: each for package in api.read_worker_metadata().values() for kind, each in package.items()}
    if type not in known:
        raise UsageError(
            f"There is no work pool type {type}: it is one of {', '.join(sorted(known))}; for another one give its "
            "--base-job-template."
        )
    return known[type]["default_base_job_configuration"]


def _status(pool: WorkPool) -> str:
    if pool.is_paused:
        return "paused"
    return pool.status.value.lower().replace("_", " ") if pool.status is not None else ""


def _colour(pool: WorkPool) -> str:
    return "green" if pool.status is not None and pool.status.value == "READY" else "dim"


def _limit(pool: WorkPool) -> str:
    return "" if pool.concurrency_limit is None else f"{pool.active_slots or 0} of {pool.concurrency_limit} taken"


def _paused(is_paused: bool) -> str:
    return ", paused" if is_paused else ""
