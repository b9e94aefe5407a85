"""Calls about the schedules of deployments (contract §9)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from headrace.client import calls
from headrace.client._async.base import Part
from headrace.wire.schedules import (
    DeploymentSchedule,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    Schedule,
)


class ScheduleCalls(Part):
    """A deployment has any number of schedules, each of which makes its runs."""

    async def create_deployment_schedules(
        self, deployment_id: UUID, schedules: Iterable[DeploymentScheduleCreate | tuple[Schedule, bool]]
    ) -> list[DeploymentSchedule]:
        """Give a deployment more schedules; each may also be a pair of a schedule and whether it is active."""
        body = [
            DeploymentScheduleCreate(schedule=each[0], active=each[1]) if isinstance(each, tuple) else each
            for each in schedules
        ]
        return await self._call("POST", f"/deployments/{deployment_id}/schedules", list[DeploymentSchedule], body=body)

    async def read_deployment_schedules(self, deployment_id: UUID) -> list[DeploymentSchedule]:
        """The schedules of a deployment, the last changed first. Raises `ObjectNotFound`."""
        return await self._call("GET", f"/deployments/{deployment_id}/schedules", list[DeploymentSchedule])

    async def update_deployment_schedule(
        self, deployment_id: UUID, schedule_id: UUID, active: bool | None = None, schedule: Schedule | None = None
    ) -> None:
        """Change whether a schedule is active, or when it is due. Raises `ObjectNotFound`."""
        changes: dict[str, Any] = {"active": active, "schedule": schedule}
        body = DeploymentScheduleUpdate(**calls.given(changes))
        await self._tell("PATCH", f"/deployments/{deployment_id}/schedules/{schedule_id}", body=body)

    async def delete_deployment_schedule(self, deployment_id: UUID, schedule_id: UUID) -> None:
        """Delete a schedule, with the runs it made that have not started. Raises `ObjectNotFound`."""
        await self._tell("DELETE", f"/deployments/{deployment_id}/schedules/{schedule_id}")
