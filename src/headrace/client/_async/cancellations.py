"""Calls about how the cancelling of flow runs goes."""

from uuid import UUID

from headrace.client._async.base import Part
from headrace.wire.cancellations import Cancellation, CancellationStep


class CancellationCalls(Part):
    """What only a headrace server has; Prefect's answers `ObjectNotFound`."""

    async def read_cancellation(self, flow_run_id: UUID) -> Cancellation:
        """How the cancelling of a run goes. Raises `ObjectNotFound` where nobody asked for it."""
        return await self._call("GET", f"/x/flow_runs/{flow_run_id}/cancellation", Cancellation)

    async def note_cancellation_step(self, flow_run_id: UUID, step: CancellationStep) -> None:
        """Say that somebody was told to stop a run, or has ended its processes. Raises `ObjectNotFound` likewise."""
        await self._tell("POST", f"/x/flow_runs/{flow_run_id}/cancellation", body=step)
