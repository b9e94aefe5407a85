"""Limits on the tags of task runs, as the first version of the API has them: a view of the limits `tag:<tag>`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.rules.slots import TAG_PREFIX
from headrace.server.concurrency import queries, service, slots
from headrace.server.concurrency.queries import Limit
from headrace.server.concurrency.service import tag_name
from headrace.server.concurrency.slots import Holder
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Store
from headrace.wire.concurrency import ConcurrencyLimit, LeaseHolder, LimitSummary, TagSlots
from headrace.wire.errors import Locked, ObjectNotFound
from headrace.wire.ids import uuid7
from headrace.wire.times import now

_RETRY_AFTER = 10.0
"""Seconds; task runs that find a tag's slots taken ask again after them."""


async def set_limit(store: Store, tag: str, limit: int, moment: datetime) -> tuple[ConcurrencyLimit, bool]:
    """Give a tag a limit; returns it and whether the tag had none."""
    async with store.transaction() as transaction:
        id, new = await service.set_limit(transaction, tag_name(tag), limit, moment)
        found = await queries.read(transaction, [id])
        await service.tell(transaction, Change.CREATED if new else Change.UPDATED, found[0], moment)
        return (await _answered(transaction, found))[0], new


async def read(store: Store, wanted: UUID | str) -> ConcurrencyLimit:
    """The limit with this id, or on this tag. Raises `ObjectNotFound`."""
    return (await _answered(store, [await _find(store, wanted)]))[0]


async def list_limits(store: Store, limit: int, offset: int) -> list[ConcurrencyLimit]:
    """The limits on tags, by tag."""
    return await _answered(store, await queries.listed(store, limit, offset, TAG_PREFIX) if limit else [])


async def delete(store: Store, wanted: UUID | str) -> None:
    """Delete the limit with this id, or on this tag. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        limit = await _find(transaction, wanted)
        if not await queries.delete(transaction, limit.id):
            raise _missing()
        await service.tell(transaction, Change.DELETED, limit, now())


async def reset(store: Store, tag: str, holders: Sequence[UUID]) -> None:
    """Take all slots of a tag away and give one to each of these task runs. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        found = await slots.lock_named(transaction, [tag_name(tag)])
        if not found:
            raise _missing()
        usage = found[0]
        await slots.take_away(transaction, usage, 0)
        usage.limit.active_slots, usage.limit.updated = 0, usage.moment
        await queries.update(transaction, usage.limit)
        for task_run_id in dict.fromkeys(holders):
            await slots.hold(transaction, [usage.limit.id], 1, _holder(task_run_id))


async def take(store: Store, wanted: TagSlots) -> list[LimitSummary]:
    """Take a slot of each tag's limit for a task run, or of none; it keeps those that it has already.

    Raises `Locked`: with a time to wait where a limit is reached, without where it lets nobody pass.
    """
    async with store.transaction() as transaction:
        found = await slots.lock_named(transaction, map(tag_name, wanted.names))
        held = await queries.held_by(transaction, "task_run", wanted.task_run_id, now()) if found else set[UUID]()
        for usage in found:
            tag = usage.limit.name.removeprefix(TAG_PREFIX)
            if usage.limit.active and usage.limit.slot_limit == 0:
                raise Locked(
                    f'The concurrency limit on tag "{tag}" is 0 and will deadlock if the task tries to run again.'
                )
            if usage.limit.id not in held and usage.lacks(1):
                raise Locked(f"Concurrency limit for the {tag} tag has been reached", _RETRY_AFTER)
        needed = [usage.limit.id for usage in found if usage.limit.active and usage.limit.id not in held]
        if needed:
            await slots.hold(transaction, needed, 1, _holder(wanted.task_run_id))
        return [_summary(usage.limit) for usage in found]


async def give_back(store: Store, given: TagSlots) -> list[LimitSummary]:
    """Take a task run's slots of these tags' limits away."""
    async with store.transaction() as transaction:
        found = await slots.lock_named(transaction, map(tag_name, given.names))
        await slots.release(transaction, found, given.task_run_id)
        return [_summary(usage.limit) for usage in found]


def _holder(task_run_id: UUID) -> Holder:
    return Holder(uuid7(), None, LeaseHolder(type="task_run", id=task_run_id))


def _summary(limit: Limit) -> LimitSummary:
    return LimitSummary(id=limit.id, name=limit.name.removeprefix(TAG_PREFIX), limit=limit.slot_limit)


async def _find(connection: Connection, wanted: UUID | str) -> Limit:
    if isinstance(wanted, UUID):
        found = await queries.read(connection, [wanted])
    else:
        found = await queries.read_named(connection, [tag_name(wanted)])
    for limit in found:
        if limit.name.startswith(TAG_PREFIX):
            return limit
    raise _missing()


async def _answered(connection: Connection, limits: Sequence[Limit]) -> list[ConcurrencyLimit]:
    holders: dict[UUID, list[UUID]] = {limit.id: [] for limit in limits}
    for holding in await queries.holdings(connection, list(holders), now()) if limits else ():
        if holding.holder_type == "task_run" and holding.holder_id is not None:
            holders[holding.limit_id].append(holding.holder_id)
    return [
        ConcurrencyLimit(
            id=limit.id,
            created=limit.created,
            updated=limit.updated,
            tag=limit.name.removeprefix(TAG_PREFIX),
            concurrency_limit=limit.slot_limit,
            active_slots=holders[limit.id],
        )
        for limit in limits
    ]


def _missing() -> ObjectNotFound:
    return ObjectNotFound("Concurrency limit not found")
