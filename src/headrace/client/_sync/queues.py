# Generated from _async/queues.py by scripts/unasync.py; change that file, not this one.
"""Calls about how the server keeps up: its queues and services, and the events it had to keep aside."""

from collections.abc import Iterable
from uuid import UUID

from headrace.client._sync.base import Part
from headrace.wire.quarantine import QuarantinedEvent, QuarantineListRequest, QuarantineSelection, Replay
from headrace.wire.queues import Queues
from headrace.wire.services import ServiceStatus

_MOST = 200
"""Quarantined events in one answer."""


class QueueCalls(Part):
    """What only a headrace server has; Prefect's answers `ObjectNotFound`."""

    def read_queues(self) -> Queues:
        """How far the server and each consumer are with the events that have arrived."""
        return self._call("GET", "/x/queues", Queues)

    def read_services(self) -> list[ServiceStatus]:
        """How the services are doing, whichever servers of the database run them."""
        return self._call("GET", "/x/services", list[ServiceStatus])

    def pause_service(self, name: str) -> ServiceStatus:
        """Let a service make no more ticks at any server, until it is resumed. Raises `ObjectNotFound`."""
        return self._call("POST", f"/x/services/{name}/pause", ServiceStatus)

    def resume_service(self, name: str) -> ServiceStatus:
        """Let a service that was paused go on. Raises `ObjectNotFound`."""
        return self._call("POST", f"/x/services/{name}/resume", ServiceStatus)

    def run_service(self, name: str) -> ServiceStatus:
        """Have a server make a tick of a service at once, even if it is paused.

        Raises `ObjectNotFound`, and `Conflict` where no server runs it.
        """
        return self._call("POST", f"/x/services/{name}/run", ServiceStatus)

    def read_quarantined_events(
        self, *, ids: Iterable[UUID] | None = None, consumer: str | None = None, limit: int | None = 50, offset: int = 0
    ) -> list[QuarantinedEvent]:
        """Events that could not be taken in or handled, the latest first; `limit=None` reads all of them."""
        found: list[QuarantinedEvent] = []
        while limit is None or len(found) < limit:
            size = _MOST if limit is None else min(_MOST, limit - len(found))
            body = QuarantineListRequest(ids=_list(ids), consumer=consumer, limit=size, offset=offset + len(found))
            page = self._call("POST", "/x/events/quarantine/filter", list[QuarantinedEvent], body=body)
            found += page
            if len(page) < size:
                break
        return found

    def count_quarantined_events(self, *, ids: Iterable[UUID] | None = None, consumer: str | None = None) -> int:
        """How many events are kept aside."""
        body = QuarantineSelection(ids=_list(ids), consumer=consumer)
        return self._call("POST", "/x/events/quarantine/count", int, body=body)

    def replay_quarantined_events(self, *, ids: Iterable[UUID] | None = None, consumer: str | None = None) -> Replay:
        """Try events that were kept aside again, all of them unless chosen."""
        body = QuarantineSelection(ids=_list(ids), consumer=consumer)
        return self._call("POST", "/x/events/quarantine/replay", Replay, body=body)

    def drop_quarantined_events(self, *, ids: Iterable[UUID] | None = None, consumer: str | None = None) -> int:
        """Forget events that were kept aside for good, all of them unless chosen; how many they were."""
        body = QuarantineSelection(ids=_list(ids), consumer=consumer)
        return self._call("POST", "/x/events/quarantine/drop", int, body=body)


def _list(ids: Iterable[UUID] | None) -> list[UUID] | None:
    return None if ids is None else list(ids)
