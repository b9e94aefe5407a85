"""What filters mean, said slowly and in plain Python (contract §5)."""

from typing import Any

from headrace.wire import filters as f
from headrace.wire.filters import Filter, Operator
from tests.server.filters.world import Row, World

Found = dict[str, Filter]


def matching(world: World, noun: str, filters: Found) -> set[Any]:
    """The ids of the rows of a noun that a user sees and the filters match."""
    return {row["id"] for row in world.live(noun) if _matches(world, noun, row, filters)}


def _matches(world: World, noun: str, row: Row, filters: Found) -> bool:
    if any(other not in ("flows", "flow_runs", "task_runs", "logs") for other in filters):
        return False
    own = filters.get(noun)
    if own is not None and not _own(world, noun, row, own):
        return False
    flow, run, task = filters.get("flows"), filters.get("flow_runs"), filters.get("task_runs")
    match noun:
        case "flows" if run or task:
            runs = [other for other in world.live("flow_runs") if other["flow_id"] == row["id"]]
            return any(
                (run is None or _own(world, "flow_runs", other, run))
                and (task is None or _has_task(world, other, task))
                for other in runs
            )
        case "flow_runs":
            return (flow is None or _parent(world, "flows", row["flow_id"], flow)) and (
                task is None or _has_task(world, row, task)
            )
        case "task_runs":
            if run is not None and not _parent(world, "flow_runs", row["flow_run_id"], run):
                return False
            if flow is None:
                return True
            inside = [other for other in world.live("flow_runs") if other["id"] == row["flow_run_id"]]
            return any(_parent(world, "flows", other["flow_id"], flow) for other in inside)
        case _:
            return True


def _parent(world: World, noun: str, id: Any, wanted: Filter) -> bool:
    return any(row["id"] == id and _own(world, noun, row, wanted) for row in world.live(noun))


def _has_task(world: World, run: Row, wanted: Filter) -> bool:
    tasks = [task for task in world.live("task_runs") if task["flow_run_id"] == run["id"]]
    return any(_own(world, "task_runs", task, wanted) for task in tasks)


def _own(world: World, noun: str, row: Row, wanted: Filter) -> bool:
    parts = [
        _part(world, noun, row, name, getattr(wanted, name))
        for name in wanted.__struct_fields__
        if name != "operator" and getattr(wanted, name) is not None
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
            return part.is_null_ is not False
        case f.FlowFilterTags() | f.FlowRunFilterTags() | f.TaskRunFilterTags():
            return _tags(row["tags"], part)
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
    pattern, text = f"%{pattern}%".lower(), text.lower()
    reached = {0}
    for letter in pattern:
        if letter == "%":
            reached = set(range(min(reached, default=len(text) + 1), len(text) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(text) and letter in ("_", text[at])}
    return len(text) in reached


def _tags(tags: list[str], part: Any) -> bool:
    any_ = getattr(part, "any_", None)
    return _combined(
        part,
        [
            all(tag in tags for tag in part.all_) if part.all_ else None,
            None if any_ is None else any(tag in tags for tag in any_),
            None if part.is_null_ is None else (not tags) is part.is_null_,
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
