"""Statements around "the rows that match", composed once for each shape of filter."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headrace.server.filters.shape import Shape, flatten
from headrace.server.store.base import Dialect, Statement
from headrace.wire.filters import Filter

_KEPT_SHAPES = 512

Adapter = Callable[[Any], Any]
"""From a value as it came with the filter to what the statement takes."""


class Bound(msgspec.Struct, frozen=True):
    """A statement for one shape, and where its values come from: a path into the filters, or an extra's name."""

    statement: Statement
    parameters: tuple[tuple[str, Adapter | None], ...]


class Query:
    """A statement with a hole for the matching rows of a noun.

    `around` is SQL with `{matching}`, which becomes `SELECT columns FROM noun WHERE …`, open at its end for
    an ORDER BY; `{order}`, the columns of the sort; and a `{name}` for each of `extras`, values of its own.
    With `in_trash` the rows are those that are deleted, not those that are shown. With `walks` all matches are read,
    not the first few: then the database may do more beforehand, and `{matching}` is not open at its end.

    >>> COUNT = Query("flow_runs", "id", "SELECT count(*) FROM ({matching}) AS matching")
    >>> statement, values = COUNT.bind(store.dialect, {"flow_runs": FlowRunFilter(...)})
    """

    def __init__(
        self,
        noun: str,
        columns: str,
        around: str,
        *,
        sqlite: str | None = None,
        orders: Mapping[str, str] | None = None,
        extras: tuple[str, ...] = (),
        in_trash: bool = False,
        walks: bool = False,
    ) -> None:
        self.noun, self.columns, self.orders, self.extras = noun, columns, orders or {}, extras
        self._around = {Dialect.POSTGRES: around, Dialect.SQLITE: around if sqlite is None else sqlite}
        self._in_trash, self._walks = in_trash, walks
        self._kept: dict[tuple[Dialect, str | None, Shape], Bound] = {}

    def bind(
        self, dialect: Dialect, filters: Mapping[str, Filter | None], sort: str | None = None, **extras: Any
    ) -> tuple[Statement, list[Any]]:
        """The statement for these filters and its values."""
        shape, values = flatten(filters)
        key = (dialect, sort, shape)
        bound = self._kept.get(key)
        if bound is None:
            bound = self._compose(dialect, filters, sort)
            self._keep(key, bound)
        values.update(extras)
        return bound.statement, [
            values[path] if adapt is None else adapt(values[path]) for path, adapt in bound.parameters
        ]

    @property
    def kept_shapes(self) -> int:
        """How many shapes have their statement ready."""
        return len(self._kept)

    def _keep(self, key: tuple[Dialect, str | None, Shape], bound: Bound) -> None:
        while len(self._kept) >= _KEPT_SHAPES:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = bound

    def _compose(self, dialect: Dialect, filters: Mapping[str, Filter | None], sort: str | None) -> Bound:
        from headrace.server.filters import shown
        from headrace.server.filters.compose import matching

        match self._in_trash, self._walks:
            case True, _:
                ways = (shown.deleted,)
            case _, True if dialect is Dialect.POSTGRES:  # of the two one is not begun
                ways = (shown.shown_beside_none, shown.shown_beside_hidden)
            case _:
                ways = (shown.shown,)
        composed = [matching(dialect, self.noun, self.columns, filters, among=way) for way in ways]
        text, parameters = " UNION ALL ".join(text for text, _ in composed), composed[0][1]
        places = {name: f"${len(parameters) + place}" for place, name in enumerate(self.extras, 1)}
        order = "" if sort is None else self.orders[sort]
        whole = self._around[dialect].format(matching=text, order=order, **places)
        return Bound(Statement(whole), (*parameters, *((name, None) for name in self.extras)))
