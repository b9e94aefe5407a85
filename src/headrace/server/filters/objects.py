"""Lists and counts of nouns that are read whole: all but runs, which come with their states (`listing`)."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from headrace.server.filters.query import Query
from headrace.server.store.base import Store
from headrace.server.store.rows import Reader
from headrace.wire.filters import Filter

Built = TypeVar("Built")
Given = Mapping[str, Filter | None]


class Objects(Generic[Built]):
    """How one noun is listed: its table, the reader of its rows, and the columns of each sort.

    `given` are values that filters ask for beside their own, such as `now` for the status of workers.

    >>> VARIABLES = Objects("variables", READER, {"NAME_ASC": "name ASC"})
    >>> await VARIABLES.list(store, {"variables": body.variables}, body.sort, limit, body.offset)
    """

    def __init__(self, noun: str, reader: Reader[Built], orders: Mapping[str, str]) -> None:
        self._reader = reader
        self._rows = Query(
            noun,
            reader.columns(noun),
            "{matching} ORDER BY {order} LIMIT {limit} OFFSET {offset}",
            orders=orders,
            extras=("limit", "offset"),
        )
        self._count = Query(noun, f"{noun}.id", "SELECT count(*) FROM ({matching}) AS matching")

    async def list(self, store: Store, filters: Given, sort: str, limit: int, offset: int, **given: Any) -> list[Built]:
        """The objects that match, from `offset` on."""
        if limit == 0:
            return []
        statement, values = self._rows.bind(store.dialect, filters, sort, limit=limit, offset=offset, **given)
        return self._reader.all(await store.scan(statement, *values), store.dialect)

    async def count(self, store: Store, filters: Given, **given: Any) -> int:
        """How many objects match."""
        statement, values = self._count.bind(store.dialect, filters, **given)
        rows = await store.scan(statement, *values)
        return rows[0][0]
