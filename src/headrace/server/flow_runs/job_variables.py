"""Whether the job variables of a flow run can still change, and to these (contract §3)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.rules.job_variables import unfit
from headrace.server.flow_runs import reading
from headrace.server.store.base import Connection
from headrace.server.work_pools import service as work_pools
from headrace.wire.errors import BadRequest, ObjectNotFound, Unprocessable
from headrace.wire.states import StateType


async def check_change(connection: Connection, id: UUID, given: dict[str, Any] | None, now: datetime) -> None:
    """Raise `BadRequest` if it is too late, and `Unprocessable` if the run's work pool does not take them.

    What is left out here, the deployment or the pool may give. Raises `ObjectNotFound`.
    """
    run = await reading.read(connection, id, now)
    if run is None:
        raise ObjectNotFound("Flow run not found")
    if run.state_type is not StateType.SCHEDULED:
        raise BadRequest(f"Job variables for a flow run in state {run.state_type} cannot be updated")
    if run.deployment_id is None:
        raise BadRequest("A flow run without a deployment has no job variables to update")
    place = None if run.work_queue_id is None else await work_pools.place_of(connection, run.work_queue_id)
    reason = None if place is None or not given else unfit(given, place.base_job_template, ignore_required=True)
    if reason is not None:
        raise Unprocessable(f"Error updating flow run: {reason}")
