"""`headrace deployment run`."""

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from cyclopts import Parameter

from headrace.cli.assignments import read_assignments, read_object
from headrace.cli.deployment_names import find
from headrace.cli.display import ago, duration, seconds_of
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.moments import moment_of
from headrace.cli.output import Output, show_json, tell
from headrace.cli.session import client
from headrace.wire.errors import ObjectNotFound
from headrace.wire.flow_runs import FlowRun
from headrace.wire.states import State, StateDetails, StateType
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient


def run(
    deployment: str,
    /,
    *,
    param: Annotated[list[str] | None, Parameter(alias="-p")] = None,
    params: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    start_at: str | None = None,
    start_in: str | None = None,
    tag: Annotated[list[str] | None, Parameter(alias="-t")] = None,
    job_variable: Annotated[list[str] | None, Parameter(name=["--job-variable", "-jv"])] = None,
    flow_run_name: str | None = None,
    watch: bool = False,
    watch_interval: Annotated[float, Parameter(show=False)] = 1.0,
    watch_timeout: str | None = None,
    output: Output = "table",
) -> None:
    """Make a run of a deployment and print its id; a worker of its pool, or who serves it, executes it.

    Try:

        headrace deployment run etl/nightly --param day=3 --watch
        headrace deployment run etl/nightly --start-in 30m
        headrace deployment run etl/nightly --start-at '2026-12-24 18:00' -t christmas

    Args:
        deployment: Its name as flow/deployment, or its id.
        param: A parameter as name=value, the value JSON or else text. May be repeated.
        params: Parameters as a JSON object; - reads it from standard input.
        start_at: When it is due: a date, a time of day on this machine's clock, or both.
        start_in: When it is due from now: 90s, 30m, 24h, 7d.
        tag: A tag of the run, beside those of the deployment. May be repeated.
        job_variable: A variable of the pool's job template as name=value. May be repeated.
        flow_run_name: How the run is called.
        watch: Tell of each state until the run has ended; exit code 1 unless it completed.
        watch_timeout: For how long to watch, such as 10m; the run goes on.
        output: The id of the run, or the run as JSON.
    """
    parameters = read_object(params, "--params") | read_assignments(param, "--param")
    variables = read_assignments(job_variable, "--job-variable")
    due = moment_of(start_at, start_in, "--start-at, --start-in")
    limit = _limit(watch_timeout)
    with client() as api:
        found = find(api, deployment)
        at = due or now()
        state = State(type=StateType.SCHEDULED, state_details=StateDetails(scheduled_time=at))
        made = api.create_flow_run_from_deployment(
            found.id,
            parameters=parameters,
            state=state,
            name=flow_run_name,
            tags=tag or (),
            job_variables=variables or None,
        )
        if output == "json":
            show_json(made)
        else:
            print(made.id, flush=True)
        where = f"; a worker of the pool {found.work_pool_name} executes it" if found.work_pool_name else ""
        begins = "is due now" if at <= now() + timedelta(seconds=1) else f"is due {ago(at)}"
        tell(f"Flow run {made.name} {begins}{where}.")
        if watch:
            _watch(api, made.id, watch_interval, limit)


def _limit(text: str | None) -> float | None:
    try:
        return None if text is None else time.monotonic() + seconds_of(text)
    except ValueError as error:
        raise UsageError(f"--watch-timeout {error}") from None


def _watch(api: "SyncHeadraceClient", id: UUID, interval: float, limit: float | None) -> None:
    """Tell of each state of a run until its last. Raises `CommandFailed` unless that is Completed."""
    told: UUID | None = None
    while True:
        try:
            run = api.read_flow_run(id)
        except ObjectNotFound:
            raise CommandFailed(f"Flow run {id} was deleted.") from None
        if run.state_id != told:
            told = run.state_id
            tell(_line(run))
        if run.state is not None and run.state.is_final():
            if run.state.type is not StateType.COMPLETED:
                raise CommandFailed(f"Flow run {run.name} did not complete: it is {run.state_name}.")
            return
        if limit is not None and time.monotonic() > limit:
            raise CommandFailed(f"Flow run {run.name} goes on; it is {run.state_name}, and is no longer watched.")
        time.sleep(interval)


def _line(run: FlowRun) -> str:
    message = run.state.message if run.state is not None else None
    took = f" after {duration(run.total_run_time)}" if run.end_time else ""
    return f"● {run.name}: {run.state_name}{took}{f' ({message})' if message else ''}"
