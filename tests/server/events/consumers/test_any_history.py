"""Whatever comes in whatever order, and however often the consumer dies: each event is handled once, in order."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.server.store.base import Statement, Store
from headrace.wire.events import Event
from headrace.wire.times import now
from tests.server.events.consumers.handled import Rig, happening, write

_EMPTY = [
    Statement(f"DELETE FROM {table}")
    for table in ("configuration", "event_followers", "event_consumers", "event_resources", "events")
]
LONG_AGO = timedelta(minutes=40)


class Step:
    """One thing that happens: events come, the consumer takes a turn, or it dies in the middle of one."""

    def __init__(self, events: Sequence[int], turns: int, dies: bool) -> None:
        self.events, self.turns, self.dies = events, turns, dies

    def __repr__(self) -> str:
        return f"Step({self.events}, {self.turns}, dies={self.dies})"


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int | None], list[Step], int]:
    """Whom each event follows (by number; -1: one that never comes), what happens, and the size of batches."""
    count = draw(st.integers(1, 25))
    leaders = [draw(st.none() | st.integers(-1, number - 1)) for number in range(count)]
    arrival = draw(st.permutations(range(count)))
    steps: list[Step] = []
    while arrival:
        size = draw(st.integers(1, len(arrival)))
        steps.append(Step(arrival[:size], draw(st.integers(0, 3)), draw(st.booleans())))
        arrival = arrival[size:]
    return leaders, steps, draw(st.integers(1, 8))


class Died(Exception):
    """The consumer's process has ended, in the middle of a transaction."""


async def _die_in_a_turn(rig: Rig) -> None:
    async def handle(*given: Any) -> Any:
        raise Died

    rig.writer.handle = handle  # type: ignore[method-assign]
    try:
        await rig.consumer.turn()
    except Died:
        return


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
async def test_each_event_is_handled_once_and_after_the_one_it_follows(
    store: Store, history: tuple[list[int | None], list[Step], int]
) -> None:
    for statement in _EMPTY:
        await store.execute(statement)
    leaders, steps, batch = history
    unknown = happening("unknown")
    events: list[Event] = []
    for number, leader in enumerate(leaders):
        follows = None if leader is None else unknown if leader < 0 else events[leader]
        events.append(happening(str(number), follows, occurred=-number % 7))
    rig = Rig(store, batch=batch)
    for step in steps:
        await write(store, *(events[number] for number in step.events))
        for _ in range(step.turns):
            await rig.consumer.turn()
        if step.dies:
            await _die_in_a_turn(rig)
            rig = Rig(store, batch=batch)
    await rig.run()
    orphans = await rig.parked()
    assert (orphans == 0) or -1 in leaders
    await store.execute(Statement("UPDATE event_followers SET received = $1"), now() - LONG_AGO)
    rig = Rig(store, batch=batch)
    await rig.run()
    handled = [int(name) for name in await rig.handled()]
    assert sorted(handled) == list(range(len(events)))
    place = {number: index for index, number in enumerate(handled)}
    for number, leader in enumerate(leaders):
        if leader is not None and leader >= 0:
            assert place[leader] < place[number]
    assert await rig.counts() == {"ahead": 0, "handled": len(events), "quarantined": 0}
