"""What can be done with concurrency limits: by the API, by deployments and by the rules of runs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from headrace.rules.facts import TagLimit
from headrace.rules.slots import TAG_PREFIX
from headrace.server.concurrency import events, queries, slots
from headrace.server.concurrency.queries import Limit
from headrace.server.concurrency.slots import Denied, Holder, Usage
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Store
from headrace.wire.concurrency import (
    ConcurrencyLimitV2,
    CountSlots,
    DiscountSlots,
    GlobalConcurrencyLimit,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    LeaseHolder,
    LimitSummary,
    SlotLease,
    TakeSlots,
)
from headrace.wire.errors import Gone, Locked, ObjectNotFound
from headrace.wire.ids import uuid7
from headrace.wire.times import now

IdOrName = UUID | str


async def create(store: Store, wanted: GlobalConcurrencyLimitCreate, moment: datetime) -> ConcurrencyLimitV2:
    """Make a limit. Raises `Conflict` where the name is taken."""
    limit = _new(wanted.name, wanted.limit, moment)
    limit.active = wanted.active
    limit.active_slots, limit.denied_slots = wanted.active_slots, wanted.denied_slots
    limit.slot_decay_per_second = wanted.slot_decay_per_second
    async with store.transaction() as transaction:
        await queries.insert(transaction, limit)
        await tell(transaction, Change.CREATED, limit, moment)
    return ConcurrencyLimitV2(
        id=limit.id,
        created=limit.created,
        updated=limit.updated,
        active=limit.active,
        name=limit.name,
        limit=limit.slot_limit,
        active_slots=limit.active_slots,
        slot_decay_per_second=limit.slot_decay_per_second,
        denied_slots=limit.denied_slots,
        avg_slot_occupancy_seconds=limit.avg_slot_occupancy_seconds,
    )


async def read(store: Store, wanted: IdOrName) -> GlobalConcurrencyLimit:
    """The limit with this id or name. Raises `ObjectNotFound`."""
    found = await (queries.read(store, [wanted]) if isinstance(wanted, UUID) else queries.read_named(store, [wanted]))
    for usage in await slots.usages(store, found, now()):
        return _answered(usage)
    raise _missing()


async def list_limits(store: Store, limit: int, offset: int) -> list[GlobalConcurrencyLimit]:
    """Limits by name, from `offset` on."""
    found = await queries.listed(store, limit, offset) if limit else []
    return [_answered(usage) for usage in await slots.usages(store, found, now())]


async def limits_by_id(
    connection: Connection, ids: Sequence[UUID], moment: datetime
) -> dict[UUID, GlobalConcurrencyLimit]:
    """The limits with these ids, as they are read."""
    found = await queries.read(connection, ids) if ids else []
    return {usage.limit.id: _answered(usage) for usage in await slots.usages(connection, found, moment)}


async def update(store: Store, wanted: IdOrName, change: GlobalConcurrencyLimitUpdate) -> None:
    """Set what is given. Raises `ObjectNotFound`, and `Conflict` for a name that is taken.

    Slots in use are set to a number by taking them from the oldest leases and counting the rest.
    """
    async with store.transaction() as transaction:
        usage = await _locked(transaction, wanted)
        limit = usage.limit
        limit.updated, limit.active_slots = usage.moment, usage.counted
        if change.active_slots is not None:
            await slots.take_away(transaction, usage, change.active_slots)
            limit.active_slots = change.active_slots - usage.leased
        for field, column in _COLUMN_OF.items():
            value = getattr(change, field)
            if value is not None:
                setattr(limit, column, value)
        await queries.update(transaction, limit)
        await tell(transaction, Change.UPDATED, limit, usage.moment)


_COLUMN_OF = {
    "active": "active",
    "name": "name",
    "limit": "slot_limit",
    "denied_slots": "denied_slots",
    "slot_decay_per_second": "slot_decay_per_second",
}


async def delete(store: Store, wanted: IdOrName) -> None:
    """Delete a limit; whoever holds slots of it goes on. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        usage = await _locked(transaction, wanted)
        await queries.delete(transaction, usage.limit.id)
        await tell(transaction, Change.DELETED, usage.limit, usage.moment)


async def tell(transaction: Connection, change: Change, limit: Limit, moment: datetime) -> None:
    """Put into the log what became of a limit."""
    await log.append(transaction, [events.limit_changed(change, limit, moment)], moment)


async def delete_limit(transaction: Connection, limit_id: UUID, moment: datetime) -> None:
    """Delete a limit if there is one with this id."""
    await queries.delete(transaction, limit_id)


