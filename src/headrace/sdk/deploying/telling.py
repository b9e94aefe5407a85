"""What is said about a deployment that was made: what became of it, when it runs, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, assert_never

from headrace.sdk.deploying.putting import Change, Put
from headrace.wire.filters import WorkerFilter
from headrace.wire.filters.work_pools import WorkerFilterStatus
from headrace.wire.schedules import CronSchedule, DeploymentSchedule, IntervalSchedule, RRuleSchedule, Schedule
from headrace.wire.statuses import WorkerStatus

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient


def outcome(full_name: str, done: Put) -> str:
    """One line: what became of a deployment, and when it runs."""
    what = {Change.MADE: "is made", Change.CHANGED: "is changed", Change.UNCHANGED: "is unchanged"}[done.change]
    which = f" ({', '.join(name.replace('_', ' ') for name in done.fields)})" if done.fields else ""
    where = f" in the work pool {done.deployment.work_pool_name}" if done.deployment.work_pool_name else ""
    return f"Deployment {full_name} {what}{which}{where}: {when(done.deployment.schedules, done.deployment.paused)}."


def when(schedules: Iterable[DeploymentSchedule], paused: bool) -> str:
    """When a deployment runs by itself."""
    if paused:
        return "it is paused"
    active = sorted(in_words(each.schedule) for each in schedules if each.active)
    return f"runs {' and '.join(active)}" if active else "runs when asked to"


def in_words(schedule: Schedule) -> str:
    """A schedule as people read it."""
    zone = f" ({schedule.timezone})" if schedule.timezone and schedule.timezone != "UTC" else ""
    match schedule:
        case IntervalSchedule():
            return f"every {_length(schedule.interval)}{zone}"
        case CronSchedule():
            return f"by cron {schedule.cron}{zone}"
        case RRuleSchedule():
            return f"by rule {schedule.rrule.splitlines()[-1].removeprefix('RRULE:')}{zone}"
        case _:
            assert_never(schedule)


def next_steps(api: SyncHeadraceClient, names: list[str], pools: Iterable[str]) -> Iterator[str]:
    """How a run is asked for, and which pools have nobody to execute it."""
    if names:
        yield f"Run it now: headrace deployment run {shlex.quote(names[0])}"
    online = WorkerFilter(status=WorkerFilterStatus(any_=[WorkerStatus.ONLINE]))
    for pool in dict.fromkeys(pools):
        if not api.read_workers_for_work_pool(pool, online, limit=1):
            start = f"headrace worker start --pool {shlex.quote(pool)}"
            yield f"No worker of the work pool {pool} is online; start one: {start}"


def _length(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return unit if count == 1 else f"{count} {unit}s"
    return "second" if seconds == 1 else f"{seconds:g} seconds"
