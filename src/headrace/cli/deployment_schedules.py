"""`headrace deployment schedule`."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import App, Parameter

from headrace.cli.assignments import read_assignments, read_object
from headrace.cli.deployment_names import find
from headrace.cli.display import ago, seconds_of
from headrace.cli.errors import CommandFailed, UsageError
from headrace.cli.output import Column, ListOutput, ask, show_list, tell
from headrace.cli.session import Yes, client, for_each
from headrace.rules import recurrence
from headrace.sdk.deploying.documents import ScheduleEntry
from headrace.sdk.deploying.telling import in_words
from headrace.wire.schedules import Catchup, DeploymentSchedule, DeploymentScheduleCreate, IfRunning
from headrace.wire.times import now

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient

app = App(name="schedule", help="When deployments run by themselves: list, make, pause, resume and delete schedules.")

NOUN = "schedule"
_AHEAD = timedelta(days=9 * 366)
"""How far the next time that a schedule comes up is looked for."""


@app.command
def ls(deployment: str, /, *, output: ListOutput = "table") -> None:
    """List the schedules of a deployment, and when each comes up next.

    Try:

        headrace deployment schedule ls etl/nightly

    Args:
        deployment: Its name as flow/deployment, or its id.
        output: A table for people, JSON for programs, or bare ids for pipes.
    """
    with client() as api:
        found = find(api, deployment).schedules
    columns = [
        Column[DeploymentSchedule]("ID", lambda each: str(each.id)),
        Column[DeploymentSchedule]("Slug", lambda each: each.slug or ""),
        Column[DeploymentSchedule]("When", lambda each: in_words(each.schedule)),
        Column[DeploymentSchedule]("State", _state, _style),
        Column[DeploymentSchedule]("Next", _next),
        Column[DeploymentSchedule]("Policy", _policy),
        Column[DeploymentSchedule]("Parameters", _parameters),
    ]
    nothing = f"{deployment} has no schedule; headrace deployment schedule create makes one."
    show_list(found, columns, output, nothing)
    for each in found:
        if each.error:
            tell(f"The schedule {each.slug or each.id} cannot make runs: {each.error}")


@app.command
def create(
    deployment: str,
    /,
    *,
    cron: str | None = None,
    interval: str | None = None,
    rrule: str | None = None,
    timezone: str | None = None,
    anchor_date: datetime | None = None,
    day_and: bool = False,
    slug: str | None = None,
    param: Annotated[list[str] | None, Parameter(alias="-p")] = None,
    params: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    catchup: Catchup = "none",
    max_queued: int | None = None,
    if_running: IfRunning = "start",
    paused: bool = False,
    replace: bool = False,
    yes: Yes = False,
) -> None:
    """Give a deployment one more schedule, and print its id.

    Try:

        headrace deployment schedule create etl/nightly --cron '0 3 * * 1-5' --timezone Europe/Vienna
        headrace deployment schedule create etl/nightly --interval 30m --slug half-hourly --param rows=10

    Args:
        deployment: Its name as flow/deployment, or its id.
        cron: When it runs, such as '0 3 * * *'.
        interval: Every so often: seconds, or 90s, 30m, 24h, 7d.
        rrule: When it runs by a rule of RFC 5545, such as 'FREQ=MONTHLY;BYDAY=-1FR'.
        timezone: Whose clock it follows, such as Europe/Vienna.
        anchor_date: From which moment an interval is counted.
        day_and: Both day fields of the cron have to match; otherwise one of them is enough.
        slug: A name by which it is found again.
        param: A parameter of its runs as name=value, the value JSON or else text. May be repeated.
        params: Parameters as a JSON object; - reads it from standard input.
        catchup: What becomes of times that it missed: nothing, a run for the latest, or a run for each of all.
        max_queued: How many of its runs may wait late at once; the oldest give way.
        if_running: What happens when a run is due while an earlier one goes on: both run, it is skipped, or it takes
            the place of the other.
        paused: It makes no runs until it is resumed.
        replace: It takes the place of all the deployment's schedules.
    """
    entry = ScheduleEntry(
        cron=cron,
        interval=None if interval is None else _seconds(interval),
        rrule=rrule,
        timezone=timezone,
        anchor_date=anchor_date,
        day_or=False if day_and else None,
        slug=slug,
        active=not paused,
        catchup=catchup,
        max_queued=max_queued,
        if_running=if_running,
        parameters=read_object(params, "--params") | read_assignments(param, "--param"),
    )
    wanted = _whole(entry)
    with client() as api:
        found = find(api, deployment)
        if replace and found.schedules:
            _confirm(f"Replace {_count(found.schedules)} of {deployment}", yes)
            for each in found.schedules:
                api.delete_deployment_schedule(found.id, each.id)
        (made,) = api.create_deployment_schedules(found.id, [wanted])
    print(made.id)
    tell(f"{deployment} runs {in_words(made.schedule)}{' once the schedule is resumed' if paused else ''}.")


@app.command
def pause(deployment: str, /, *schedules: str, all: bool = False) -> None:
    """Let schedules make no more runs.

    Try:

        headrace deployment schedule pause etl/nightly half-hourly

    Args:
        deployment: Its name as flow/deployment, or its id.
        schedules: The slugs or ids of schedules; none is needed where there is only one.
        all: All schedules of the deployment.
    """
    _set_active(deployment, schedules, all, active=False)


@app.command
def resume(deployment: str, /, *schedules: str, all: bool = False) -> None:
    """Let schedules make runs again.

    Try:

        headrace deployment schedule resume etl/nightly --all

    Args:
        deployment: Its name as flow/deployment, or its id.
        schedules: The slugs or ids of schedules; none is needed where there is only one.
        all: All schedules of the deployment.
    """
    _set_active(deployment, schedules, all, active=True)


@app.command
def delete(deployment: str, /, *schedules: str, yes: Yes = False) -> None:
    """Delete schedules, with the runs they made that have not begun.

    Asks first when someone is at the terminal.

    Try:

        headrace deployment schedule delete etl/nightly half-hourly

    Args:
        deployment: Its name as flow/deployment, or its id.
        schedules: The slugs or ids of schedules; none is needed where there is only one.
    """
    with client() as api:
        id, chosen = _chosen(api, deployment, schedules, everything=False)
        _confirm(f"Delete {_count(chosen)} of {deployment}", yes)
        ids = [each.id for each in chosen]
        for_each(ids, NOUN, lambda each: api.delete_deployment_schedule(id, each) or "is deleted")


@app.command
def clear(deployment: str, /, *, yes: Yes = False) -> None:
    """Delete all schedules of a deployment, with the runs they made that have not begun.

    Asks first when someone is at the terminal.

    Args:
        deployment: Its name as flow/deployment, or its id.
    """
    with client() as api:
        id, chosen = _chosen(api, deployment, (), everything=True)
        _confirm(f"Delete {_count(chosen)} of {deployment}", yes)
        ids = [each.id for each in chosen]
        for_each(ids, NOUN, lambda each: api.delete_deployment_schedule(id, each) or "is deleted")


def _set_active(deployment: str, schedules: Sequence[str], everything: bool, *, active: bool) -> None:
    done = "is resumed" if active else "is paused"
    with client() as api:
        id, chosen = _chosen(api, deployment, schedules, everything)
        ids = [each.id for each in chosen]
        for_each(ids, NOUN, lambda each: api.update_deployment_schedule(id, each, active=active) or done)


def _chosen(
    api: "SyncHeadraceClient", deployment: str, references: Sequence[str], everything: bool
) -> tuple[Any, list[DeploymentSchedule]]:
    """The deployment's id, and which of its schedules are meant."""
    if everything and references:
        raise UsageError("--all takes every schedule: name none beside it.")
    found = find(api, deployment)
    if not found.schedules:
        raise CommandFailed(f"{deployment} has no schedule.")
    if everything or (not references and len(found.schedules) == 1):
        return found.id, found.schedules
    known = {name: each for each in found.schedules for name in (str(each.id), each.slug) if name}
    if not references:
        names = ", ".join(sorted(each.slug or str(each.id) for each in found.schedules))
        raise UsageError(f"{deployment} has the schedules {names}: say which.")
    for reference in references:
        if reference not in known:
            command = f"headrace deployment schedule ls {deployment}"
            raise CommandFailed(f"{deployment} has no schedule {reference}; {command} shows those there are.")
    return found.id, list({known[reference].id: known[reference] for reference in references}.values())


