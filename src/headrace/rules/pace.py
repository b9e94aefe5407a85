"""How fast work in the background goes on beside others, so that they hardly notice it.

Two things are decided after each batch. Its size follows the time that a batch takes: a request that meets one waits
for about as long. The rest after it follows what clients see: while the slowest of their requests take longer than
they should, it grows until they do not; then it shrinks again. Both are bounded, so the work always gets on.
"""

import msgspec

FEW = 20
"""Requests from which on a share of the slowest of them means something."""

_ALONE_SECONDS = 0.2
"""How long a batch may take while nobody asks anything: who comes then waits for so long, once."""
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.005, 0.05
_NOTICEABLE = 0.001
"""Seconds below which nobody minds what a request takes."""
_FIRST_REST = 0.002
_EASE, _GROWTH, _STEP = 0.8, 1.5, 2.0
_NEAR = 0.75
"""From this part of what is allowed on, the pace stays as it is."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Within what a pace stays: rows of a batch, seconds of rest, and how much slower others may become."""

    fewest: int = 50
    most: int = 5_000
    longest_rest: float = 1.0
    slowdown: float = 1.6


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many rows in a batch, and so many seconds of rest after it."""

    rows: int
    rest: float = 0.0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the requests of others: whether there are any now, how many there were, how long they took.

    `slow` is what the slowest twentieth of them took at least, in seconds; `calm` the same while nothing went on in the
    background, None where that is not known.
    """

    alone: bool
    requests: int = 0
    slow: float = 0.0
    calm: float | None = None


def adapt(pace: Pace, took: float, rows: int, seen: Seen, bounds: Bounds) -> Pace:
    """The next pace, after a batch that `took` so many seconds for so many rows."""
    return Pace(rows=_rows(pace, took, rows, seen, bounds), rest=0.0 if seen.alone else _rest(pace, seen, bounds))


def overdrawn(seen: Seen, bounds: Bounds) -> float | None:
    """How much of the slowdown that is allowed is there, 1 being all of it; None where too little was seen."""
    if seen.requests < FEW or seen.calm is None:
        return None
    calm = max(seen.calm, _NOTICEABLE)
    return seen.slow / (calm * bounds.slowdown)


def _rows(pace: Pace, took: float, rows: int, seen: Seen, bounds: Bounds) -> int:
    """As many as can be removed in the time that is wanted, going there in steps."""
    if seen.alone:
        wanted = _ALONE_SECONDS
    else:
        wanted = min(max(seen.calm or _SHORTEST_SECONDS, _SHORTEST_SECONDS), _LONGEST_SECONDS)
    if rows < pace.rows / 2 and took <= wanted:
        return pace.rows  # there was less to remove than it allows: nothing was learnt
    factor = wanted / max(took, 1e-6) * rows / pace.rows
    grown = round(pace.rows * min(max(factor, 1 / _STEP), _GROWTH))
    return min(max(grown, bounds.fewest), bounds.most)


def _rest(pace: Pace, seen: Seen, bounds: Bounds) -> float:
    match overdrawn(seen, bounds):
        case None:
            return pace.rest if pace.rest else min(_FIRST_REST, bounds.longest_rest)
        case drawn if drawn > 1:
            return min(max(pace.rest, _FIRST_REST) * _STEP, bounds.longest_rest)
        case drawn if drawn > _NEAR:
            return pace.rest
        case _:
            eased = pace.rest * _EASE
            return eased if eased >= _FIRST_REST else 0.0