async def put_away_limits(transaction: Connection, limit_ids: Sequence[UUID], moment: datetime) -> None:
    """Delete limits so that they can be taken back."""
    await transaction.execute(queries.PUT_AWAY, list(limit_ids), moment)


async def take_back_limits(transaction: Connection, limit_ids: Sequence[UUID]) -> None:
    """Have limits that were put away again."""
    await transaction.execute(queries.TAKE_BACK, list(limit_ids))


async def set_limit(transaction: Connection, name: str, limit: int, moment: datetime) -> tuple[UUID, bool]:
    """Make a limit with this name or change the one there is; returns its id and whether it is new."""
    for usage in await slots.lock_named(transaction, [name]):
        usage.limit.slot_limit = limit
        await queries.update(transaction, usage.limit)
        return usage.limit.id, False
    made = _new(name, limit, moment)
    await queries.insert(transaction, made)
    return made.id, True


async def set_deployment_limit(
    transaction: Connection, deployment_id: UUID, limit: int | None, moment: datetime
) -> UUID | None:
    """Give a deployment a limit of its own, change it, or (None) take it away; returns the limit's id."""
    name = f"deployment:{deployment_id}"
    if limit is not None:
        id, _ = await set_limit(transaction, name, limit, moment)
        return id
    for usage in await slots.lock_named(transaction, [name]):
        await queries.delete(transaction, usage.limit.id)
    return None


async def count_slots(store: Store, wanted: CountSlots, longest_wait: float) -> list[LimitSummary]:
    """Take slots that are counted until they are given back by number. Raises `Locked` and `Unprocessable`."""
    async with store.transaction() as transaction:
        taken = await slots.take(transaction, wanted.names, wanted.slots, wanted.mode, longest_wait)
    return _granted(taken)


async def discount_slots(store: Store, given: DiscountSlots) -> list[LimitSummary]:
    """Give back slots that were counted."""
    async with store.transaction() as transaction:
        return await slots.discount(transaction, given.names, given.slots, given.occupancy_seconds)


async def lease_slots(store: Store, wanted: TakeSlots, longest_wait: float) -> SlotLease:
    """Take slots under a lease. Names without a limit need none, and cost one look-up.

    Raises `Locked` and `Unprocessable`.
    """
    holder = Holder(uuid7(), wanted.lease_duration, wanted.holder)
    if not await queries.read_named(store, sorted(set(wanted.names))):
        return SlotLease(lease_id=holder.lease_id, limits=[])
    async with store.transaction() as transaction:
        taken = await slots.take(transaction, wanted.names, wanted.slots, wanted.mode, longest_wait, holder)
    return SlotLease(lease_id=holder.lease_id, limits=_granted(taken))


async def renew_lease(store: Store, lease_id: UUID, seconds: float) -> None:
    """Let a lease hold this long from now. Raises `Gone` if it has run out or was given back."""
    moment = now()
    if not await queries.renew(store, lease_id, moment + timedelta(seconds=seconds), moment):
        raise Gone("Lease not found - it may have expired or been revoked")


async def return_slots(store: Store, lease_id: UUID) -> None:
    """End a lease; one that is gone already is given back in peace."""
    async with store.transaction() as transaction:
        await slots.give_back(transaction, lease_id)


async def repossess(store: Store, limit: int) -> tuple[int, int]:
    """Take back the slots of leases that have run out; how many were found, and how many of them were ended here."""
    found, ended = await queries.expired(store, now(), limit), 0
    for lease_id in found:
        async with store.transaction() as transaction:
            ended += await slots.repossess(transaction, lease_id)
    return len(found), ended


async def lock_limit(transaction: Connection, limit_id: UUID | None) -> Usage | None:
    """The usage of a limit, locked until the transaction ends; None if it is gone or switched off."""
    for usage in await slots.lock(transaction, [limit_id]) if limit_id is not None else ():
        return usage if usage.limit.active else None
    return None


async def hold_slot(transaction: Connection, limit_id: UUID, lease_id: UUID, seconds: float, flow_run_id: UUID) -> None:
    """Hold one slot of a locked limit for a flow run."""
    by = LeaseHolder(type="flow_run", id=flow_run_id)
    await slots.hold(transaction, [limit_id], 1, Holder(lease_id, seconds, by))


async def lease_holds(transaction: Connection, lease_id: UUID) -> bool:
    """Whether a lease still holds; if it does, it does so until the transaction ends."""
    return await queries.holds(transaction, lease_id, now())


