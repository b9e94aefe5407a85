# Generated from _async/schedules.py by scripts/unasync.py; change that file, not this one.
"""Calls about the schedules of deployments (contract §9)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from headrace.client import calls
from headrace.client._sync.base import Part
from headrace.wire.schedules import (
    DeploymentSchedule,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    Schedule,
)


class ScheduleCalls(Part):
    """A deployment has any number of schedules, each of which makes its runs."""

    def create_deployment_schedules(
        self, deployment_id: UUID, schedules: Iterable[DeploymentScheduleCreate | tuple[Schedule, bool]]
    ) -> list[DeploymentSchedule]:
        """Give a deployment more schedules; each may also be a pair of a schedule and whether it is active."""
        body = [
            DeploymentScheduleCreate(schedule=each[0], active=each[1]) if isinstance(each, tuple) else each
            for each in schedules
        ]
        return self._call("POST", f"/deployments/{deployment_id}/schedules", list[DeploymentSchedule], body=body)

    def read_deployment_schedules(self, deployment_id: UUID) -> list[DeploymentSchedule]:
        """The schedules of a deployment, the last changed first. Raises `ObjectNotFound`."""
        return self._call("GET", f"/deployments/{deployment_id}/schedules", list[DeploymentSchedule])

    def update_deployment_schedule(
        self, deployment_id: UUID, schedule_id: UUID, active: bool | None = None, schedule: Schedule | None = None
    ) -> None:
        """Change whether a schedule is active, or when it is due. Raises `ObjectNotFound`."""
        changes: dict[str, Any] = {"active": active, "schedule": schedule}
        body = DeploymentScheduleUpdate(**calls.given(changes))
        self._tell("PATCH", f"/deployments/{deployment_id}/schedules/{schedule_id}", body=body)

    def delete_deployment_schedule(self, deployment_id: UUID, schedule_id: UUID) -> None:
        """Delete a schedule, with the runs it made that have not started. Raises `ObjectNotFound`."""
        self._tell("DELETE", f"/deployments/{deployment_id}/schedules/{schedule_id}")
