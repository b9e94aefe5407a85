"""How the filter of one noun constrains the rows of another: there has to be a related row that it matches."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import FromClause, Table, exists, false, select

from headrace.server.filters import absent
from headrace.server.filters.criteria import Part, any_of
from headrace.server.filters.forms import ONE, Condition
from headrace.server.filters.nouns import condition
from headrace.server.store.tables import flow_runs, flows, task_runs

Parts = Mapping[str, Part]


def conditions(noun: str, parts: Parts) -> list[Condition]:
    """All that the given filters ask of the rows of a noun."""
    own = [condition(noun, parts[noun])] if noun in parts else []
    if not absent.NOUNS.isdisjoint(parts):
        return [false()]
    match noun:
        case "flows":
            return own + _flows_with(parts)
        case "flow_runs":
            return own + _flow_runs_of(parts) + _flow_runs_with(parts)
        case "task_runs":
            return own + _task_runs_of(parts)
        case _:
            return own


def _flows_with(parts: Parts) -> list[Condition]:
    """Flows with a run that matches, both itself and by a task run of its own."""
    if "flow_runs" not in parts and "task_runs" not in parts:
        return []
    inner = _flow_runs_with(parts)
    if "flow_runs" in parts:
        inner.append(condition("flow_runs", parts["flow_runs"]))
    return [_has(flow_runs, flow_runs.c.flow_id, flows, inner)]


def _flow_runs_with(parts: Parts) -> list[Condition]:
    """Flow runs with a task run that matches."""
    if "task_runs" not in parts:
        return []
    return [_has(task_runs, task_runs.c.flow_run_id, flow_runs, [condition("task_runs", parts["task_runs"])])]


def _flow_runs_of(parts: Parts) -> list[Condition]:
    """Flow runs of a flow that matches."""
    if "flows" not in parts:
        return []
    part = parts["flows"]
    return [*_implied(part, flow_runs.c.flow_id), _belongs(flow_runs, flow_runs.c.flow_id, flows, part, [])]


def _task_runs_of(parts: Parts) -> list[Condition]:
    """Task runs inside a flow run that matches, or inside any run of a flow that matches."""
    found: list[Condition] = []
    if "flow_runs" in parts:
        part = parts["flow_runs"]
        found += _implied(part, task_runs.c.flow_run_id)
        found.append(_belongs(task_runs, task_runs.c.flow_run_id, flow_runs, part, []))
    if "flows" in parts:
        found.append(_has_parent(task_runs, task_runs.c.flow_run_id, flow_runs, _flow_runs_of(parts)))
    return found


def _implied(part: Part, key: Expression[Any]) -> list[Condition]:
    """What a filter by id says about the key that points there, so that the key's index serves."""
    if part.has("id") and not part.alternative and part.nested("id").has("any_"):
        return [any_of(part.nested("id"), "any_", key)]
    return []


def _has(child: Table, key: Expression[Any], parent: Table, inner: list[Condition]) -> Condition:
    """Some live row of the child points at the parent and matches."""
    rows = select(ONE).select_from(child)
    return exists(rows.where(key == parent.c.id, child.c.deleted_at.is_(None), *inner).correlate(parent))


def _belongs(child: Table, key: Expression[Any], parent: Table, part: Part, inner: list[Condition]) -> Condition:
    """The parent that the key points at matches its filter."""
    own = condition(parent.name, part)
    if _is_narrow(part):
        return key.in_(select(parent.c.id).where(parent.c.deleted_at.is_(None), own, *inner))
    return _has_parent(child, key, parent, [own, *inner])


def _has_parent(child: FromClause, key: Expression[Any], parent: Table, inner: list[Condition]) -> Condition:
    rows = select(ONE).select_from(parent)
    return exists(rows.where(parent.c.id == key, parent.c.deleted_at.is_(None), *inner).correlate(child))


def _is_narrow(part: Part) -> bool:
    """Whether the filter names its few objects, so that finding them first is the shorter way."""
    return not part.alternative and any(part.has(name) and part.nested(name).has("any_") for name in ("id", "name"))
