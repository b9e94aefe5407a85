"""Which rows of a noun are to be seen: those that are neither marked as deleted nor hidden with their flow run.

The others are in the trash.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import FromClause, Table, and_, exists, func, or_, select

from headrace.server.filters.forms import ONE, Condition
from headrace.server.store.tables import flow_runs, hidden_runs, task_runs

Conditions = Callable[[str, FromClause], Iterator[Condition]]
"""The conditions that rows of a noun meet; the table is the noun's, or an alias of it."""

_owners = task_runs.alias("owning")
_anything = exists(select(ONE).select_from(hidden_runs))


def shown(noun: str, table: FromClause) -> Iterator[Condition]:
    """The conditions that rows of a noun meet which are shown."""
    for flow_run_id in _flow_run_id(noun, table):
        this = select(ONE).select_from(hidden_runs).where(hidden_runs.c.id == flow_run_id).correlate(table)
        yield or_(~_anything, this.scalar_subquery().is_(None))  # as in store/hidden.py
    yield from _not_marked(noun, table)


def shown_beside_none(noun: str, table: FromClause) -> Iterator[Condition]:
    """The same, met by no row while anything is hidden."""
    yield ~_anything
    yield from _not_marked(noun, table)


def shown_beside_hidden(noun: str, table: FromClause) -> Iterator[Condition]:
    """The same, met by no row while nothing is hidden; the database may read all that is hidden beforehand."""
    yield _anything
    for flow_run_id in _flow_run_id(noun, table):
        yield ~exists(select(ONE).select_from(hidden_runs).where(hidden_runs.c.id == flow_run_id).correlate(table))
    yield from _not_marked(noun, table)


def deleted(noun: str, table: FromClause) -> Iterator[Condition]:
    """The conditions that rows of a noun meet which an operation has deleted by themselves, or along with others."""
    marked = table.c.deleted_by.is_not(None)
    if noun == "flow_runs":
        hidden = exists(select(ONE).select_from(hidden_runs).where(hidden_runs.c.id == table.c.id).correlate(table))
        # In parentheses of its own: whoever goes on with the text adds further conditions.
        yield or_(hidden, and_(table.c.deleted_at.is_not(None), marked)).self_group()
    else:
        yield and_(table.c.deleted_at.is_not(None), marked)


def _flow_run_id(noun: str, table: FromClause) -> Iterator[Expression[Any]]:
    """The flow run with which rows of a noun are hidden; none for nouns that are not."""
    match noun:
        case "flow_runs":
            yield table.c.id
        case "task_runs":
            yield table.c.flow_run_id
        case "artifacts" | "logs":
            yield func.coalesce(table.c.flow_run_id, _flow_run_of_task(table))
        case _:
            return


def _not_marked(noun: str, table: FromClause) -> Iterator[Condition]:
    if "deleted_at" in table.c:
        yield table.c.deleted_at.is_(None)
    if noun == "logs":
        yield _is_not_marked(table.c.flow_run_id, flow_runs, table)
        yield _is_not_marked(table.c.task_run_id, task_runs, table)


def _is_not_marked(id_: Expression[Any], owners: Table, table: FromClause) -> Condition:
    """What the rows of another table, which have no marks of their own, belong to is not marked as deleted."""
    owner = owners.alias(f"{owners.name}_of")
    marked = select(ONE).select_from(owner).where(owner.c.id == id_, owner.c.deleted_at.is_not(None))
    return ~exists(marked.correlate(table))


def _flow_run_of_task(table: FromClause) -> Expression[Any]:
    owner = select(_owners.c.flow_run_id).where(_owners.c.id == table.c.task_run_id)
    return owner.correlate(table).scalar_subquery()
