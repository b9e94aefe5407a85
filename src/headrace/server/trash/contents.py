"""What is deleted along with objects as items of its own, because there may be much of it.

Each function reads no more at a time than memory should hold: a flow may have millions of runs.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from uuid import UUID

from headrace.server.store.base import Connection, Statement, View
from headrace.server.store.hidden import shown
from headrace.server.store.rows import Kind, Reader
from headrace.server.trash.chosen import chosen, rows_of
from headrace.server.trash.marking import IDS
from headrace.wire.operations import OperationNoun

Item = tuple[OperationNoun, UUID]
Meant = Callable[[Sequence[UUID]], Awaitable[set[UUID]]]
"""Which of these objects are deleted themselves, whatever they go along with."""

_IS_SHOWN = f"deleted_at IS NULL AND {shown('flow_runs.id')}"
_IS_WAITING = f"deployment_id IS NOT NULL AND state_type = 'SCHEDULED' AND run_count = 0 AND {_IS_SHOWN}"
_DEPLOYMENTS = chosen("SELECT id FROM deployments WHERE flow_id {among} AND deleted_at IS NULL ORDER BY id")
_SOME_RUNS = {
    OperationNoun.FLOWS: chosen(f"SELECT id FROM flow_runs WHERE flow_id {{among}} AND {_IS_SHOWN} LIMIT $2"),
    OperationNoun.DEPLOYMENTS: chosen(
        f"SELECT id FROM flow_runs WHERE deployment_id {{among}} AND {_IS_WAITING} LIMIT $2"
    ),
}
_PAGE = "AND id > $2 ORDER BY id LIMIT $3"
_NEXT_RUNS = {
    OperationNoun.FLOWS: Statement(f"SELECT id FROM flow_runs WHERE flow_id = $1 AND {_IS_SHOWN} {_PAGE}"),
    OperationNoun.DEPLOYMENTS: Statement(
        f"SELECT id FROM flow_runs WHERE deployment_id = $1 AND {_IS_WAITING} {_PAGE}"
    ),
}
# By the task runs that stand for them; a run that is deleted has none.
_SUBFLOWS = chosen(
    f"""
    SELECT c.id, c.flow_id FROM task_runs t {{join}} flow_runs c ON c.parent_task_run_id = t.id
    WHERE t.flow_run_id {{among}} AND t.deleted_at IS NULL AND c.parent_task_run_id IS NOT NULL
        AND c.deleted_at IS NULL AND {shown("c.id")}
    ORDER BY c.id
    """,
    join=("JOIN", "CROSS JOIN"),
)


def _subflow(*, id: UUID, flow_id: UUID) -> tuple[UUID, UUID]:
    return id, flow_id


_SUBFLOW = Reader(_subflow, {"id": Kind.UUID, "flow_id": Kind.UUID})
_FIRST = UUID(int=0)
_PARENTS = 1_000
"""So many runs are asked for their subflow runs at once."""


async def pages(
    view: View, noun: OperationNoun, ids: Sequence[UUID], *, children: bool, size: int, meant: Meant
) -> AsyncIterator[list[Item]]:
    """What goes along with these objects, each once and after what it belongs to: in this order it is restored, too.

    A flow's deployments and runs; what a deployment has yet to run; if `children`, the subflow runs of flow runs, with
    theirs. Those that are `meant` themselves, or whose flows are, are left out: they come with what is theirs.
    """
    match noun:
        case OperationNoun.FLOWS | OperationNoun.DEPLOYMENTS:
            yield await _deployments(view, noun, ids)
            async for runs in _runs(view, noun, ids, size):
                yield _items(runs)
                if children and noun is OperationNoun.FLOWS:
                    async for below in _below(view, noun, runs, meant):
                        yield _items(below)
        case OperationNoun.FLOW_RUNS if children:
            async for below in _below(view, noun, ids, meant):
                yield _items(below)
        case _:
            return


async def first(
    transaction: Connection, noun: OperationNoun, ids: Sequence[UUID], *, children: bool, most: int
) -> list[Item]:
    """The first of what goes along with flows or deployments: at most so many of their runs, with what is below them.

    Once these are deleted, the next are the first.
    """

    async def meant(flows: Sequence[UUID]) -> set[UUID]:
        return set(ids).intersection(flows)

    runs = await _some(transaction, noun, ids, most)
    found = [*await _deployments(transaction, noun, ids), *_items(runs)]
    if children and noun is OperationNoun.FLOWS:
        async for below in _below(transaction, noun, runs, meant):
            found += _items(below)
    return found


async def _deployments(connection: Connection | View, noun: OperationNoun, ids: Sequence[UUID]) -> list[Item]:
    if noun is not OperationNoun.FLOWS:
        return []
    rows = await rows_of(connection, _DEPLOYMENTS, list(ids))
    return [(OperationNoun.DEPLOYMENTS, id) for id in IDS.all(rows, connection.dialect)]


async def _some(connection: Connection | View, noun: OperationNoun, ids: Sequence[UUID], most: int) -> list[UUID]:
    rows = await rows_of(connection, _SOME_RUNS[noun], list(ids), most)
    return sorted(IDS.all(rows, connection.dialect), key=_number)


async def _runs(view: View, noun: OperationNoun, ids: Sequence[UUID], size: int) -> AsyncIterator[list[UUID]]:
    """The runs that go along: all at once where they are few, else container by container."""
    few = await _some(view, noun, ids, size)
    if len(few) < size:
        yield few
        return
    for id in ids:
        after: UUID | None = _FIRST
        while after is not None:
            page = IDS.all(await view.scan(_NEXT_RUNS[noun], id, after, size), view.dialect)
            yield page
            after = page[-1] if len(page) == size else None


async def _below(
    connection: Connection | View, noun: OperationNoun, ids: Sequence[UUID], meant: Meant
) -> AsyncIterator[list[UUID]]:
    """The subflow runs of runs, and theirs: each has one parent, and so comes once, where nobody else brings it."""
    waiting = [list(ids)]
    while waiting:
        parents = waiting.pop()
        if parents[_PARENTS:]:
            waiting.append(parents[_PARENTS:])
        rows = await rows_of(connection, _SUBFLOWS, parents[:_PARENTS])
        if not rows:
            continue
        owners = dict(_SUBFLOW.all(rows, connection.dialect))
        if noun is OperationNoun.FLOW_RUNS:
            owners = {id: id for id in owners}
        others = await meant(list(set(owners.values())))
        below = [id for id, owner in owners.items() if owner not in others]
        if below:
            yield below
            waiting.append(below)


def _items(runs: Sequence[UUID]) -> list[Item]:
    return [(OperationNoun.FLOW_RUNS, id) for id in runs]


def _number(id: UUID) -> int:
    return id.int
