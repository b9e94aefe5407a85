"""A flow run drawn as what it ran (contract §3, `graph` and `graph-v2`)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from headrace.rules.estimates import estimated_run_time
from headrace.server.states.reading import STATES, current_states
from headrace.server.store.base import Connection, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.rows import ENUM, JSON, Kind, Reader
from headrace.wire.errors import BadRequest, ObjectNotFound
from headrace.wire.listings import Dependency, Edge, Graph, GraphArtifact, GraphNode, GraphState, Upstream
from headrace.wire.states import StateType
from headrace.wire.task_runs import TaskInputs

MOST_NODES = 10_000
MOST_ARTIFACTS = 10_000
_PROGRESS = "progress"
_CALLERS = "__parents__"
"""The entry of a task's inputs that names the tasks it was called inside of."""


class _Run(msgspec.Struct, kw_only=True):
    start_time: datetime | None
    expected_start_time: datetime | None
    end_time: datetime | None


class _Node(msgspec.Struct, kw_only=True):
    """A task run of the flow run, with the subflow run that it stands for, if any."""

    id: UUID
    name: str
    state_type: StateType
    start_time: datetime
    end_time: datetime | None
    task_inputs: TaskInputs
    subflow_id: UUID | None
    subflow_name: str | None
    flow_name: str | None


class _Artifact(msgspec.Struct, kw_only=True):
    """An artifact of the flow run; `task_run_id` is of the task run that left it, if one did."""

    id: UUID
    created: datetime
    key: str | None
    type: str
    data: Any
    task_run_id: UUID | None
    is_latest: bool


class _Task(msgspec.Struct, kw_only=True):
    id: UUID
    name: str
    expected_start_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    total_run_time: float
    task_inputs: TaskInputs


_RUN = Reader(_Run, {"start_time": Kind.TIME, "expected_start_time": Kind.TIME, "end_time": Kind.TIME})
_STATE = Reader(GraphState, {"id": Kind.UUID, "timestamp": Kind.TIME, "type": ENUM(StateType), "name": Kind.TEXT})
_NODE = Reader(
    _Node,
    {
        "id": Kind.UUID,
        "name": Kind.TEXT,
        "state_type": ENUM(StateType),
        "start_time": Kind.TIME,
        "end_time": Kind.TIME,
        "task_inputs": JSON(TaskInputs),
        "subflow_id": Kind.UUID,
        "subflow_name": Kind.TEXT,
        "flow_name": Kind.TEXT,
    },
)
_ARTIFACT = Reader(
    _Artifact,
    {
        "id": Kind.UUID,
        "created": Kind.TIME,
        "key": Kind.TEXT,
        "type": Kind.TEXT,
        "data": JSON(),
        "task_run_id": Kind.UUID,
        "is_latest": Kind.BOOLEAN,
    },
)
_TASK = Reader(
    _Task,
    {
        "id": Kind.UUID,
        "name": Kind.TEXT,
        "expected_start_time": Kind.TIME,
        "start_time": Kind.TIME,
        "end_time": Kind.TIME,
        "total_run_time": Kind.FLOAT,
        "task_inputs": JSON(TaskInputs),
    },
)

_FIND_RUN = Statement(
    f"SELECT {_RUN.columns()} FROM flow_runs WHERE id = $1 AND deleted_at IS NULL AND {shown('flow_runs.id')}"
)
_STATES_OF = Statement(f"SELECT {_STATE.columns()} FROM flow_run_states WHERE flow_run_id = $1 ORDER BY timestamp")
_NODES_OF = Statement(
    f"""
    SELECT * FROM (
        SELECT task.id, task.name, coalesce(subflow.state_type, task.state_type) AS state_type,
            CASE WHEN subflow.id IS NULL THEN coalesce(task.start_time, task.expected_start_time)
                ELSE coalesce(subflow.start_time, subflow.expected_start_time) END AS start_time,
            CASE WHEN subflow.id IS NOT NULL THEN subflow.end_time
                WHEN task.end_time IS NULL AND task.state_type = 'COMPLETED' THEN task.expected_start_time
                ELSE task.end_time END AS end_time,
            task.task_inputs, subflow.id AS subflow_id, subflow.name AS subflow_name, flow.name AS flow_name
        FROM task_runs AS task
        LEFT JOIN flow_runs AS subflow ON subflow.parent_task_run_id = task.id
            AND subflow.deleted_at IS NULL AND {shown("subflow.id")}
        LEFT JOIN flows AS flow ON flow.id = subflow.flow_id
        WHERE task.flow_run_id = $1 AND task.deleted_at IS NULL
    ) AS node
    WHERE start_time IS NOT NULL AND state_type IS NOT NULL AND (end_time IS NULL OR end_time >= $2)
    ORDER BY start_time, end_time NULLS LAST, id LIMIT {MOST_NODES + 1}
    """
)
# Results are artifacts too, but nothing to look at; one without a key is the only one of its kind.
_ARTIFACTS_OF = Statement(
    f"""
    SELECT a.id, a.created, a.key, a.type, CASE WHEN a.type = '{_PROGRESS}' THEN a.data END AS data, a.task_run_id,
        a.key IS NULL OR a.id = latest.latest_id AS is_latest
    FROM artifacts AS a
    LEFT JOIN artifact_collections AS latest ON latest.key = a.key AND latest.deleted_at IS NULL
    WHERE a.flow_run_id = $1 AND a.type <> 'result' AND a.deleted_at IS NULL
    ORDER BY a.id LIMIT {MOST_ARTIFACTS}
    """
)
_TASKS_OF = Statement(
    f"SELECT {_TASK.columns('task')}, {STATES.columns('state')} FROM task_runs AS task"
    " LEFT JOIN task_run_states AS state ON state.id = task.state_id"
    " WHERE task.flow_run_id = $1 AND task.deleted_at IS NULL ORDER BY task.id"
)


