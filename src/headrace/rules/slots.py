"""What a concurrency limit's slots are worth over time: decay, waiting, occupancy (contract §10). Seconds throughout.

Slots that were taken without a lease decay where the limit says so, like water in a leaking bucket; slots
under a lease are held in full until the lease ends.
"""

from math import floor

from headrace.rules.retries import poisson_interval

LONGEST_WAIT_FOR_TAG = 10.0
"""Who waits for a slot of a tag's limit asks again after this on average: tasks tend to be short."""
TAG_PREFIX = "tag:"
_DAY = 86_400.0


def decayed(slots: int, per_second: float, elapsed: float) -> int:
    """How many of the slots have decayed since `elapsed` seconds ago; whole slots only.

    >>> decayed(5, 0.5, 3.0), decayed(1, 0.5, 60.0)
    (1, 1)
    """
    if per_second <= 0 or elapsed <= 0:
        return 0
    return slots if per_second * elapsed >= slots else floor(per_second * elapsed)


def average_occupancy(average: float, occupancy: float, slots: int, limit: int) -> float:
    """The running average of how long one slot is in use, once slots are given back after `occupancy`."""
    if limit <= 0:
        return average
    return average + (occupancy / slots - average) / (2 * limit)


def wait(
    name: str, *, slots: int, limit: int, denied: int, per_second: float, occupancy: float, longest: float, draw: float
) -> float:
    """When to ask for `slots` again, by how much there is to wait for; `draw` in [0, 1) keeps callers apart.

    `denied` are the slots that others were refused, `occupancy` is how long a slot is in use on average and
    `longest` bounds the average wait where nothing decays.
    """
    if per_second > 0:
        return poisson_interval(min((slots + denied) / per_second, _DAY), draw)
    most = min(longest, LONGEST_WAIT_FOR_TAG if name.startswith(TAG_PREFIX) else longest)
    average = min(occupancy, most) * (slots + denied) / max(limit, 1)
    return poisson_interval(min(average, most), draw)
