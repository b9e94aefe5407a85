"""`headrace deploy`."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headrace.cli import deploy_choices
from headrace.cli.assignments import read_assignments, read_object
from headrace.cli.automation_files import load
from headrace.cli.deploy_choices import Wanted
from headrace.cli.display import seconds_of
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Output, show_json, tell
from headrace.cli.prompting import choose, someone_is_there
from headrace.cli.session import client

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient
    from headrace.sdk.deploying.describing import Describer

Many = list[str] | None


def deploy(
    entrypoint: str | None = None,
    /,
    *,
    name: Annotated[Many, Parameter(alias="-n")] = None,
    all: bool = False,
    file: Annotated[Path | None, Parameter(name=["--file", "--prefect-file"])] = None,
    pool: Annotated[str | None, Parameter(name=["--pool", "-p", "--work-pool"])] = None,
    work_queue: Annotated[str | None, Parameter(alias="-q")] = None,
    cron: Many = None,
    interval: Many = None,
    rrule: Many = None,
    timezone: str | None = None,
    anchor_date: datetime | None = None,
    param: Many = None,
    params: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    job_variable: Annotated[Many, Parameter(name=["--job-variable", "-jv"])] = None,
    tag: Annotated[Many, Parameter(alias="-t")] = None,
    version: Annotated[str | None, Parameter(alias="-v")] = None,
    description: Annotated[str | None, Parameter(alias="-d")] = None,
    concurrency_limit: Annotated[int | None, Parameter(name=["--concurrency-limit", "-cl"])] = None,
    concurrency_limit_collision_strategy: str | None = None,
    trigger: Many = None,
    paused: Annotated[bool | None, Parameter(negative="--not-paused")] = None,
    enforce_parameter_schema: Annotated[bool | None, Parameter(negative="--no-enforce-parameter-schema")] = None,
    no_prompt: bool = False,
    output: Output = "table",
) -> None:
    """Make deployments of flows, or bring those there are to what is described; their ids are printed.

    What is deployed is described by headrace.yaml (or prefect.yaml), or by the options. All of it is checked before
    the first deployment is written; one that is as described is left alone.

    Try:

        headrace deploy --all
        headrace deploy --name nightly --name 'etl/*'
        headrace deploy flows/etl.py:load --name nightly --pool mill --cron '0 3 * * *' --timezone Europe/Vienna

    Args:
        entrypoint: The flow, as path/to/file.py:function or package.module:function.
        name: The deployment; a pattern such as nightly-* or flow/* chooses several of the file. May be repeated.
        all: Every deployment of the file.
        file: The file; headrace.yaml or prefect.yaml of this folder if not given.
        pool: The work pool whose workers execute the runs.
        work_queue: A work queue of the pool.
        cron: When it runs, such as '0 3 * * *'. May be repeated.
        interval: Every so often: seconds, or 90s, 30m, 24h, 7d. May be repeated.
        rrule: When it runs by a rule of RFC 5545, such as 'FREQ=MONTHLY;BYDAY=-1FR'. May be repeated.
        timezone: Whose clock the schedules follow, such as Europe/Vienna.
        anchor_date: From which moment intervals are counted.
        param: A parameter of the flow as name=value, the value JSON or else text. May be repeated.
        params: Parameters as a JSON object; - reads it from standard input.
        job_variable: A variable of the pool's job template as name=value. May be repeated.
        tag: A tag of the deployment's runs. May be repeated.
        version: The version; a digest of the flow's file if not given.
        description: What it does; the flow's own description if not given.
        concurrency_limit: How many of its runs may be under way at once.
        concurrency_limit_collision_strategy: What becomes of others: ENQUEUE or CANCEL_NEW.
        trigger: A trigger as JSON, or a file of JSON or YAML. May be repeated.
        paused: Its schedules make no runs until it is resumed.
        enforce_parameter_schema: Runs with parameters that do not fit are refused.
        no_prompt: Never ask, also at a terminal.
        output: The ids of the deployments, or JSON that says what became of each.
    """
    document = deploy_choices.document_of(file)
    said = _said(
        work_pool=_given(
            name=pool, work_queue_name=work_queue, job_variables=read_assignments(job_variable, "--job-variable")
        ),
        schedules=_schedules(cron, interval, rrule, timezone, anchor_date),
        parameters=read_object(params, "--params") | read_assignments(param, "--param"),
        tags=tag,
        version=version,
        description=description,
        concurrency_limit=_limit(concurrency_limit, concurrency_limit_collision_strategy),
        triggers=[each for given in trigger or () for each in _triggers(given)],
        paused=paused,
        enforce_parameter_schema=enforce_parameter_schema,
    )
    wanted = Wanted(entrypoint, name or (), all, said, may_ask=someone_is_there() and not no_prompt)
    with client() as api:
        _deploy(api, wanted, document, output)


def _deploy(api: "SyncHeadraceClient", wanted: Wanted, document: Any, output: str) -> None:
    from headrace.sdk.deploying.checks import Pools
    from headrace.sdk.deploying.describing import Describer
    from headrace.sdk.deploying.making import make_all
    from headrace.sdk.deploying.telling import next_steps, outcome

    describer = Describer(document, Pools(api))
    chosen = deploy_choices.choose_entries(wanted, document, describer)
    if wanted.may_ask:
        chosen = [(label, _with_pool(api, entry)) for label, entry in chosen]
    described = [describer.describe(entry, label) for label, entry in chosen]
    whole = [each for each in described if each is not None]
    for note in describer.notes:
        tell(note)
    _stop_at_faults(describer)
    names: list[str] = []

    def tell_of(deployment: Any, done: Any) -> None:
        names.append(deployment.full_name)
        tell(outcome(deployment.full_name, done))

    done = make_all(api, document, whole, describer, tell_of)
    _stop_at_faults(describer)
    for line in next_steps(api, names, [each.deployment.work_pool_name or "" for each in done]):
        tell(line)
    if output == "json":
        show_json([{"change": each.change, "fields": each.fields, "deployment": each.deployment} for each in done])
        return
    for each in done:
        print(each.deployment.id)


def _stop_at_faults(describer: "Describer") -> None:
    """Say what is wrong: one thing as the failure itself, several each on a line of its own."""
    faults = describer.faults
    if len(faults) == 1:
        raise CommandFailed(f"{str(faults[0]).rstrip('.')}. Nothing is deployed.")
    if faults:
        for fault in faults:
            tell(f"headrace: {' '.join(str(fault).split())}")
        raise CommandFailed(f"{len(faults)} mistakes, which the lines above name. Nothing is deployed.")


def _with_pool(api: "SyncHeadraceClient", entry: deploy_choices.Entry) -> deploy_choices.Entry:
    """The deployment with a pool, which is asked for where none is named and there is a choice."""
    place: Any = entry.get("work_pool") or {}
    if isinstance(place, dict) and not place.get("name"):  # pyright: ignore[reportUnknownMemberType]
        pools = [pool.name for pool in api.read_work_pools()]
        if pools:
            name = pools[0] if len(pools) == 1 else choose(f"Which work pool runs {entry.get('name')}", pools)
            return {**entry, "work_pool": {**place, "name": name}}
    return entry


def _said(**keys: Any) -> dict[str, Any]:
    """What the options say, without those that say nothing."""
    return {key: value for key, value in keys.items() if value not in (None, {}, [])}


def _given(**keys: Any) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value}


def _schedules(
    cron: Many, interval: Many, rrule: Many, timezone: str | None, anchor: datetime | None
) -> list[dict[str, Any]]:
    common = _given(timezone=timezone)
    made: list[dict[str, Any]] = [{"cron": each, **common} for each in cron or ()]
    made += [{"interval": _seconds(each), **common, **_given(anchor_date=anchor)} for each in interval or ()]
    made += [{"rrule": each, **common} for each in rrule or ()]
    if timezone and not made:
        raise UsageError("--timezone belongs to a schedule: give --cron, --interval or --rrule too.")
    if anchor and not interval:
        raise UsageError("--anchor-date belongs to an interval: give --interval too.")
    return made


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        try:
            return seconds_of(text)
        except ValueError as error:
            raise UsageError(f"--interval {error}") from None


def _limit(limit: int | None, strategy: str | None) -> Any:
    if strategy is None:
        return limit
    if limit is None:
        raise UsageError("--concurrency-limit-collision-strategy belongs to --concurrency-limit: give both.")
    return {"limit": limit, "collision_strategy": strategy.upper()}


def _triggers(given: str) -> list[Any]:
    """The triggers that a text of JSON or a file holds: one, a list, or a `triggers` list."""
    try:
        found: Any = json.loads(given)
    except ValueError:
        if not Path(given).is_file():
            raise UsageError(f"--trigger {given} is neither JSON nor a file.") from None
        found = load(Path(given))
    if isinstance(found, dict) and "triggers" in found and "type" not in found:
        found = found["triggers"]  # pyright: ignore[reportUnknownVariableType]
    return found if isinstance(found, list) else [found]  # pyright: ignore[reportUnknownVariableType]
