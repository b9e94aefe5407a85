"""How the cancelling of a flow run goes, from the request to its end."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from headrace.wire.base import Body, Wire
from headrace.wire.flow_runs import CreatedBy
from headrace.wire.states import StateType

Infrastructure = Literal["gone", "unknown"]
"""Whether somebody has made sure that nothing of the run is left running, or nobody has."""


class CancellationStep(Body, kw_only=True):
    """What whoever looks after a run's processes has done: it was `told`, or has `killed` them."""

    step: Literal["told", "killed"]
    by: Annotated[str, Meta(min_length=1, max_length=255)]
    infrastructure: Infrastructure = "unknown"
    message: Annotated[str, Meta(max_length=2000)] | None = None


class RunCounts(Wire, kw_only=True):
    """How many runs of a tree are in each type of state, the run itself among them."""

    flow_runs: dict[StateType, int]
    task_runs: dict[StateType, int]


class Cancellation(Wire, kw_only=True):
    """One run's way from the request to its end; what has not happened (yet) is null.

    `root_id` is the run whose cancelling was asked for, if this one is inside it. `told` and `killed` name who was told
    and who ended the processes, `final_by` who made the run Cancelled; the server does so at the `deadline`.
    """

    flow_run_id: UUID
    root_id: UUID
    requested_at: datetime
    requested_by: CreatedBy | None = None
    deadline: datetime | None = None
    told_at: datetime | None = None
    told: str | None = None
    killed_at: datetime | None = None
    killed: str | None = None
    final_at: datetime | None = None
    final_by: str | None = None
    infrastructure: Infrastructure = "unknown"
    message: str | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    tree: RunCounts | None = None
