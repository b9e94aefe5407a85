"""What filters mean, said slowly and in plain Python (contract §5)."""

from datetime import timedelta
from typing import Any

from headrace.wire import filters as f
from headrace.wire.filters import Filter, Operator
from tests.server.filters.world import BEGINNING, Row, World

Found = dict[str, Filter]
NOW = BEGINNING + timedelta(minutes=5)
"""The moment at which workers are asked for their status."""


def matching(world: World, noun: str, filters: Found) -> set[Any]:
    """The ids of the rows of a noun that a user sees and the filters match."""
    return {row["id"] for row in world.live(noun) if _matches(world, noun, row, filters)}


def _matches(world: World, noun: str, row: Row, filters: Found) -> bool:
    own = filters.get(noun)
    return (own is None or _own(world, noun, row, own)) and all(
        _related(world, row, relation, filters) for relation in RELATIONS.get(noun, ())
    )


Relation = tuple[str, str, str, tuple[Any, ...]]
"""A noun, which of its columns equals which of ours, and what it is related to in turn."""

_POOL: Relation = ("work_pools", "id", "work_pool_id", ())
_QUEUE: Relation = ("work_queues", "id", "work_queue_id", (_POOL,))
_FLOW: Relation = ("flows", "id", "flow_id", ())
_DEPLOYMENT: Relation = ("deployments", "id", "deployment_id", ())
_RUN: Relation = ("flow_runs", "id", "flow_run_id", (_FLOW, _DEPLOYMENT, _QUEUE))
_TASKS: Relation = ("task_runs", "flow_run_id", "id", ())
RELATIONS: dict[str, tuple[Relation, ...]] = {
    "flows": (("flow_runs", "flow_id", "id", (_TASKS,)), ("deployments", "flow_id", "id", (_QUEUE,))),
    "flow_runs": (_FLOW, _DEPLOYMENT, _QUEUE, _TASKS),
    "task_runs": (_RUN,),
    "deployments": (_FLOW, _QUEUE, ("flow_runs", "deployment_id", "id", (_TASKS,))),
    "work_queues": (_POOL,),
    "workers": (_POOL,),
    "artifacts": (_RUN, ("task_runs", "id", "task_run_id", ())),
    "artifact_collections": (_RUN, ("task_runs", "id", "task_run_id", ())),
    "block_documents": (("block_types", "id", "block_type_id", ()), ("block_schemas", "id", "block_schema_id", ())),
    "block_types": (("block_schemas", "block_type_id", "id", ()),),
}


def nouns_of(relations: tuple[Relation, ...]) -> set[str]:
    """All nouns that are related, directly or not."""
    return {noun for noun, _, _, deeper in relations} | {name for *_, deeper in relations for name in nouns_of(deeper)}


def _related(world: World, row: Row, relation: Relation, filters: Found) -> bool:
    """Some live row is related and matches its own filter and all that is asked of what it is related to."""
    noun, theirs, ours, deeper = relation
    if not nouns_of((relation,)) & filters.keys():
        return True
    return any(
        other[theirs] == row[ours]
        and (noun not in filters or _own(world, noun, other, filters[noun]))
        and all(_related(world, other, further, filters) for further in deeper)
        for other in world.live(noun)
    )


def _own(world: World, noun: str, row: Row, wanted: Filter) -> bool:
    parts = [
        _part(world, noun, row, name, getattr(wanted, name))
        for name in wanted.__struct_fields__
        if name not in ("operator", "concurrency_limit") and getattr(wanted, name) is not None
    ]
    return _combined(wanted, parts)


def _combined(wanted: Any, parts: list[bool | None]) -> bool:
    """None is a part that constrains nothing: it is left out, and with nothing left everything matches."""
    known = [part for part in parts if part is not None]
    if not known:
        return True
    return any(known) if getattr(wanted, "operator", Operator.and_) is Operator.or_ else all(known)


