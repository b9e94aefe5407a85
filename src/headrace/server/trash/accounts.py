"""What is kept about runs beside their rows: totals, and which spans of history still hold.

Triggers keep both for single changes (`store/tallies.py`, `store/histories.py`). What is hidden, shown or marked
comes by the thousand, and is accounted for by a few statements.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime

from headrace.server.artifacts import collections
from headrace.server.store import histories, tallies
from headrace.server.store.base import Connection, Row

Spans = Mapping[int | None, int]
"""How many runs there are of each span of history; under None those that are in none."""

Account = Callable[[Connection, str, Spans], Awaitable[int]]
"""Either `take_out` or `put_back`."""


async def account_for(
    transaction: Connection,
    account: Account,
    runs: Mapping[str, Spans],
    artifacts: Mapping[str | None, int],
    moment: datetime,
) -> dict[str, int]:
    """Account for runs of each noun and artifacts of each key, which went or came back; how many rows by table."""
    await collections.show_newest(transaction, [key for key in artifacts if key is not None], moment)
    counts = {noun: await account(transaction, noun, spans) for noun, spans in runs.items()}
    return counts | {"artifacts": sum(artifacts.values())}


async def take_out(transaction: Connection, noun: str, spans: Spans) -> int:
    """Count runs out that are not shown any more; returns how many they are."""
    return await _account(transaction, noun, spans, -1)


async def put_back(transaction: Connection, noun: str, spans: Spans) -> int:
    """Count runs in that are shown again; returns how many they are."""
    return await _account(transaction, noun, spans, 1)


async def _account(transaction: Connection, noun: str, spans: Spans, sign: int) -> int:
    total = sum(spans.values())
    if total:
        await histories.note_changes(transaction, noun, [span for span in spans if span is not None])
        await transaction.execute(tallies.ADD, noun, sign * total)
    return total


def spans_of(rows: Iterable[Row]) -> Spans:
    """From rows of a span and a number of runs, of which there may be none."""
    return {row[0]: row[1] for row in rows if row[1]}
