"""How long a failed run rests before its next attempt. Shared by the server's policies and the SDK."""

from collections.abc import Sequence
from math import exp, log

Delay = float | Sequence[float] | None
"""Seconds before every retry, or one entry for each retry, the last one repeated."""


def retry_delay(delay: Delay, attempt: int, jitter_factor: float | None = None, draw: float = 0.5) -> float:
    """Seconds to rest after the given attempt (1 is the first run) failed.

    `jitter_factor` spreads the delay by up to that part of itself, `draw` in [0, 1) says where to.

    >>> [retry_delay([1, 10, 60], attempt) for attempt in (1, 2, 3, 4)]
    [1.0, 10.0, 60.0, 60.0]
    """
    seconds = _for_attempt(delay, attempt)
    if jitter_factor and seconds > 0:
        return clamped_poisson_interval(seconds, jitter_factor, draw)
    return seconds


def poisson_interval(average: float, draw: float) -> float:
    """The time until the next event of a Poisson process with this average interval; `draw` in [0, 1)."""
    return -average * log(1 - draw)


def clamped_poisson_interval(average: float, factor: float, draw: float) -> float:
    """The same, of those intervals alone that lie within `average ± factor * average` and are not negative.

    The exponential distribution is cut off at both ends and drawn from as it is between them, so that
    no value is more frequent than a Poisson process makes it; runs that failed together come apart.
    """
    spread = max(0.0, factor)
    low, high = exp(-max(0.0, 1 - spread)), exp(-(1 + spread))
    return -average * log(low - draw * (low - high))


def _for_attempt(delay: Delay, attempt: int) -> float:
    match delay:
        case None:
            return 0.0
        case int() | float():
            return float(delay)
        case _:
            return float(delay[max(0, min(attempt, len(delay)) - 1)]) if delay else 0.0
