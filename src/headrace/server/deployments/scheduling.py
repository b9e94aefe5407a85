"""The runs that come of a deployment's schedules (contract §9), by request or by the scheduler."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from headrace.rules import recurrence
from headrace.server.deployments import service
from headrace.server.deployments.runs import origin_labels
from headrace.server.flow_runs import scheduled
from headrace.server.flow_runs.scheduled import Series
from headrace.server.store.base import Store
from headrace.wire.base import encode_text
from headrace.wire.deployments import Deployment
from headrace.wire.errors import InvalidRequest
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.schedules import DeploymentSchedule

_AHEAD = timedelta(days=100)
_MIN_TIME, _MIN_RUNS, _MAX_RUNS = timedelta(hours=1), 3, 100
_TAG = "auto-scheduled"


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs are made ahead of time.

    From `start` on, at least `min_runs` and at least those of the next `min_time`; never more than `max_runs`
    of one schedule, and none after `end`.
    """

    start: datetime
    end: datetime
    min_time: timedelta
    min_runs: int
    max_runs: int

    @classmethod
    def of(
        cls,
        now: datetime,
        start: datetime | None,
        end: datetime | None,
        min_time: timedelta | None,
        min_runs: int | None,
        max_runs: int | None,
    ) -> "Window":
        """The window of a request; what it does not say is the scheduler's own. Raises `InvalidRequest`."""
        begin = start or now
        if not recurrence.is_known(begin):
            raise InvalidRequest("The start lies outside the years 1900 to 9000.", ("body", "start_time"))
        return cls(
            start=begin,
            end=end or begin + _AHEAD,
            min_time=_MIN_TIME if min_time is None else min_time,
            min_runs=_MIN_RUNS if min_runs is None else min_runs,
            max_runs=_MAX_RUNS if max_runs is None else max_runs,
        )


async def schedule(store: Store, deployment_id: UUID, window: Window, now: datetime) -> None:
    """Make the runs of a deployment's active schedules that are missing in the window.

    A run that was made before is found by its key and left as it is. Raises `ObjectNotFound`.
    """
    deployment = await service.read(store, deployment_id, now)
    # A rule that hardly ever applies takes long to follow.
    made = await asyncio.to_thread(_series, deployment, window)
    async with store.transaction() as transaction:
        await scheduled.insert(transaction, made, now)


def series(source: Deployment, schedule: DeploymentSchedule, moments: Sequence[datetime]) -> Series:
    """The runs of a schedule for these times; of the deployment no more is needed than `due` reads."""
    kind = type(schedule.schedule).__name__
    return Series(
        flow_id=source.flow_id,
        deployment_id=source.id,
        deployment_version=source.version,
        work_queue_id=source.work_queue_id,
        work_queue_name=source.work_queue_name,
        parameters=encode_text(source.parameters | schedule.parameters),
        tags=encode_text([_TAG, *source.tags]),
        labels=encode_text(origin_labels(source)),
        created_by=encode_text(CreatedBy(id=schedule.id, type="SCHEDULE", display_value=schedule.slug or kind)),
        key=f"scheduled {source.id} {schedule.id}",
        moments=moments,
    )


def _series(deployment: Deployment, window: Window) -> list[Series]:
    return [
        series(
            deployment,
            schedule,
            recurrence.upcoming(
                schedule.schedule,
                window.start,
                window.end,
                min_time=window.min_time,
                min_runs=window.min_runs,
                max_runs=window.max_runs,
            ),
        )
        for schedule in deployment.schedules
        if schedule.active
    ]
