"""Calls that take and give back slots of concurrency limits (contract §10)."""

from collections.abc import Iterable
from uuid import UUID

from headrace.client._async.base import Part
from headrace.wire.concurrency import (
    CountSlots,
    DiscountSlots,
    LeaseHolder,
    LimitSummary,
    Mode,
    RenewLease,
    ReturnSlots,
    SlotLease,
    TakeSlots,
)

_LIMITS = "/v2/concurrency_limits"


class SlotCalls(Part):
    """Slots are taken on every limit named, or on none. Names without a limit need no slot."""

    async def increment_concurrency_slots(
        self, names: Iterable[str], slots: int, mode: Mode = "concurrency"
    ) -> list[LimitSummary]:
        """Take slots without a lease; the limits. Raises `Locked`, which says when to try again."""
        body = CountSlots(names=list(names), slots=slots, mode=mode)
        return await self._call("POST", f"{_LIMITS}/increment", list[LimitSummary], body=body)

    async def release_concurrency_slots(
        self, names: Iterable[str], slots: int, occupancy_seconds: float | None = None
    ) -> list[LimitSummary]:
        """Give back slots that were taken without a lease, and say how long they were in use."""
        body = DiscountSlots(names=list(names), slots=slots, occupancy_seconds=occupancy_seconds)
        return await self._call("POST", f"{_LIMITS}/decrement", list[LimitSummary], body=body)

    async def increment_concurrency_slots_with_lease(
        self,
        names: Iterable[str],
        slots: int,
        mode: Mode = "concurrency",
        lease_duration: float = 300,
        holder: LeaseHolder | None = None,
    ) -> SlotLease:
        """Take slots until they are given back or the lease runs out. Raises `Locked`, which says when to try again."""
        body = TakeSlots(names=list(names), slots=slots, mode=mode, lease_duration=lease_duration, holder=holder)
        return await self._call("POST", f"{_LIMITS}/increment-with-lease", SlotLease, body=body)

    async def renew_concurrency_lease(self, lease_id: UUID, lease_duration: float = 300) -> None:
        """Let a lease hold for so many seconds from now. Raises `Gone` if it has run out."""
        body = RenewLease(lease_duration=lease_duration)
        await self._tell("POST", f"{_LIMITS}/leases/{lease_id}/renew", body=body)

    async def release_concurrency_slots_with_lease(self, lease_id: UUID) -> None:
        """Give back the slots of a lease; one that has run out is no error."""
        await self._tell("POST", f"{_LIMITS}/decrement-with-lease", body=ReturnSlots(lease_id=lease_id))
