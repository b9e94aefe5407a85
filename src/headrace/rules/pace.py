"""How fast work in the background goes on beside others, so that they hardly notice it.

Two things are decided after each batch. Its size follows the time that a batch takes: a request that meets one waits
for about as long. The rest after it follows what clients see. A small share of their requests may be slower than they
would be otherwise; as long as more of them are, the rest grows, and then it shrinks again. Both are bounded, so the
work always gets on.
"""

import msgspec

SHARE = 0.05
"""Of the requests, those that are not looked at: what all others take at most is their 95th percentile."""

_ALLOWED = 0.8 * SHARE
_ALONE_SECONDS, _UNNOTICED_SECONDS = 0.2, 0.1
"""How long a batch may take while nobody asks anything: who comes then waits for so long, once. And while somebody
does, who has not noticed so far."""
_BESIDE_SECONDS = 0.04
"""The same while somebody does, and notices."""
_NOTICEABLE = 0.001
"""Seconds below which nobody minds what a request takes."""
_FIRST_REST = 0.002
_EASE, _GROWTH, _STEP = 0.85, 1.5, 2.0
_MOST_CREDIT, _MOST_DEBT = 1.0, 8.0
"""Slow requests that may be met for those that were not, and that are made up for by rests later on."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Within what a pace stays: rows of a batch, seconds of rest, and how much slower others may become."""

    fewest: int = 200
    most: int = 5_000
    longest_rest: float = 1.0
    slowdown: float = 1.5


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many rows in a batch, and so many seconds of rest after it.

    `credit` is how many more requests may be slow by now, negative where too many were.
    """

    rows: int
    rest: float = 0.0
    credit: float = 0.0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the requests of others since the last batch: whether there are any now, how many there were.

    `slower` is how many of them took longer than the `limit`; None where that is not known.
    """

    alone: bool
    requests: int = 0
    slower: int | None = None


def limit(calm: float, bounds: Bounds) -> float:
    """Seconds that a request may take, where all but the slowest take `calm` while nothing goes on."""
    return max(calm, _NOTICEABLE) * bounds.slowdown


def adapt(pace: Pace, took: float, rows: int, seen: Seen, bounds: Bounds) -> Pace:
    """The next pace, after a batch that `took` so many seconds for so many rows."""
    return rested(msgspec.structs.replace(pace, rows=_rows(pace, took, rows, seen, bounds)), took, seen, bounds)


def rested(pace: Pace, took: float, seen: Seen, bounds: Bounds) -> Pace:
    """The same with the next rest, after work of another kind, of which nothing is learnt about batches."""
    if seen.alone:
        return Pace(rows=pace.rows)
    if seen.slower is None:
        return Pace(rows=pace.rows, rest=min(max(pace.rest, took), bounds.longest_rest))
    earned = pace.credit + _ALLOWED * seen.requests - seen.slower
    credit = min(max(earned, -_MOST_DEBT), _MOST_CREDIT)
    return Pace(rows=pace.rows, rest=_rest(pace, credit, bounds), credit=credit)


def _rows(pace: Pace, took: float, rows: int, seen: Seen, bounds: Bounds) -> int:
    """As many as can be removed in the time that is wanted, going there in steps."""
    unnoticed = seen.slower is not None and not pace.rest and pace.credit >= 0
    wanted = _ALONE_SECONDS if seen.alone else _UNNOTICED_SECONDS if unnoticed else _BESIDE_SECONDS
    if rows < pace.rows / 2 and took <= wanted:
        return pace.rows  # there was less to remove than it allows: nothing was learnt
    factor = wanted / max(took, 1e-6) * rows / pace.rows
    grown = round(pace.rows * min(max(factor, 1 / _STEP), _GROWTH))
    return min(max(grown, bounds.fewest), bounds.most)


def _rest(pace: Pace, credit: float, bounds: Bounds) -> float:
    """Longer by how much is owed, up to twice as long; shorter once nothing is."""
    if credit < 0:
        return min(max(pace.rest, _FIRST_REST) * (1 + min(-2 * credit / _MOST_DEBT, 1)), bounds.longest_rest)
    eased = pace.rest * _EASE
    return eased if eased >= _FIRST_REST else 0.0
