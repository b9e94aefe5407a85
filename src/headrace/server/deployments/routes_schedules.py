"""`/deployments/{id}/schedules`, and the runs that are made by schedule."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec

from headrace.server.context import Context
from headrace.server.deployments import scheduling, service
from headrace.server.deployments.scheduling import Window
from headrace.server.http.routing import Router
from headrace.wire.base import Parts, assume_utc
from headrace.wire.schedules import DeploymentSchedule, DeploymentScheduleCreate, DeploymentScheduleUpdate

router = Router(prefix="/deployments", tag="Deployments")


Seconds = Annotated[float, msgspec.Meta(ge=0, le=timedelta(days=36_500).total_seconds())]


class ScheduleWindow(Parts, kw_only=True):
    """For which time runs are made; `min_time` in seconds."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    min_time: Seconds | None = None
    min_runs: int | None = None
    max_runs: int | None = None

    def __post_init__(self) -> None:
        """Datetimes without an offset are read as UTC."""
        assume_utc(self)


_USUAL = ScheduleWindow()


@router.get("/{id}/schedules")
async def read_deployment_schedules(ctx: Context, id: UUID) -> list[DeploymentSchedule]:
    """The deployment's schedules, the last changed first."""
    return await service.read_schedules(ctx.store, id)


@router.post("/{id}/schedules", status=201)
async def create_deployment_schedules(
    ctx: Context, id: UUID, body: list[DeploymentScheduleCreate]
) -> list[DeploymentSchedule]:
    """Give a deployment more schedules."""
    return await service.add_schedules(ctx.store, id, body, ctx.received)


@router.patch("/{id}/schedules/{schedule_id}")
async def update_deployment_schedule(ctx: Context, id: UUID, schedule_id: UUID, body: DeploymentScheduleUpdate) -> None:
    """Set the keys that the body has; runs that the schedules made for the future are taken back."""
    await service.change_schedule(ctx.store, id, schedule_id, body, ctx.received)


@router.delete("/{id}/schedules/{schedule_id}")
async def delete_deployment_schedule(ctx: Context, id: UUID, schedule_id: UUID) -> None:
    """Take a schedule from a deployment, and take back the runs that wait."""
    await service.remove_schedule(ctx.store, id, schedule_id, ctx.received)


@router.post("/{id}/schedule")
async def schedule_deployment(ctx: Context, id: UUID, body: ScheduleWindow = _USUAL) -> None:
    """Make the runs of the deployment's schedules in a window of time; those that are there already stay."""
    window = Window.of(
        ctx.received,
        start=body.start_time,
        end=body.end_time,
        min_time=None if body.min_time is None else timedelta(seconds=body.min_time),
        min_runs=body.min_runs,
        max_runs=body.max_runs,
    )
    await scheduling.schedule(ctx.store, id, window, ctx.received)
