"""What is told of slots that code takes and gives back: one event for each limit (contract §6.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headrace.sdk.emitting import emit_event
from headrace.sdk.event_types import Event
from headrace.sdk.leases import Lease
from headrace.sdk.surroundings import named
from headrace.wire.concurrency import LimitSummary
from headrace.wire.events import RESOURCE_ID, RESOURCE_NAMES


def acquired(limits: Sequence[LimitSummary], slots: int) -> list[Event | None]:
    """Tell that slots of the limits were taken."""
    return [_emit("acquired", limit, limits, slots, None) for limit in limits]


def released(lease: Lease, taken: Iterable[Event | None]) -> None:
    """Tell that the slots of a lease were given back; each event follows the one that told of the taking."""
    for limit, leader in zip(lease.limits, taken, strict=True):
        _emit("released", limit, lease.limits, lease.slots, leader)


def _emit(
    what: str, limit: LimitSummary, all_: Sequence[LimitSummary], slots: int, leader: Event | None
) -> Event | None:
    resource = {
        RESOURCE_ID: f"prefect.concurrency-limit.{limit.id}",
        RESOURCE_NAMES[0]: limit.name,
        "slots-acquired": str(slots),
        "limit": str(limit.limit),
    }
    others = [named("concurrency-limit", other.id) for other in all_ if other.id != limit.id]
    return emit_event(f"prefect.concurrency-limit.{what}", resource, related=others, follows=leader)
