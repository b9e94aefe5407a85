"""`headrace flow serve`."""

from typing import Annotated

from cyclopts import Parameter

from headrace.cli.display import seconds_of
from headrace.cli.errors import UsageError


def serve(
    entrypoint: str,
    /,
    *,
    name: Annotated[str, Parameter(alias="-n")],
    interval: str | None = None,
    cron: str | None = None,
    rrule: str | None = None,
    timezone: str | None = None,
    description: str | None = None,
    version: str | None = None,
    tag: list[str] | None = None,
    limit: int | None = None,
    global_limit: int | None = None,
    pause_on_shutdown: Annotated[bool, Parameter(negative="--no-pause-on-shutdown")] = True,
) -> None:
    """Make a deployment of a flow and execute its runs until Ctrl-C or SIGTERM.

    Try:

        headrace flow serve flows.py:water_level --name hourly --interval 1h
        headrace flow serve flows.py:water_level --name nightly --cron "0 3 * * *" --timezone Europe/Vienna

    Args:
        entrypoint: Where the flow is, as path/to/file.py:function or package.module:function.
        name: What the deployment is called.
        interval: How often it runs, such as 90s, 15m or 1h.
        cron: When it runs, as five cron fields.
        rrule: When it runs, as a recurrence rule.
        timezone: Whose clock the schedule goes by, such as Europe/Vienna.
        description: What it does; by default what the flow says.
        version: Of the deployment; by default the flow's.
        tag: A tag of its runs; may be given several times.
        limit: How many of its runs this process executes at once.
        global_limit: How many of its runs may be under way at once, wherever they are executed.
        pause_on_shutdown: Whether the deployment is paused when this process stops.
    """
    from headrace.sdk.entrypoints import load_flow
    from headrace.sdk.schedules import Cron, Interval, RRule

    if sum(each is not None for each in (interval, cron, rrule)) > 1:
        raise UsageError("--interval, --cron and --rrule say the same: give one of them.")
    schedule = None
    if interval is not None:
        try:
            schedule = Interval(seconds_of(interval), timezone=timezone)
        except ValueError as error:
            raise UsageError(f"--interval {error}") from None
    elif cron is not None:
        schedule = Cron(cron, timezone=timezone)
    elif rrule is not None:
        schedule = RRule(rrule, timezone=timezone)
    elif timezone is not None:
        raise UsageError("--timezone is of a schedule: give --interval, --cron or --rrule too.")
    load_flow(entrypoint).serve(
        name,
        schedule=schedule,
        description=description,
        version=version,
        tags=tag,
        limit=limit,
        global_limit=global_limit,
        pause_on_shutdown=pause_on_shutdown,
    )
