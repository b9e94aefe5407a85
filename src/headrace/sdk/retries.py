"""How long a task waits before it is tried again."""

from collections.abc import Callable

from headrace.settings import Settings
from headrace.wire.chance import CHANCE

Delays = float | int | list[float] | None


def delay_before(attempt: int, delays: Delays, jitter: float | None) -> float:
    """Seconds before a retry; `attempt` counts retries from 1. A list's last entry serves all further retries.

    With a jitter factor the delay is spread evenly over that part of itself to both sides, so that tasks that failed
    together do not all come back together.
    """
    steps = delays if isinstance(delays, list) else [delays or 0.0]
    delay = steps[min(attempt, len(steps)) - 1] if steps else 0.0
    if jitter and delay:
        delay *= 1 + CHANCE.uniform(-min(jitter, 1.0), jitter)
    return max(0.0, float(delay))


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Delays that double from retry to retry, for `retry_delay_seconds`.

    >>> @task(retries=3, retry_delay_seconds=exponential_backoff(10))  # 10, 20 and 40 seconds
    ... def fetch(): ...
    """

    def delays(retries: int) -> list[float]:
        return [backoff_factor * 2**retry for retry in range(retries)]

    return delays


def task_retries(own: int | None, settings: Settings) -> int:
    """How often a task is retried: what it says, else the settings."""
    return settings.tasks.default_retries if own is None else own


def task_delays(own: Delays, settings: Settings) -> Delays:
    """The delays between a task's attempts: what it says, else the settings."""
    return settings.tasks.default_retry_delay_seconds if own is None else own
