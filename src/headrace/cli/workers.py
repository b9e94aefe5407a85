"""`headrace worker`."""

from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from headrace.cli.display import ago
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, ListOutput, show_list, tell
from headrace.cli.session import client
from headrace.wire.errors import ObjectNotFound
from headrace.wire.statuses import WorkerStatus
from headrace.wire.work_pools import WorkPool
from headrace.wire.workers import Worker

app = App(name="worker", help="Start workers, which execute the runs of a work pool, and list them.")


@app.command
def start(
    *,
    pool: Annotated[str, Parameter(alias="-p")],
    type: Annotated[str | None, Parameter(alias="-t")] = None,
    name: Annotated[str | None, Parameter(alias="-n")] = None,
    work_queue: Annotated[list[str] | None, Parameter(alias="-q")] = None,
    limit: Annotated[int | None, Parameter(alias="-l")] = None,
    prefetch_seconds: float | None = None,
    run_once: bool = False,
    with_healthcheck: bool = False,
    install_policy: Annotated[str | None, Parameter(show=False)] = None,
) -> None:
    """Execute the runs of a work pool until Ctrl-C or SIGTERM; then wait for those under way, the second time end them.

    The pool and the queues are made if they are not there.

    Try:

        headrace worker start --pool mill
        headrace worker start --pool mill --work-queue urgent --limit 4

    Args:
        pool: The work pool to poll.
        type: The type of worker; by default the pool's own, and process for a new pool.
        name: What the worker is called; by default after its machine and process.
        work_queue: Only runs of this queue; may be given several times.
        limit: How many runs are executed at once; by default as many as the pool and its queues allow.
        prefetch_seconds: How long before its time a run is started.
        run_once: Execute what is due now, and end.
        with_healthcheck: Answer GET /health on the port of HEADRACE_RUNNER_HEALTH_PORT.
        install_policy: Accepted for compatibility; nothing is installed.
    """
    import asyncio

    from headrace.workers import BaseWorker

    if limit is not None and limit < 1:
        raise UsageError(f"--limit must be at least 1, and is {limit}.")
    wanted = type or _type_of(pool) or "process"
    kind = BaseWorker.types().get(wanted)
    if kind is None:
        known = ", ".join(sorted(BaseWorker.types()))
        raise UsageError(f"There is no worker of the type {wanted!r} here; there are: {known}.")
    worker = kind(pool, work_queue or (), name, prefetch_seconds, limit)
    tell(f"Worker {worker.name!r} executes the runs of the work pool {pool!r}; Ctrl-C stops it.")
    asyncio.run(worker.start(run_once, with_healthcheck))


@app.command
def ls(*, pool: Annotated[str | None, Parameter(alias="-p")] = None, output: ListOutput = "table") -> None:
    """List workers, those heard of last first.

    Try:

        headrace worker ls --pool mill

    Args:
        pool: Only workers of this work pool.
        output: A table, ids, or JSON for programs.
    """
    with client() as api:
        try:
            pools = [api.read_work_pool(pool)] if pool is not None else api.read_work_pools()
        except ObjectNotFound:
            raise CommandFailed(
                f"There is no work pool {pool!r}; headrace work-pool ls shows those there are."
            ) from None
        workers = [(each, found) for each in pools for found in api.read_workers_for_work_pool(each.name)]
    named = {found.id: each for each, found in workers}
    found = sorted((worker for _, worker in workers), key=_heard_of, reverse=True)
    show_list(found, _columns(named), output, "No worker is known. headrace worker start --pool NAME starts one.")


def _columns(pools: dict[UUID, WorkPool]) -> list[Column[Worker]]:
    return [
        Column[Worker]("ID", lambda worker: str(worker.id)),
        Column[Worker]("Pool", lambda worker: pools[worker.id].name),
        Column[Worker]("Name", lambda worker: worker.name),
        Column[Worker]("Status", lambda worker: worker.status.value, _style),
        Column[Worker]("Heard of", lambda worker: ago(worker.last_heartbeat_time)),
    ]


def _style(worker: Worker) -> str:
    return "green" if worker.status is WorkerStatus.ONLINE else "dim"


def _heard_of(worker: Worker) -> float:
    return worker.last_heartbeat_time.timestamp() if worker.last_heartbeat_time is not None else 0.0


def _type_of(pool: str) -> str | None:
    """The type of a pool that is there; a server that is away is waited for when the worker starts."""
    from headrace.wire.errors import HeadraceError

    try:
        with client() as api:
            return api.read_work_pool(pool).type
    except HeadraceError:
        return None
