"""Taking slots and giving them back, for the API and for the rules of runs alike.

A slot is either held by a lease, which is a row that names its holder, or only counted (`active_slots` of the
limit's row). So the slots in use are what live leases hold and the count, and nothing can leak: a lease that
ran out counts no more, whoever asks, and is removed by the next caller who needs its slots, or by the repossessor.
Each function
takes the transaction that its change belongs to; limits are locked in one order (see `queries`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from headrace.rules import slots as rules
from headrace.server.concurrency import queries
from headrace.server.concurrency.queries import Limit
from headrace.server.store.base import Connection
from headrace.wire.chance import CHANCE
from headrace.wire.concurrency import LeaseHolder, LimitSummary, Mode
from headrace.wire.errors import Unprocessable
from headrace.wire.times import now


class Usage(msgspec.Struct, kw_only=True):
    """A limit and what is in use of it at one moment: `counted` slots and those `leased`."""

    limit: Limit
    moment: datetime
    counted: int
    leased: int

    @property
    def active(self) -> int:
        return self.counted + self.leased

    @property
    def summary(self) -> LimitSummary:
        return LimitSummary(id=self.limit.id, name=self.limit.name, limit=self.limit.slot_limit)

    def lacks(self, slots: int) -> bool:
        """Whether there are too few free slots; a limit that is switched off never lacks any."""
        return self.limit.active and self.active + slots > self.limit.slot_limit


class Denied(msgspec.Struct, frozen=True):
    """Not all slots were free, so none was taken; ask again after these seconds."""

    retry_after: float


class Holder(msgspec.Struct, frozen=True):
    """A lease to be: its id, who holds it and for how many seconds; None: until it is given back."""

    lease_id: UUID
    seconds: float | None
    by: LeaseHolder | None = None


async def usages(connection: Connection, limits: Sequence[Limit], moment: datetime) -> list[Usage]:
    """What is in use of these limits."""
    if not limits:
        return []
    leased = await queries.leased(connection, [limit.id for limit in limits], moment)
    return [_usage(limit, leased.get(limit.id), moment) for limit in limits]


async def lock(transaction: Connection, ids: Sequence[UUID]) -> list[Usage]:
    """The usage of these limits, which only this transaction changes until it ends."""
    return await _settled(transaction, await queries.lock(transaction, ids))


async def lock_named(transaction: Connection, names: Iterable[str]) -> list[Usage]:
    """The same for the limits with these names; names without a limit are passed over."""
    return await _settled(transaction, await queries.lock_named(transaction, sorted(set(names))))


async def take(
    transaction: Connection, names: Sequence[str], slots: int, mode: Mode, longest: float, holder: Holder | None = None
) -> list[LimitSummary] | Denied:
    """Take slots of each limit that is named, under one lease if there is a holder, or of none at all.

    A rate is used up when it is taken, so in mode `rate_limit` slots are counted whoever takes them. Raises
    `Unprocessable` for more slots than a limit has, and for a rate of a limit that does not decay.
    """
    found = await lock_named(transaction, names)
    _check([usage.limit for usage in found], slots, mode)
    lacking = [usage for usage in found if usage.lacks(slots)]
    if lacking:
        return await _deny(transaction, lacking, slots, longest)
    counted = slots if holder is None or mode == "rate_limit" else 0
    active = [usage for usage in found if usage.limit.active]
    for usage in active:
        await _count(transaction, usage, counted, slots)
    if holder is not None and found:
        limit_ids = [] if counted else [usage.limit.id for usage in active]
        await hold(transaction, limit_ids, slots, holder)
    return [usage.summary for usage in found]


async def hold(transaction: Connection, limit_ids: Sequence[UUID], slots: int, holder: Holder) -> None:
    """Hold slots of limits that are locked, under one lease."""
    by, moment = holder.by, now()
    await queries.add_lease(
        transaction,
        holder.lease_id,
        limit_ids,
        slots,
        moment,
        None if holder.seconds is None else moment + timedelta(seconds=holder.seconds),
        None if by is None else by.type,
        None if by is None else by.id,
    )


async def give_back(transaction: Connection, lease_id: UUID) -> None:
    """End a lease and note how long its slots were in use; nothing happens if it is gone."""
    limit_ids = await queries.limits_of(transaction, lease_id)
    limits = await queries.lock(transaction, limit_ids) if limit_ids else []
    lease = await queries.end_lease(transaction, lease_id)
    if lease is None:
        return
    occupancy = (now() - lease.created).total_seconds()
    for limit in limits:
        await _note_occupancy(transaction, limit, occupancy, lease.slots)


async def repossess(transaction: Connection, lease_id: UUID) -> bool:
    """End a lease that has run out and note how long its slots were in use; False if it has not, or is gone."""
    limit_ids = await queries.limits_of(transaction, lease_id)
    limits = await queries.lock(transaction, limit_ids) if limit_ids else []
    lease = await queries.end_if_expired(transaction, lease_id, now())
    if lease is None:
        return False
    occupancy = (lease.expires_at - lease.created).total_seconds()
    for limit in limits:
        await _note_occupancy(transaction, limit, occupancy, lease.slots)
    return True


async def discount(
    transaction: Connection, names: Sequence[str], slots: int, occupancy: float | None
) -> list[LimitSummary]:
    """Give back slots that are only counted; a count never falls below zero."""
    found = await lock_named(transaction, names)
    for usage in found:
        limit = usage.limit
        limit.updated = _anchor(usage)
        limit.active_slots = max(0, usage.counted - slots)
        if occupancy is not None:
            limit.avg_slot_occupancy_seconds = rules.average_occupancy(
                limit.avg_slot_occupancy_seconds, occupancy, slots, limit.slot_limit
            )
        await queries.update(transaction, limit)
    return [usage.summary for usage in found]


async def take_away(transaction: Connection, usage: Usage, most: int) -> None:
    """Leave at most so many slots leased: the oldest leases lose theirs on this limit."""
    if usage.leased <= most:
        return
    lost: list[queries.Holding] = []
    for holding in await queries.holdings(transaction, [usage.limit.id], usage.moment):
        if usage.leased <= most:
            break
        lost.append(holding)
        usage.leased -= holding.slots
    await queries.end_shares(transaction, lost)


async def release(transaction: Connection, usages: Sequence[Usage], task_run_id: UUID) -> None:
    """Take away what a task run holds on these limits, which are locked."""
    limits = {usage.limit.id: usage.limit for usage in usages}
    moment = now()
    mine = [
        holding
        for holding in await queries.holdings(transaction, list(limits), moment)
        if holding.holder_type == "task_run" and holding.holder_id == task_run_id
    ]
    await queries.end_shares(transaction, mine)
    for holding in mine:
        occupancy = (moment - holding.created).total_seconds()
        await _note_occupancy(transaction, limits[holding.limit_id], occupancy, holding.slots)


async def _settled(transaction: Connection, limits: list[Limit]) -> list[Usage]:
    """The usage of locked limits, once leases that ran out are gone for good: until then they might be renewed."""
    if not limits:
        return []
    moment, ids = now(), [limit.id for limit in limits]
    leased = await queries.leased(transaction, ids, moment)
    if any(found.expired for found in leased.values()):
        await queries.end_expired(transaction, moment)
        leased = await queries.leased(transaction, ids, moment)
    return [_usage(limit, leased.get(limit.id), moment) for limit in limits]


def _usage(limit: Limit, leased: queries.Leased | None, moment: datetime) -> Usage:
    elapsed = (moment - limit.updated).total_seconds()
    gone = rules.decayed(limit.active_slots, limit.slot_decay_per_second, elapsed)
    return Usage(
        limit=limit, moment=moment, counted=limit.active_slots - gone, leased=0 if leased is None else leased.slots
    )


def _anchor(usage: Usage) -> datetime:
    """Since when the counted slots decay: what has decayed is settled, the fraction of a slot after it is not lost."""
    limit, settled = usage.limit, usage.limit.active_slots - usage.counted
    if limit.slot_decay_per_second <= 0 or usage.counted == 0:
        return usage.moment
    return min(usage.moment, limit.updated + timedelta(seconds=settled / limit.slot_decay_per_second))


def _check(limits: Sequence[Limit], slots: int, mode: Mode) -> None:
    if any(limit.active and slots > limit.slot_limit for limit in limits):
        raise Unprocessable("Slots requested is greater than the limit")
    constant = [f"'{limit.name}'" for limit in limits if limit.slot_decay_per_second == 0]
    if mode == "rate_limit" and constant:
        raise Unprocessable(
            "Only concurrency limits with slot decay can be used for rate limiting. "
            f"The following limits do not have a decay configured: {', '.join(constant)}"
        )


async def _count(transaction: Connection, usage: Usage, counted: int, granted: int) -> None:
    """Count slots, and among those that were refused ones as many less as were granted."""
    limit = usage.limit
    if not counted and not limit.denied_slots:
        return
    limit.updated = _anchor(usage)
    limit.active_slots = usage.counted + counted
    limit.denied_slots = max(0, limit.denied_slots - granted)
    await queries.update(transaction, limit)


async def _deny(transaction: Connection, lacking: Sequence[Usage], slots: int, longest: float) -> Denied:
    """Note that slots were refused, so that later callers are told to wait longer."""
    draw = CHANCE.random()
    waits: list[float] = []
    for usage in lacking:
        limit = usage.limit
        waits.append(
            rules.wait(
                limit.name,
                slots=slots,
                limit=limit.slot_limit,
                denied=limit.denied_slots,
                per_second=limit.slot_decay_per_second,
                occupancy=limit.avg_slot_occupancy_seconds,
                longest=longest,
                draw=draw,
            )
        )
        limit.updated = _anchor(usage)
        limit.active_slots = usage.counted
        limit.denied_slots = min(limit.denied_slots + slots, _MOST_DENIED)
        await queries.update(transaction, limit)
    return Denied(max(waits))


_MOST_DENIED = 2**31 - 1


async def _note_occupancy(transaction: Connection, limit: Limit, occupancy: float, slots: int) -> None:
    limit.avg_slot_occupancy_seconds = rules.average_occupancy(
        limit.avg_slot_occupancy_seconds, max(0.0, occupancy), slots, limit.slot_limit
    )
    await queries.update(transaction, limit)