async def extend_lease(transaction: Connection, lease_id: UUID, seconds: float) -> None:
    """Let a lease that holds do so this long from now."""
    moment = now()
    await queries.renew(transaction, lease_id, moment + timedelta(seconds=seconds), moment)


async def keep_lease(transaction: Connection, lease_id: UUID) -> None:
    """Let a lease that still holds do so until it is given back."""
    await queries.keep(transaction, lease_id, now())


async def end_lease(transaction: Connection, lease_id: UUID) -> None:
    """Give back what a lease holds, if it is there."""
    await slots.give_back(transaction, lease_id)


async def end_leases(transaction: Connection, lease_ids: Sequence[UUID]) -> None:
    """Give back what each of these leases holds, if it is there."""
    if not lease_ids:
        return
    if len(lease_ids) > 1:  # all limits are locked before any lease is, as everywhere
        await queries.lock(transaction, await queries.limits_of_all(transaction, lease_ids))
    for lease_id in sorted(lease_ids):
        await slots.give_back(transaction, lease_id)


async def end_held(transaction: Connection, holder_type: str, holder_ids: Sequence[UUID]) -> None:
    """Give back whatever these holders hold, in the API or by the rules of runs; one look-up where it is nothing."""
    if holder_ids:
        await end_leases(transaction, await queries.leases_of(transaction, holder_type, holder_ids))


async def tag_limits(transaction: Connection, tags: Sequence[str], task_run_id: UUID) -> tuple[TagLimit, ...]:
    """The active limits on these tags, locked until the transaction ends."""
    found = [usage for usage in await slots.lock_named(transaction, map(tag_name, tags)) if usage.limit.active]
    if not found:
        return ()
    held = await queries.held_by(transaction, "task_run", task_run_id, found[0].moment)
    return tuple(
        TagLimit(
            tag=usage.limit.name.removeprefix(TAG_PREFIX),
            limit=usage.limit.slot_limit,
            active_slots=usage.active,
            average_occupancy=usage.limit.avg_slot_occupancy_seconds,
            held=usage.limit.id in held,
        )
        for usage in found
    )


async def hold_tags(transaction: Connection, tags: Sequence[str], lease_id: UUID, task_run_id: UUID) -> None:
    """Hold one slot of each of these tags' limits, which are locked, for a task run until it gives them back."""
    limits = await queries.lock_named(transaction, [tag_name(tag) for tag in tags])
    by = LeaseHolder(type="task_run", id=task_run_id)
    await slots.hold(transaction, [limit.id for limit in limits], 1, Holder(lease_id, None, by))


async def release_tags(transaction: Connection, tags: Sequence[str], task_run_id: UUID) -> None:
    """Take a task run's slots on these tags' limits away; costs one look-up where it holds none."""
    held = await queries.held_by(transaction, "task_run", task_run_id, now())
    if not held:
        return
    names = {tag_name(tag) for tag in tags}
    found = [usage for usage in await slots.lock(transaction, sorted(held)) if usage.limit.name in names]
    await slots.release(transaction, found, task_run_id)


def tag_name(tag: str) -> str:
    """The name of the limit on a tag."""
    return f"{TAG_PREFIX}{tag}"


def _new(name: str, limit: int, moment: datetime) -> Limit:
    return Limit(
        id=uuid7(),
        created=moment,
        updated=moment,
        name=name,
        active=True,
        slot_limit=limit,
        active_slots=0,
        denied_slots=0,
        slot_decay_per_second=0.0,
        avg_slot_occupancy_seconds=2.0,
    )


def _answered(usage: Usage) -> GlobalConcurrencyLimit:
    limit = usage.limit
    return GlobalConcurrencyLimit(
        id=limit.id,
        created=limit.created,
        updated=limit.updated,
        active=limit.active,
        name=limit.name,
        limit=limit.slot_limit,
        active_slots=usage.active,
        slot_decay_per_second=limit.slot_decay_per_second,
    )


async def _locked(transaction: Connection, wanted: IdOrName) -> Usage:
    if isinstance(wanted, UUID):
        found = await slots.lock(transaction, [wanted])
    else:
        found = await slots.lock_named(transaction, [wanted])
    if not found:
        raise _missing()
    return found[0]


def _missing() -> ObjectNotFound:
    return ObjectNotFound("Concurrency Limit not found")


def _granted(taken: list[LimitSummary] | Denied) -> list[LimitSummary]:
    """What was taken; raises once the transaction that noted the refusal is over."""
    if isinstance(taken, Denied):
        raise Locked("Locked", retry_after=taken.retry_after)
    return taken
