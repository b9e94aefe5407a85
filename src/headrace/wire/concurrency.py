"""Concurrency limits: how many may hold a slot of one name at once (contract §10)."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Wire

Slots = Annotated[int, msgspec.Meta(gt=0)]
LimitNames = Annotated[list[str], msgspec.Meta(min_length=1)]
LeaseSeconds = Annotated[float, msgspec.Meta(ge=60, le=86_400)]


class LeaseHolder(Body, kw_only=True):
    """Who holds leased slots, so that they can be traced back to it."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class LimitSummary(Wire, kw_only=True):
    """The limit that a slot was taken on."""

    id: UUID
    name: str
    limit: int


class SlotLease(Wire, kw_only=True):
    """Slots taken together, until they are given back or the lease runs out.

    Names without a limit need no slot, so `limits` can be shorter than what was asked for.
    """

    lease_id: UUID
    limits: list[LimitSummary]


class TakeSlots(Wire, kw_only=True):
    """A wish for slots on every limit named, all or none; `lease_duration` in seconds."""

    slots: Slots
    names: LimitNames
    mode: Literal["concurrency", "rate_limit"] = "concurrency"
    lease_duration: LeaseSeconds = 300
    holder: LeaseHolder | None = None


class ReturnSlots(Wire, kw_only=True):
    """The lease whose slots are given back."""

    lease_id: UUID
