"""Concurrency limits: how many may hold a slot of one name at once (contract §10)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from headrace.wire.base import Body, Parts, Wire
from headrace.wire.flows import Name

_MOST = 2**31 - 1
Slots = Annotated[int, msgspec.Meta(gt=0, le=_MOST)]
SlotCount = Annotated[int, msgspec.Meta(ge=0, le=_MOST)]
SlotDecay = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
LeaseSeconds = Annotated[float, msgspec.Meta(ge=60, le=86_400)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=1_000_000_000)]
Mode = Literal["concurrency", "rate_limit"]
Tag = Annotated[str, msgspec.Meta(min_length=1)]


class GlobalConcurrencyLimit(Wire, kw_only=True):
    """A limit as it is read; `active_slots` are those in use now, after decay and without leases that ran out."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    active: bool = True
    name: str
    limit: int
    active_slots: int
    slot_decay_per_second: float = 0.0


class ConcurrencyLimitV2(GlobalConcurrencyLimit, kw_only=True):
    """A limit as it is answered when it is made, with what its callers' waits are worked out from."""

    denied_slots: int = 0
    avg_slot_occupancy_seconds: float = 2.0


class GlobalConcurrencyLimitCreate(Body, kw_only=True):
    """A limit to make; an inactive one lets everybody pass."""

    active: bool = True
    name: Name
    limit: SlotCount
    active_slots: SlotCount = 0
    denied_slots: SlotCount = 0
    slot_decay_per_second: SlotDecay = 0.0


class GlobalConcurrencyLimitUpdate(Body, kw_only=True):
    """What to change about a limit; None leaves a thing as it is."""

    active: bool | None = None
    name: Name | None = None
    limit: SlotCount | None = None
    active_slots: SlotCount | None = None
    denied_slots: SlotCount | None = None
    slot_decay_per_second: SlotDecay | None = None


class LimitList(Parts, kw_only=True):
    """A stretch of the limits, by name."""

    limit: int | None = None
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0


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


class CountSlots(Wire, kw_only=True):
    """A wish for slots on every limit named, all or none; they are in use until they are given back by number.

    `create_if_missing` is what old clients send; no limit is made for it.
    """

    slots: Slots
    names: list[str]
    mode: Mode = "concurrency"
    create_if_missing: bool | None = None


class TakeSlots(Wire, kw_only=True):
    """A wish for slots on every limit named, all or none; `lease_duration` in seconds."""

    slots: Slots
    names: list[str]
    mode: Mode = "concurrency"
    lease_duration: LeaseSeconds = 300
    holder: LeaseHolder | None = None


class DiscountSlots(Wire, kw_only=True):
    """Slots that were taken without a lease and are given back; `occupancy_seconds` is how long they were in use."""

    slots: Slots
    names: list[str]
    occupancy_seconds: Seconds | None = None
    create_if_missing: bool | None = None


class ReturnSlots(Wire, kw_only=True):
    """The lease whose slots are given back."""

    lease_id: UUID


class RenewLease(Parts, kw_only=True):
    """How long a lease holds from now on, in seconds."""

    lease_duration: LeaseSeconds = 300


class ConcurrencyLimit(Wire, kw_only=True):
    """The limit on a tag as the first version of the API has it; `active_slots` are the task runs that hold one."""

    id: UUID
    created: datetime | None = None
    updated: datetime | None = None
    tag: str
    concurrency_limit: int
    active_slots: list[UUID] = []


class ConcurrencyLimitCreate(Body, kw_only=True):
    """The limit that a tag is to have from now on."""

    tag: Tag
    concurrency_limit: SlotCount


class TagReset(Parts, kw_only=True):
    """The task runs that hold a slot of the tag after all others have been taken away."""

    slot_override: list[UUID] | None = None


class TagSlots(Wire, kw_only=True):
    """The tags whose limits a task run needs a slot of, or needs one no more."""

    names: list[str]
    task_run_id: UUID
