"""Lists, pages and counts of runs, the same way for both kinds."""

from collections.abc import Mapping

from headrace.server.filters.query import Query
from headrace.server.store.base import Row, Statement, Store
from headrace.server.store.hidden import shown
from headrace.server.store.tallies import TOTAL
from headrace.wire.filters import Filter

Given = Mapping[str, Filter]
_WITHOUT_INDEX = frozenset({"NEXT_SCHEDULED_START_TIME_ASC"})
"""Sorts whose index leaves out runs that are not scheduled, so that it does not serve a list of all."""


class Listing:
    """How runs of a noun ("flow_runs", "task_runs") are listed with their states.

    `columns` is what is selected, from the noun's table and from `state`; `orders` gives each sort's columns.
    """

    def __init__(self, noun: str, columns: str, orders: Mapping[str, str]) -> None:
        self.noun = noun
        state = f"LEFT JOIN {noun[:-1]}_states AS state ON state.id = {noun}.state_id"
        flow_run_id = f"{noun}.id" if noun == "flow_runs" else f"{noun}.flow_run_id"
        is_shown = f"{noun}.deleted_at IS NULL AND {shown(flow_run_id)}"
        self._first = {
            sort: Statement(f"SELECT {columns} FROM {noun} {state} WHERE {is_shown} ORDER BY {order} LIMIT $1")
            for sort, order in orders.items()
            if sort not in _WITHOUT_INDEX
        }
        # PostgreSQL tells by a row's xmin, the transaction that wrote it, whether it is still the same.
        self._versions = {
            sort: Statement(f"SELECT id, xmin FROM {noun} WHERE {is_shown} ORDER BY {order} LIMIT $1")
            for sort, order in orders.items()
            if sort not in _WITHOUT_INDEX
        }
        # Matches may have to be sorted and some are passed over, so first their ids are found, then what is shown.
        self._found = Query(
            noun,
            f"{noun}.id",
            f"SELECT {columns} FROM ({{matching}} ORDER BY {{order}} LIMIT {{limit}} OFFSET {{offset}}) AS page"
            f" JOIN {noun} ON {noun}.id = page.id {state} ORDER BY {{order}}",
            orders=orders,
            extras=("limit", "offset"),
        )
        self._count = Query(noun, f"{noun}.id", "SELECT count(*) FROM ({matching}) AS matching", walks=True)

    async def rows(self, store: Store, filters: Given, sort: str, limit: int, offset: int) -> list[Row]:
        """The rows of the runs that match, from `offset` on."""
        if limit == 0:
            return []
        first = self._first.get(sort)
        if first is None or filters or offset:
            statement, values = self._found.bind(store.dialect, filters, sort, limit=limit, offset=offset)
            return await store.scan(statement, *values)
        # The first runs in the order of an index are there at once, not worth another thread.
        return await store.fetch(first, limit)

    async def first_versions(self, store: Store, sort: str, limit: int) -> list[Row] | None:
        """Ids of the first runs and the `xmin`s of their rows, on PostgreSQL; None where no index serves the sort."""
        statement = self._versions.get(sort)
        return None if statement is None else await store.fetch(statement, limit)

    async def count(self, store: Store, filters: Given) -> int:
        """How many runs match; of all runs the number is kept."""
        if self._is_everything(filters):
            kept = await store.fetch_one(TOTAL, self.noun)
            return 0 if kept is None else int(kept[0])
        statement, values = self._count.bind(store.dialect, filters)
        rows = await store.scan(statement, *values)
        return rows[0][0]

    def _is_everything(self, filters: Given) -> bool:
        own = filters.get(self.noun)
        return not filters or (own is not None and len(filters) == 1 and own == type(own)())