async def read(store: Store, flow_run_id: UUID, since: datetime) -> Graph:
    """The graph of a run, without the nodes that ended before `since`.

    Raises `ObjectNotFound`, and `BadRequest` for a run of more than `MOST_NODES` nodes.
    """
    run = await _find(store, flow_run_id, f"Flow run {flow_run_id} not found")
    states = _STATE.all(await store.fetch(_STATES_OF, flow_run_id), store.dialect)
    rows = await store.scan(_NODES_OF, flow_run_id, since)
    if len(rows) > MOST_NODES:
        raise BadRequest(f"The graph of flow run {flow_run_id} has more than {MOST_NODES} nodes.")
    nodes = _linked(_NODE.all(rows, store.dialect))
    left = await _artifacts(store, flow_run_id)
    for node in nodes:
        node.artifacts = left.get(node.id, [])
    return Graph(
        start_time=run.start_time or run.expected_start_time,
        end_time=run.end_time,
        root_node_ids=[node.id for node in nodes if not node.parents],
        nodes=[(node.id, node) for node in nodes],
        artifacts=left.get(None, []),
        states=states,
    )


async def read_dependencies(store: Store, flow_run_id: UUID, now: datetime) -> list[Dependency]:
    """The task runs of a run, each with those it waited for. Raises `ObjectNotFound`."""
    await _find(store, flow_run_id, f"Flow run with id {flow_run_id} not found")
    rows = await store.scan(_TASKS_OF, flow_run_id)
    width = len(_TASK.names)
    tasks = _TASK.all([row[:width] for row in rows], store.dialect)
    states = current_states(rows, width, store.dialect)
    return [
        Dependency(
            id=task.id,
            name=task.name,
            upstream_dependencies=[Upstream(id=id) for id in _upstream(task.task_inputs)],
            state=state,
            expected_start_time=task.expected_start_time,
            start_time=task.start_time,
            end_time=task.end_time,
            total_run_time=task.total_run_time,
            estimated_run_time=estimated_run_time(
                task.total_run_time,
                None if state is None else state.type,
                None if state is None else state.timestamp,
                now,
            ),
            untrackable_result=state is not None and state.state_details.untrackable_result,
        )
        for task, state in zip(tasks, states, strict=True)
    ]


async def _artifacts(store: Store, flow_run_id: UUID) -> dict[UUID | None, list[GraphArtifact]]:
    """What a flow run left to be looked at, by the task run that left it; under None what is its own."""
    found: dict[UUID | None, list[GraphArtifact]] = {}
    for row in _ARTIFACT.all(await store.fetch(_ARTIFACTS_OF, flow_run_id), store.dialect):
        drawn = GraphArtifact(
            id=row.id, created=row.created, key=row.key, type=row.type, is_latest=row.is_latest, data=row.data
        )
        found.setdefault(row.task_run_id, []).append(drawn)
    return found


async def _find(connection: Connection, flow_run_id: UUID, message: str) -> _Run:
    row = await connection.fetch_one(_FIND_RUN, flow_run_id)
    if row is None:
        raise ObjectNotFound(message)
    return _RUN.one(row, connection.dialect)


def _linked(found: Sequence[_Node]) -> list[GraphNode]:
    """The nodes with the edges between them; what is not drawn has no edges."""
    nodes = {node.id: node for node in map(_drawn, found)}
    for source in found:
        node = nodes[source.subflow_id or source.id]
        node.parents = [Edge(id=id) for id in _sources(source.task_inputs) if id in nodes]
        node.encapsulating = [Edge(id=id) for id in _callers(source.task_inputs) if id in nodes]
    for node in nodes.values():
        for parent in node.parents:
            nodes[parent.id].children.append(Edge(id=node.id))
    return list(nodes.values())


def _drawn(source: _Node) -> GraphNode:
    subflow = source.subflow_id
    return GraphNode(
        kind="task-run" if subflow is None else "flow-run",
        id=subflow or source.id,
        label=source.name if subflow is None else f"{source.flow_name} / {source.subflow_name}",
        state_type=source.state_type,
        start_time=source.start_time,
        end_time=source.end_time,
        parents=[],
        children=[],
        encapsulating=[],
        artifacts=[],
    )


def _sources(inputs: TaskInputs) -> list[UUID]:
    """The runs whose results a task took, each once."""
    return _ids(entry for name, entries in inputs.items() if name != _CALLERS for entry in entries)


def _callers(inputs: TaskInputs) -> list[UUID]:
    """The task runs that a task was called inside of."""
    return _ids(iter(inputs.get(_CALLERS, ())))


def _upstream(inputs: TaskInputs) -> list[UUID]:
    """The task runs that a task waited for."""
    return _ids(entry for entries in inputs.values() for entry in entries if entry.input_type == "task_run")


def _ids(entries: Iterator[Any]) -> list[UUID]:
    return list(dict.fromkeys(entry.id for entry in entries if isinstance(entry.id, UUID)))
