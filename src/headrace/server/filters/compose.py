"""The rows of a noun that match filters of any nouns, as SQL.

The only module, with those it imports, that needs SQLAlchemy: import it when there is something to compose.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement as Expression
from sqlalchemy import Table, literal_column, select

from headrace.server.filters import joins
from headrace.server.filters.criteria import Parameters, Part
from headrace.server.filters.forms import FORMS
from headrace.server.filters.query import Adapter
from headrace.server.filters.shown import Conditions, shown
from headrace.server.store.base import Dialect
from headrace.server.store.tables import METADATA
from headrace.wire.filters import Filter


def matching(
    dialect: Dialect, noun: str, columns: str, filters: Mapping[str, Filter | None], *, among: Conditions = shown
) -> tuple[str, tuple[tuple[str, Adapter | None], ...]]:
    """`SELECT columns FROM noun WHERE …`, and where the values of its `$1`, `$2` … come from.

    Of the rows `among` which they are; what the rows are related to is shown in any case.
    """
    forms, parameters = FORMS[dialect], Parameters()
    table: Table = METADATA.tables[noun]
    selected: Expression[Any] = literal_column(columns)
    found = select(selected).select_from(table)
    found = found.where(*among(noun, table))
    parts = {name: Part(given, name, forms, parameters) for name, given in filters.items() if given is not None}
    found = found.where(*joins.conditions(noun, parts))
    compiled = found.compile(dialect=forms.compiler)
    return str(compiled), parameters.in_order(compiled.positiontup or [])
