"""Causal order: each event once, after the one it follows, whatever the order in which they come."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.rules.ordering import Arrangement, arrange

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)


class Happening(msgspec.Struct, frozen=True):
    id: UUID
    follows: UUID | None
    occurred: datetime


def happening(number: int, follows: int | None = None, at: int | None = None) -> Happening:
    moment = MIDNIGHT + timedelta(seconds=number if at is None else at)
    return Happening(UUID(int=number), None if follows is None else UUID(int=follows), moment)


def numbers(events: Iterable[Happening]) -> list[int]:
    return [event.id.int for event in events]


def arranged(events: Sequence[Happening], awaited: Iterable[int] = ()) -> tuple[list[int], list[int]]:
    leaders = {UUID(int=number) for number in awaited}
    result = arrange(events, lambda event: event.follows in leaders)
    return numbers(result.handled), numbers(result.parked)


@pytest.mark.parametrize(
    ("events", "awaited", "handled", "parked"),
    [
        pytest.param([], [], [], [], id="nothing"),
        pytest.param([(3,), (1,), (2,)], [], [3, 1, 2], [], id="what follows nothing stays in the order it came"),
        pytest.param([(1,), (2, 1)], [], [1, 2], [], id="a follower after its leader"),
        pytest.param([(2, 1), (1,)], [], [1, 2], [], id="a follower before its leader"),
        pytest.param([(2, 9)], [9], [], [2], id="a leader that is to come"),
        pytest.param([(2, 9)], [], [2], [], id="a leader that is settled"),
        pytest.param([(3, 2), (2, 9), (1,)], [9], [1], [2, 3], id="what follows the parked is parked"),
        pytest.param([(3, 1, 30), (2, 1, 20), (1,)], [], [1, 2, 3], [], id="siblings as they occurred"),
        pytest.param([(1,), (1,)], [], [1], [], id="a repetition"),
        pytest.param([(1, 1)], [], [1], [], id="one that follows itself"),
        pytest.param([(2, 1, 5), (1, 2, 7), (3, 1)], [], [2, 1, 3], [], id="a circle"),
        pytest.param([(5,), (4, 3), (3, 2), (2, 1), (6,), (1,)], [], [5, 6, 1, 2, 3, 4], [], id="a chain backwards"),
    ],
)
def test_what_is_handled_and_what_waits(
    events: list[tuple[int, ...]], awaited: list[int], handled: list[int], parked: list[int]
) -> None:
    assert arranged([happening(*event) for event in events], awaited) == (handled, parked)


def test_a_chain_and_a_fan_of_any_size() -> None:
    """Neither depth nor breadth is limited by a stack."""
    chain = [happening(number, number - 1) for number in range(100_000, 1, -1)]
    assert arranged([*chain, happening(1)]) == (list(range(1, 100_001)), [])
    fan = [happening(number, 1) for number in range(100_000, 1, -1)]
    assert arranged([*fan, happening(1)]) == (list(range(1, 100_001)), [])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Happening], list[list[Happening]]]:
    """Events that follow earlier ones or nothing or something unknown, and the batches in which they come."""
    count = draw(st.integers(1, 30))
    events = [
        happening(number, draw(st.none() | st.integers(0, number - 1)), at=draw(st.integers(0, 5)))
        for number in range(1, count + 1)
    ]
    repeated = draw(st.lists(st.sampled_from(events), max_size=10))
    arrival = draw(st.permutations([*events, *repeated]))
    cuts = sorted(draw(st.sets(st.integers(0, len(arrival)), max_size=6)) | {0, len(arrival)})
    return events, [arrival[start:end] for start, end in pairwise(cuts)]


class Consumer:
    """Handles batches as a durable consumer does, and remembers what it has handled and parked."""

    def __init__(self) -> None:
        self.handled: list[Happening] = []
        self.parked: list[Happening] = []
        self.released: list[list[Happening]] = []

    def take(self, batch: Sequence[Happening]) -> None:
        known = {event.id for event in (*self.handled, *self.parked)}
        fresh = [event for event in batch if event.id not in known]
        handled = {event.id for event in self.handled}
        self._settle(arrange(fresh, lambda event: event.follows not in handled))

    def give_up_waiting(self) -> None:
        self.released.append(self.parked)
        waiting, self.parked = self.parked, []
        self._settle(arrange(waiting, lambda event: False))

    def _settle(self, arrangement: Arrangement[Happening]) -> None:
        self.parked += arrangement.parked
        while arrangement.handled:
            self.handled += arrangement.handled
            leaders = {event.id for event in arrangement.handled}
            free = sorted(
                (event for event in self.parked if event.follows in leaders), key=lambda event: event.occurred
            )
            if free:
                self.released.append(free)
            self.parked = [event for event in self.parked if event not in free]
            arrangement = arrange(free, lambda event: False)


@given(histories())
def test_any_arrival_in_any_batches_handles_each_event_once_and_after_its_leader(
    history: tuple[list[Happening], list[list[Happening]]],
) -> None:
    events, batches = history
    consumer = Consumer()
    for batch in batches:
        consumer.take(batch)
    everything = {event.id for event in events}
    assert all(_waits_for_the_unknown(event, events) for event in consumer.parked)
    consumer.give_up_waiting()
    assert consumer.parked == []
    assert sorted(numbers(consumer.handled)) == sorted(number.int for number in everything)
    place = {event.id: index for index, event in enumerate(consumer.handled)}
    for event in events:
        if event.follows in everything:
            assert place[event.follows] < place[event.id]


@given(histories())
def test_siblings_that_waited_together_are_handled_as_they_occurred(
    history: tuple[list[Happening], list[list[Happening]]],
) -> None:
    consumer = Consumer()
    for batch in history[1]:
        consumer.take(batch)
    place = {event.id: index for index, event in enumerate(consumer.handled)}
    for released in consumer.released:
        for leader in {event.follows for event in released}:
            siblings = sorted((event for event in released if event.follows == leader), key=lambda e: place[e.id])
            assert [event.occurred for event in siblings] == sorted(event.occurred for event in siblings)


def _waits_for_the_unknown(event: Happening, events: Sequence[Happening]) -> bool:
    by_id = {known.id: known for known in events}
    while event.follows is not None:
        if event.follows not in by_id:
            return True
        event = by_id[event.follows]
    return False
