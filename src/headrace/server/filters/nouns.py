"""What each part of each noun's filter means (contract §5)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import Text, and_, exists, func, literal_column, select, true

from headrace.rules.text_search import parse_terms
from headrace.server.filters import automations, blocks, kept, work
from headrace.server.filters.criteria import (
    Criterion,
    Part,
    all_parts,
    any_of,
    column_conditions,
    on_column,
    on_tags,
)
from headrace.server.filters.forms import ONE, Condition
from headrace.server.filters.shown import shown
from headrace.server.store.tables import flow_runs, flows, logs, task_runs
from headrace.wire.filters import LogFilterTextSearch

_run, _task = flow_runs.c, task_runs.c
_parents = task_runs.alias("parent")
_subflows = flow_runs.alias("subflow")


def condition(noun: str, part: Part) -> Condition:
    """Which rows of the noun its own filter matches."""
    return all_parts(part, _CRITERIA[noun])


def _on_state(type_: Expression[Any], name: Expression[Any]) -> Criterion:
    """A type or name that holds both operators constrains nothing, not even an alternative (contract §5)."""

    def conditions(part: Part) -> Iterator[Condition]:
        for which, column in (("type", type_), ("name", name)):
            if part.has(which):
                nested = part.nested(which)
                active = list(column_conditions(nested, column))
                if len(active) == 1 and not (nested.has("any_") and _excludes(nested)):
                    yield active[0]

    return lambda part: part.combine(list(conditions(part)))


def _excludes(part: Part) -> bool:
    return bool(getattr(part.given, "not_any_", None))


def _on_start_time(part: Part) -> Condition:
    """Windows take the expected start of what has not started; `is_null_` asks for the start itself."""
    start = func.coalesce(_run.start_time, _run.expected_start_time)
    return part.combine(list(column_conditions(part, start, null=_run.start_time)))


def _on_parent_flow_run(part: Part) -> Condition:
    """Runs called in a task run of one of these flow runs."""
    if not part.has("any_"):
        return true()
    parents = select(_parents.c.id).where(any_of(part, "any_", _parents.c.flow_run_id), *shown("task_runs", _parents))
    return _run.parent_task_run_id.in_(parents)


def _on_created_by(part: Part) -> Condition:
    """What made the run is kept as a document with an id and a type."""
    conditions: list[Condition] = []
    for name, value in part.operators():
        match name:
            case "id_":
                conditions.append(any_of(part, name, _member(_run.created_by, "id"), str))
            case "type_":
                conditions.append(any_of(part, name, _member(_run.created_by, "type")))
            case _:
                conditions.append(_run.created_by.is_(None) if value else _run.created_by.is_not(None))
    return part.combine(conditions)


def _member(document: Expression[Any], key: str) -> Expression[Any]:
    return document.op("->>", return_type=Text())(literal_column(f"'{key}'"))


def _on_subflow_runs(part: Part) -> Condition:
    """Task runs that stand for a subflow run."""
    wanted = getattr(part.given, "exists_", None)
    if wanted is None:
        return true()
    subflow = select(ONE).where(_subflows.c.parent_task_run_id == _task.id, *shown("flow_runs", _subflows))
    found = exists(subflow.correlate(task_runs))
    return found if wanted else ~found


def _on_flow_run(part: Part) -> Condition:
    """Outside flows if `is_null_`; else one of `any_`, or inside any flow where that is absent."""
    if getattr(part.given, "is_null_", None):
        return _task.flow_run_id.is_(None)
    if part.has("any_"):
        return any_of(part, "any_", _task.flow_run_id)
    return _task.flow_run_id.is_not(None)


def _on_text(part: Part) -> Condition:
    """Terms in the message and the logger's name, which are read as one text."""
    text = logs.c.message.op("||")(literal_column("' '")).op("||")(logs.c.name)
    assert isinstance(part.given, LogFilterTextSearch)
    terms = parse_terms(part.given.query)
    conditions: list[Condition] = []
    if terms.wanted:
        conditions.append(part.forms.contains_any(text, part.parameter("wanted")))
    if terms.required:
        conditions.append(part.forms.contains_all(text, part.parameter("required")))
    if terms.excluded:
        conditions.append(~part.forms.contains_any(text, part.parameter("excluded")))
    return and_(true(), *conditions)


_CRITERIA: dict[str, dict[str, Criterion]] = (
    {
        "flows": {
            "id": on_column(flows.c.id),
            "deployment": work.has_deployment,
            "name": on_column(flows.c.name),
            "tags": on_tags(flows.c.tags),
        },
        "flow_runs": {
            "id": on_column(_run.id),
            "name": on_column(_run.name),
            "tags": on_tags(_run.tags),
            "deployment_id": on_column(_run.deployment_id),
            "work_queue_name": on_column(_run.work_queue_name),
            "state": _on_state(_run.state_type, _run.state_name),
            "flow_version": on_column(_run.flow_version),
            "start_time": _on_start_time,
            "end_time": on_column(_run.end_time),
            "expected_start_time": on_column(_run.expected_start_time),
            "next_scheduled_start_time": on_column(_run.next_scheduled_start_time),
            "parent_flow_run_id": _on_parent_flow_run,
            "parent_task_run_id": on_column(_run.parent_task_run_id),
            "idempotency_key": on_column(_run.idempotency_key),
            "created_by": _on_created_by,
        },
        "task_runs": {
            "id": on_column(_task.id),
            "name": on_column(_task.name),
            "tags": on_tags(_task.tags),
            "state": _on_state(_task.state_type, _task.state_name),
            "start_time": on_column(_task.start_time),
            "end_time": on_column(_task.end_time),
            "expected_start_time": on_column(_task.expected_start_time),
            "subflow_runs": _on_subflow_runs,
            "flow_run_id": _on_flow_run,
        },
        "logs": {
            "level": on_column(logs.c.level),
            "timestamp": on_column(logs.c.timestamp),
            "flow_run_id": on_column(logs.c.flow_run_id),
            "task_run_id": on_column(logs.c.task_run_id),
            "text": _on_text,
        },
    }
    | work.CRITERIA
    | kept.CRITERIA
    | blocks.CRITERIA
    | automations.CRITERIA
)
