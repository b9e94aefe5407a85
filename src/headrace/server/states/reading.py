"""The current states of runs, read in the same rows as the runs."""

from collections.abc import Sequence

from headrace.server.states.rows import FIELDS
from headrace.server.store.base import Dialect, Row
from headrace.server.store.rows import Reader
from headrace.wire.states import State

STATES = Reader(State, FIELDS)


def current_states(rows: Sequence[Row], at: int, dialect: Dialect) -> list[State | None]:
    """The state that begins at column `at` of each row, None where the run has none."""
    found = iter(STATES.all([row[at:] for row in rows if row[at] is not None], dialect))
    return [None if row[at] is None else next(found) for row in rows]
