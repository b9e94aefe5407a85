"""Lists, pages and counts of runs, the same way for both kinds."""

from collections.abc import Mapping

from headrace.server.filters.query import Query
from headrace.server.store.base import Row, Store
from headrace.server.store.tallies import TOTAL
from headrace.wire.filters import Filter

Given = Mapping[str, Filter]


class Listing:
    """How runs of a noun ("flow_runs", "task_runs") are listed with their states.

    `columns` is what is selected, from the noun's table and from `state`; `orders` gives each sort's columns.
    """

    def __init__(self, noun: str, columns: str, orders: Mapping[str, str]) -> None:
        self.noun = noun
        self._first = Query(
            noun,
            columns,
            "{matching} ORDER BY {order} LIMIT {limit}",
            orders=orders,
            extras=("limit",),
            with_state=True,
        )
        # What is passed over is not read, only counted off, in an index where one serves.
        self._later = Query(
            noun,
            f"{noun}.id",
            f"SELECT {columns} FROM ({{matching}} ORDER BY {{order}} LIMIT {{limit}} OFFSET {{offset}}) AS page"
            f" JOIN {noun} ON {noun}.id = page.id"
            f" LEFT JOIN {noun[:-1]}_states AS state ON state.id = {noun}.state_id ORDER BY {{order}}",
            orders=orders,
            extras=("limit", "offset"),
        )
        self._count = Query(noun, f"{noun}.id", "SELECT count(*) FROM ({matching}) AS matching")

    async def rows(self, store: Store, filters: Given, sort: str, limit: int, offset: int) -> list[Row]:
        """The rows of the runs that match, from `offset` on."""
        if limit == 0:
            return []
        if offset:
            statement, values = self._later.bind(store.dialect, filters, sort, limit=limit, offset=offset)
            return await store.scan(statement, *values)
        statement, values = self._first.bind(store.dialect, filters, sort, limit=limit)
        # The first runs in the order of an index are found at once; a filter may look for its matches at length.
        return await (store.scan if filters else store.fetch)(statement, *values)

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
