"""The bodies that ask for lists, pages, counts and histories, and what answers them (contract §1, §3).

Keys that are not known are passed over here, as clients of other versions send some; a key inside a
filter must be known. A filter that is given, even an empty one, asks for objects that are joined to at
least one object it matches; None asks for nothing.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from headrace.wire.base import Parts, Wire, assume_utc
from headrace.wire.filters import (
    DeploymentFilter,
    Filter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from headrace.wire.flow_runs import FlowRun
from headrace.wire.flows import Flow
from headrace.wire.sorts import FlowRunSort, FlowSort, LogSort, TaskRunSort
from headrace.wire.states import State, StateType
from headrace.wire.task_runs import TaskRunSummary

Offset = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
PageNumber = Annotated[int, msgspec.Meta(ge=1, le=2**48)]


class Filters(Parts, kw_only=True):
    """Filters of any noun; all of them have to match."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None

    def given(self) -> dict[str, Filter]:
        """The filters that are given, by noun."""
        found = ((_NOUNS.get(name, name), getattr(self, name)) for name in self.__struct_fields__)
        return {noun: value for noun, value in found if isinstance(value, Filter)}


_NOUNS = {"work_pool_queues": "work_queues"}
"""The two names of a filter of work queues are one noun."""


class PoolFilters(Filters, kw_only=True):
    """Filters for what belongs to a work pool."""

    work_pools: WorkPoolFilter | None = None


class QueueFilters(PoolFilters, kw_only=True):
    """Filters for what waits in a work queue."""

    work_pool_queues: WorkQueueFilter | None = None


class FlowList(PoolFilters, kw_only=True):
    sort: FlowSort = FlowSort.NAME_ASC
    limit: int | None = None
    offset: Offset = 0


class FlowPageRequest(PoolFilters, kw_only=True):
    sort: FlowSort = FlowSort.NAME_ASC
    limit: int | None = None
    page: PageNumber = 1


class FlowRunList(QueueFilters, kw_only=True):
    sort: FlowRunSort = FlowRunSort.ID_DESC
    limit: int | None = None
    offset: Offset = 0


class FlowRunPageRequest(QueueFilters, kw_only=True):
    sort: FlowRunSort = FlowRunSort.ID_DESC
    limit: int | None = None
    page: PageNumber = 1


class TaskRunList(Filters, kw_only=True):
    sort: TaskRunSort = TaskRunSort.ID_DESC
    limit: int | None = None
    offset: Offset = 0


class TaskRunPageRequest(Filters, kw_only=True):
    sort: TaskRunSort = TaskRunSort.ID_DESC
    limit: int | None = None
    page: PageNumber = 1


class LogList(Parts, kw_only=True):
    logs: LogFilter | None = None
    sort: LogSort = LogSort.TIMESTAMP_ASC
    limit: int | None = None
    offset: Offset = 0


class HistoryRequest(Filters, kw_only=True):
    """The bars from `history_start` until one reaches `history_end`, at most 500 of them."""

    history_start: datetime
    history_end: datetime
    history_interval_seconds: float

    def __post_init__(self) -> None:
        """Datetimes without an offset are read as UTC."""
        assume_utc(self)


class FlowRunHistoryRequest(HistoryRequest, kw_only=True):
    """A history of flow runs, which wait in queues."""

    work_pools: WorkPoolFilter | None = None
    work_queues: WorkQueueFilter | None = None


class Page(Wire, kw_only=True):
    """One page of a numbered listing; `count` is of all that match, `pages` is 0 when nothing fits on one."""

    count: int
    limit: int
    pages: int
    page: int


class FlowPage(Page, kw_only=True):
    results: list[Flow]


class FlowRunPage(Page, kw_only=True):
    results: list[FlowRun]


class TaskRunPage(Page, kw_only=True):
    results: list[TaskRunSummary]


class HistoryState(Wire, kw_only=True):
    """The runs of one bar that are in one state now; the sums are seconds."""

    state_type: StateType
    state_name: str
    count_runs: int
    sum_estimated_run_time: float
    sum_estimated_lateness: float


class HistoryBar(Wire, kw_only=True):
    """The runs expected to start from `interval_start` up to, not at, `interval_end`."""

    interval_start: datetime
    interval_end: datetime
    states: list[HistoryState]


class Dependency(Wire, kw_only=True):
    """A task run among what it waited for (`/flow_runs/{id}/graph`)."""

    id: UUID
    name: str
    upstream_dependencies: list["Upstream"]
    state: State | None
    expected_start_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    total_run_time: float | None
    estimated_run_time: float | None
    untrackable_result: bool


class Upstream(Wire, kw_only=True):
    input_type: Literal["task_run"] = "task_run"
    id: UUID


class Edge(Wire, kw_only=True):
    id: UUID


class GraphArtifact(Wire, kw_only=True):
    """`data` is given for progress artifacts only."""

    id: UUID
    created: datetime
    key: str | None
    type: str | None
    is_latest: bool
    data: Any


class GraphNode(Wire, kw_only=True):
    """A task run, or the subflow run it stands for. `encapsulating` are tasks it was called inside of."""

    kind: Literal["task-run", "flow-run"]
    id: UUID
    label: str
    state_type: StateType
    start_time: datetime
    end_time: datetime | None
    parents: list[Edge]
    children: list[Edge]
    encapsulating: list[Edge]
    artifacts: list[GraphArtifact]


class GraphState(Wire, kw_only=True):
    id: UUID
    timestamp: datetime
    type: StateType
    name: str


class Graph(Wire, kw_only=True):
    """A flow run drawn as what it ran (`/flow_runs/{id}/graph-v2`)."""

    start_time: datetime | None
    end_time: datetime | None
    root_node_ids: list[UUID]
    nodes: list[tuple[UUID, GraphNode]]
    artifacts: list[GraphArtifact]
    states: list[GraphState]
