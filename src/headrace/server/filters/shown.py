"""Which rows of a noun are to be seen: those that are neither marked as deleted nor hidden with their flow run.

The others are in the trash.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import FromClause, Table, and_, exists, func, or_, select

from headrace.server.filters.forms import ONE, Condition
from headrace.server.store.tables import flow_runs, hidden_runs, task_runs

_owners = task_runs.alias("owning")


def shown(noun: str, table: FromClause) -> Iterator[Condition]:
    """The conditions that rows of a noun meet which are shown; `table` is the noun's, or an alias of it."""
    if "deleted_at" in table.c:
        yield table.c.deleted_at.is_(None)
    match noun:
        case "flow_runs":
            yield _is_shown(table.c.id, table)
        case "task_runs":
            yield _is_shown(table.c.flow_run_id, table)
        case "artifacts":
            yield _is_shown(func.coalesce(table.c.flow_run_id, _flow_run_of_task(table)), table)
        case "logs":
            yield _is_shown(func.coalesce(table.c.flow_run_id, _flow_run_of_task(table)), table)
            yield _is_not_marked(table.c.flow_run_id, flow_runs, table)
            yield _is_not_marked(table.c.task_run_id, task_runs, table)
        case _:
            return


def deleted(noun: str, table: FromClause) -> Iterator[Condition]:
    """The conditions that rows of a noun meet which an operation has deleted by themselves, or along with others."""
    marked = table.c.deleted_by.is_not(None)
    if noun == "flow_runs":
        hidden = exists(select(ONE).select_from(hidden_runs).where(hidden_runs.c.id == table.c.id).correlate(table))
        # In parentheses of its own: whoever goes on with the text adds further conditions.
        yield or_(hidden, and_(table.c.deleted_at.is_not(None), marked)).self_group()
    else:
        yield and_(table.c.deleted_at.is_not(None), marked)


def _is_shown(flow_run_id: Expression[Any], table: FromClause) -> Condition:
    """The flow run is not hidden; as in store/hidden.py."""
    anything = exists(select(ONE).select_from(hidden_runs))
    this = exists(select(ONE).select_from(hidden_runs).where(hidden_runs.c.id == flow_run_id).correlate(table))
    return or_(~anything, ~this)


def _is_not_marked(id_: Expression[Any], owners: Table, table: FromClause) -> Condition:
    """What the rows of another table, which have no marks of their own, belong to is not marked as deleted."""
    owner = owners.alias(f"{owners.name}_of")
    marked = select(ONE).select_from(owner).where(owner.c.id == id_, owner.c.deleted_at.is_not(None))
    return ~exists(marked.correlate(table))


def _flow_run_of_task(table: FromClause) -> Expression[Any]:
    owner = select(_owners.c.flow_run_id).where(_owners.c.id == table.c.task_run_id)
    return owner.correlate(table).scalar_subquery()
