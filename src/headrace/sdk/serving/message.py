"""What `serve` says when it starts: what it serves, and how a run is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from headrace.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

if TYPE_CHECKING:
    from headrace.sdk.runner_deployment import RunnerDeployment
    from headrace.wire.schedules import Schedule


def starting_message(deployments: Sequence[RunnerDeployment], url: str) -> str:
    """The whole message, several lines."""
    names = [deployment.full_name for deployment in deployments]
    width = max(map(len, names))
    lines = [f"  {deployment.full_name.ljust(width)}   {_when(deployment)}".rstrip() for deployment in deployments]
    what = "this deployment" if len(names) == 1 else f"{len(names)} deployments"
    return "\n".join(
        [
            f"Serving {what} of {url}:",
            "",
            *lines,
            "",
            f"Start a run with: headrace deployment run {_quoted(names[0])}",
            "Ctrl-C stops serving once the runs under way have ended; pressed again, it ends them.",
            "",
        ]
    )


def _when(deployment: RunnerDeployment) -> str:
    if deployment.paused:
        return "paused"
    active = [each.schedule for each in deployment.schedules if each.active is not False]
    return ", ".join(map(_schedule, active)) or "when asked to"


def _schedule(schedule: Schedule) -> str:
    match schedule:
        case IntervalSchedule():
            return f"every {schedule.interval:g} s"
        case CronSchedule():
            return f"cron {schedule.cron}" + (f" ({schedule.timezone})" if schedule.timezone else "")
        case RRuleSchedule():
            return f"rrule {schedule.rrule}"
        case _:
            assert_never(schedule)


def _quoted(name: str) -> str:
    return f"'{name}'" if " " in name else name
