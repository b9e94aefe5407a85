"""Causal order: an event is handled after the one that it `follows` (contract §6.5).

Each event follows at most one other, its leader, so events form trees. They come in any order: a follower may come
long before its leader. What is decided here is, of the events at hand, which are handled now and in which order, and
which wait for a leader that is still to come. Nothing recurses: a chain may be as long, and a leader have as many
followers, as memory holds.

>>> arranged = arrange(batch, waits=lambda event: event.follows == leader_that_has_not_come)
>>> [event.id for event in arranged.handled], [event.id for event in arranged.parked]
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar, cast
from uuid import UUID

import msgspec


class Follower(Protocol):
    """What order depends on. Sibling events, which follow the same one, are ordered by when they occurred."""

    @property
    def id(self) -> UUID: ...
    @property
    def follows(self) -> UUID | None: ...
    @property
    def occurred(self) -> datetime: ...


Ordered = TypeVar("Ordered", bound=Follower)


class Arrangement(msgspec.Struct, Generic[Ordered], frozen=True):
    """Every event of a batch once: to be handled in this order, or to be parked until its leader has been handled."""

    handled: list[Ordered]
    parked: list[Ordered]


def arrange(events: Sequence[Ordered], waits: Callable[[Ordered], bool]) -> Arrangement[Ordered]:
    """Decide what becomes of events given in the order of their arrival.

    `waits` is asked of events whose leader is not in the batch: whether it is still to be handled, so that they have
    to wait for it. What follows a parked event is parked too. Of a repeated event only the
    first counts. Events that follow each other in a circle cannot all come after their leader: the circle is opened
    at its earliest event.
    """
    unique = {event.id: event for event in reversed(events)}
    if len(unique) != len(events):
        events = list({event.id: unique[event.id] for event in events}.values())
    if not any(event.follows is not None for event in events):
        return Arrangement(list(events), [])
    free: list[Ordered] = []
    waiting: list[Ordered] = []
    followers: dict[UUID, list[Ordered]] = {}
    for event in events:
        leader = event.follows
        if leader is None:
            free.append(event)
        elif leader in unique:
            followers.setdefault(leader, []).append(event)
        else:
            (waiting if waits(event) else free).append(event)
    for siblings in followers.values():
        siblings.sort(key=_occurred)
    handled, parked = _descend(free, followers), _descend(waiting, followers)
    if len(handled) + len(parked) < len(events):
        placed = {event.id for event in (*handled, *parked)}
        handled += _open_circles({id: event for id, event in unique.items() if id not in placed}, followers)
    return Arrangement(handled, parked)


def _descend(roots: Iterable[Ordered], followers: Mapping[UUID, Sequence[Ordered]]) -> list[Ordered]:
    """Each root with all that follows it, before the next root."""
    found: list[Ordered] = []
    for root in roots:
        ahead = [root]
        while ahead:
            event = ahead.pop()
            found.append(event)
            ahead.extend(reversed(followers.get(event.id, ())))
    return found


def _open_circles(left: dict[UUID, Ordered], followers: Mapping[UUID, Sequence[Ordered]]) -> list[Ordered]:
    """What is left when all trees are taken away: each circle from its earliest event on, with what hangs on it."""
    found: list[Ordered] = []
    while left:
        first = min(_circle_above(next(iter(left.values())), left), key=_occurred)
        ahead = [first]
        while ahead:
            event = ahead.pop()
            if left.pop(event.id, None) is not None:
                found.append(event)
                ahead.extend(reversed(followers.get(event.id, ())))
    return found


def _circle_above(event: Ordered, events: Mapping[UUID, Ordered]) -> list[Ordered]:
    """The circle to which the leaders of an event lead."""
    passed: dict[UUID, Ordered] = {}
    while event.id not in passed:
        passed[event.id] = event
        event = events[cast(UUID, event.follows)]
    way = list(passed.values())
    return way[way.index(event) :]


def _occurred(event: Follower) -> datetime:
    return event.occurred
