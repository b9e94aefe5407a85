"""Lists of the runs that wait in pools and queues."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headrace.cli.display import ago, seconds_of
from headrace.cli.errors import UsageError
from headrace.cli.output import Column, ListOutput, show_list
from headrace.wire.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkQueueFilter,
)
from headrace.wire.filters.flow_runs import FlowRunFilterNextScheduledStartTime
from headrace.wire.filters.work_pools import WorkPoolFilterName, WorkQueueFilterId
from headrace.wire.flow_runs import FlowRun
from headrace.wire.sorts import FlowRunSort
from headrace.wire.states import StateType
from headrace.wire.times import now
from headrace.wire.work_queues import WorkQueue

if TYPE_CHECKING:
    from headrace.client.orchestration import SyncHeadraceClient


def until(text: str) -> datetime:
    """The end of a length of time from now on, such as 1h. Raises `UsageError`."""
    try:
        return now() + timedelta(seconds=seconds_of(text))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--within {error}") from None


def due_runs(api: "SyncHeadraceClient", end: datetime, pool: str, queue: WorkQueue | None = None) -> list[FlowRun]:
    """The runs of a pool, or of one of its queues, that are due by then; asking is no poll, so nothing looks polled."""
    return api.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
            next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=end),
        ),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
        work_queue_filter=None if queue is None else WorkQueueFilter(id=WorkQueueFilterId(any_=[queue.id])),
        sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
        limit=200,
    )


def show_due(runs: Sequence[FlowRun], output: ListOutput, nothing: str) -> None:
    """Print the runs that are due, in the order in which they will be handed out."""
    columns = [
        Column[FlowRun]("ID", lambda run: str(run.id)),
        Column[FlowRun]("Name", lambda run: run.name),
        Column[FlowRun]("State", lambda run: run.state_name or "", "yellow"),
        Column[FlowRun]("Due", lambda run: ago(run.next_scheduled_start_time or run.expected_start_time)),
        Column[FlowRun]("Deployment", lambda run: str(run.deployment_id) if run.deployment_id else ""),
    ]
    show_list(runs, columns, output, nothing)
