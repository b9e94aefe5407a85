"""Calls about what automations have done, and what they would have done."""

from uuid import UUID

from headrace.client._async.base import Part
from headrace.wire.firings import ActionRun, FiringPage
from headrace.wire.trials import Trial, TrialRequest


class FiringCalls(Part):
    """What only a headrace server has; Prefect's answers `ObjectNotFound`."""

    async def read_automation_firings(
        self, automation_id: UUID, limit: int = 50, before: UUID | None = None
    ) -> FiringPage:
        """The firings of an automation, newest first, with what became of their actions. Raises `ObjectNotFound`."""
        query = {"limit": limit, "before": before}
        return await self._call("GET", f"/x/automations/{automation_id}/firings", FiringPage, query=query)

    async def retry_automation_action(self, action_run_id: UUID) -> ActionRun:
        """Have an action that has failed carried out once more. Raises `ObjectNotFound` and `Conflict`."""
        return await self._call("POST", f"/x/automations/actions/{action_run_id}/retry", ActionRun)

    async def test_automation(self, trial: TrialRequest) -> Trial:
        """When a trigger would have fired over the last days. Nothing is written and no action is taken."""
        return await self._call("POST", "/x/automations/test", Trial, body=trial)