def _whole(entry: ScheduleEntry) -> DeploymentScheduleCreate:
    try:
        made = entry.create()
        recurrence.normalized(made.schedule)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"The schedule is not right: {error}") from None
    return made


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return seconds_of(text)
    except ValueError as error:
        raise UsageError(f"--interval {error}") from None


def _confirm(question: str, yes: bool) -> None:
    if not yes and sys.stdin.isatty() and not ask(f"{question}?"):
        raise CommandFailed("Nothing is changed.")


def _count(schedules: Sequence[DeploymentSchedule]) -> str:
    return "the schedule" if len(schedules) == 1 else f"{len(schedules)} schedules"


def _next(schedule: DeploymentSchedule) -> str:
    if not schedule.active:
        return ""
    return ago(next(recurrence.occurrences(schedule.schedule, now(), now() + _AHEAD), None))


def _parameters(schedule: DeploymentSchedule) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in schedule.parameters.items())


def _policy(schedule: DeploymentSchedule) -> str:
    said = {"catchup": schedule.catchup, "max_queued": schedule.max_queued, "if_running": schedule.if_running}
    return ", ".join(f"{name}={value}" for name, value in said.items() if value not in ("none", "start", None))


def _state(schedule: DeploymentSchedule) -> str:
    if not schedule.active:
        return "paused"
    return "failing" if schedule.error else "active"


def _style(schedule: DeploymentSchedule) -> str:
    return {"active": "green", "paused": "yellow", "failing": "red"}[_state(schedule)]