def _part(world: World, noun: str, row: Row, name: str, part: Any) -> bool:
    match part:
        case f.FlowFilterDeployment():
            has_one = any(other["flow_id"] == row["id"] for other in world.live("deployments"))
            return part.is_null_ is None or has_one is not part.is_null_
        case (
            f.FlowFilterTags()
            | f.FlowRunFilterTags()
            | f.TaskRunFilterTags()
            | f.DeploymentFilterTags()
            | f.VariableFilterTags()
        ):
            return _tags(row["tags"], part)
        case f.BlockSchemaFilterCapabilities():
            return _tags(row["capabilities"], part)
        case f.DeploymentOrFlowNameFilter():
            owners = [flow["name"] for flow in world.live("flows") if flow["id"] == row["flow_id"]]
            return not part.like_ or any(_like(part.like_, name) for name in (row["name"], *owners))
        case f.WorkerFilterStatus():
            return _combined(part, _operators(_worker_status(row), part))
        case f.FlowRunFilterState() | f.TaskRunFilterState():
            return _state(row, part)
        case f.FlowRunFilterStartTime():
            return _combined(
                part,
                [
                    *_window(row["start_time"] or row["expected_start_time"], part),
                    None if part.is_null_ is None else (row["start_time"] is None) is part.is_null_,
                ],
            )
        case f.FlowRunFilterParentFlowRunId():
            return part.any_ is None or any(
                task["id"] == row["parent_task_run_id"] and task["flow_run_id"] in part.any_
                for task in world.live("task_runs")
            )
        case f.FlowRunFilterCreatedBy():
            return _created_by(row["created_by"], part)
        case f.TaskRunFilterSubFlowRuns():
            subflow = any(run["parent_task_run_id"] == row["id"] for run in world.live("flow_runs"))
            return part.exists_ is None or subflow is part.exists_
        case f.TaskRunFilterFlowRunId():
            if part.is_null_:
                return row["flow_run_id"] is None
            return row["flow_run_id"] is not None if part.any_ is None else row["flow_run_id"] in part.any_
        case f.LogFilterTextSearch():
            raise AssertionError("text searches have their own tests")
        case _:
            return _combined(part, _operators(row[name], part))


def _operators(value: Any, part: Any) -> list[bool | None]:
    found: list[bool | None] = [*_window(value, part)]
    for name in part.__struct_fields__:
        given = getattr(part, name)
        if given is None:
            continue
        match name:
            case "any_":
                found.append(value in given)
            case "not_any_":
                found.append(None if not given else value is not None and value not in given)
            case "like_":
                found.append(None if not given else value is not None and _like(given, value))
            case "is_null_":
                found.append((value is None) is given)
            case "exists_":
                found.append((value is not None) is given)
            case "eq_":
                found.append(value is given)
            case "startswith_":
                begins = [_like_pattern(f"{beginning}%", value) for beginning in given]
                found.append(any(begins) if begins else None)
            case "ge_":
                found.append(value >= given)
            case "le_":
                found.append(value <= given)
            case _:
                assert name in ("operator", "before_", "after_")
    return found


def _window(value: Any, part: Any) -> list[bool | None]:
    before, after = getattr(part, "before_", None), getattr(part, "after_", None)
    return [
        None if before is None else value is not None and value <= before,
        None if after is None else value is not None and value >= after,
    ]


def _like(pattern: str, text: str) -> bool:
    """`%` stands for any text and `_` for any one character, wherever they come from."""
    return _like_pattern(f"%{pattern}%", text)


def _like_pattern(pattern: str, text: str) -> bool:
    pattern, text = pattern.lower(), text.lower()
    reached = {0}
    for letter in pattern:
        if letter == "%":
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(text) and letter in ("_", text[at])}
    return len(text) in reached


def _worker_status(row: Row) -> str:
    if row["last_heartbeat_time"] is None:
        return "OFFLINE"
    until = row["last_heartbeat_time"] + timedelta(seconds=3 * (row["heartbeat_interval_seconds"] or 30))
    return "ONLINE" if until > NOW else "OFFLINE"


def _tags(tags: list[str], part: Any) -> bool:
    any_ = getattr(part, "any_", None)
    return _combined(
        part,
        [
            all(tag in tags for tag in part.all_) if part.all_ else None,
            None if any_ is None else any(tag in tags for tag in any_),
            None if getattr(part, "is_null_", None) is None else (not tags) is part.is_null_,
        ],
    )


def _state(row: Row, part: Any) -> bool:
    found: list[bool | None] = []
    for value, wanted in ((row["state_type"], part.type), (row["state_name"], part.name)):
        if wanted is None or (wanted.any_ is not None and getattr(wanted, "not_any_", None)):
            continue
        found += _operators(value, wanted)
    return _combined(part, found)


def _created_by(maker: Row | None, part: Any) -> bool:
    return _combined(
        part,
        [
            None if part.id_ is None else maker is not None and maker["id"] in map(str, part.id_),
            None if part.type_ is None else maker is not None and maker["type"] in part.type_,
            None if part.is_null_ is None else (maker is None) is part.is_null_,
        ],
    )
