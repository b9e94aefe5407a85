"""Where a flow run comes from, when it is not just somebody's call."""

from uuid import UUID

import msgspec

from headrace.wire.flow_runs import CreatedBy, FlowRun
from headrace.wire.flows import Labels


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a run takes over from its deployment and from whatever made it (contract §3).

    `labels` lie under the run's own. The work pool is only shown: it follows from the work queue.
    """

    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    labels: Labels = {}
    auto_scheduled: bool = False
    created_by: CreatedBy | None = None

    def mark(self, run: FlowRun) -> None:
        """Write this on a run that is about to be made."""
        run.deployment_version = self.deployment_version
        run.work_queue_id, run.work_queue_name = self.work_queue_id, self.work_queue_name
        run.work_pool_id, run.work_pool_name = self.work_pool_id, self.work_pool_name
        run.labels = self.labels | run.labels
        run.auto_scheduled, run.created_by = self.auto_scheduled, self.created_by
