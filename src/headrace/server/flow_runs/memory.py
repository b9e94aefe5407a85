"""Runs as this process last wrote them, so that their next state needs no read before its write.

A client moves a run from state to state within moments. What is remembered may be out of date, because
another process can write to the same database: it only ever serves to propose a write, which is guarded by
the state and time of the last one (`queries.enter`), and an answer that writes nothing never rests on it.
"""

from collections import OrderedDict
from uuid import UUID
from weakref import WeakKeyDictionary

from headrace.server.flow_runs.queries import Orchestrated
from headrace.server.flow_runs.relations import Relations
from headrace.server.store.base import Store

_CAPACITY = 2_000


class Memory:
    """The latest runs that go on; the one written longest ago is forgotten first. And what runs are related to."""

    def __init__(self, store: Store) -> None:
        self.relations = Relations(store)
        self._runs: OrderedDict[UUID, Orchestrated] = OrderedDict()

    def keep(self, run: Orchestrated) -> None:
        """Remember a run that was just written, unless it is over or its state carries data."""
        if run.state is None or run.state.is_final() or run.state.data is not None:
            return
        self._runs[run.id] = run
        if len(self._runs) > _CAPACITY:
            self._runs.popitem(last=False)

    def take(self, id: UUID) -> Orchestrated | None:
        """The run if it is remembered; whoever takes it writes it, and keeps what was written."""
        return self._runs.pop(id, None)


def memory_of(store: Store) -> Memory:
    """The memory that goes with a store."""
    memory = _MEMORIES.get(store)
    if memory is None:
        memory = _MEMORIES[store] = Memory(store)
    return memory


_MEMORIES: WeakKeyDictionary[Store, Memory] = WeakKeyDictionary()
