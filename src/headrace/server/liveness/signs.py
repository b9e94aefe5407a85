"""Signs that come as events of clients: heartbeats of flow runs, and runners that have ended a run's processes."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from headrace.rules.heartbeats import Pulse, felt
from headrace.server.cancellations import service as cancellations
from headrace.server.events.arrivals import Arrival, Refusal
from headrace.server.events.log import LoggedEvent
from headrace.server.flow_runs import leases
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.cancellations import CancellationStep
from headrace.wire.errors import ObjectNotFound

HEARTBEAT = "prefect.flow-run.heartbeat"
CANCELLED_BY_RUNNER = "prefect.runner.cancelled-flow-run"
_SIGNS = frozenset({HEARTBEAT, CANCELLED_BY_RUNNER})
_FLOW_RUN = "prefect.flow-run."
_CAPACITY = 20_000


def signs_in(items: Sequence[Arrival | Refusal]) -> list[LoggedEvent]:
    """The events among those that have arrived which are signs."""
    return [item.event for item in items if isinstance(item, Arrival) and item.event.event in _SIGNS]


class Signs:
    """Takes signs to the runs that they are about, and learns how often each run gives one.

    What is learnt is kept for runs that were heard of lately; a run that is not known is asked for what it was given.
    """

    def __init__(self, settings: Settings) -> None:
        self._terms = settings.server.services.liveness
        self._pulses: OrderedDict[UUID, Pulse] = OrderedDict()

    async def heed(self, store: Store, events: Sequence[LoggedEvent], moment: datetime) -> None:
        """Let the runs live on whose heartbeats have arrived, and note whose processes have been ended."""
        beats: dict[UUID, float | None] = {}
        for event in events:
            if event.event == HEARTBEAT and (id := _id(event.resource_id)) is not None:
                pulse = self._feel(id, event.occurred)
                expected = pulse.expected
                beats[id] = None if expected is None else expected * self._terms.missed_heartbeats
            elif event.event == CANCELLED_BY_RUNNER:
                await _note_cancelled(store, event, moment)
        if beats:
            unknown = self._terms.heartbeat_seconds * self._terms.missed_heartbeats
            await leases.beat(store, beats, unknown, moment)

    def _feel(self, id: UUID, at: datetime) -> Pulse:
        pulse = self._pulses[id] = felt(self._pulses.pop(id, None), at)
        if len(self._pulses) > _CAPACITY:
            self._pulses.popitem(last=False)
        return pulse


async def _note_cancelled(store: Store, event: LoggedEvent, moment: datetime) -> None:
    """A runner says that it has ended a run's processes; that is news only where the run is being cancelled."""
    ids = [id for name, _ in event.related_resources if (id := _id(name)) is not None]
    own = _id(event.resource_id)
    labels = msgspec.json.decode(event.resource, type=dict[str, str])
    by = labels.get("prefect.resource.name") or event.resource_id
    for id in ids if own is None else [own, *ids]:
        step = CancellationStep(step="killed", by=by[:255], infrastructure="gone")
        try:
            await cancellations.note(store, id, step, moment)
        except ObjectNotFound:
            continue


def _id(resource_id: str) -> UUID | None:
    if not resource_id.startswith(_FLOW_RUN):
        return None
    try:
        return UUID(resource_id[len(_FLOW_RUN) :])
    except ValueError:
        return None
