"""What can be done with automations. Changes count for every event that comes after their commit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from headrace.server.automations import events, queries, resources, validation
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Store, Topic
from headrace.wire.automations import (
    Automation,
    AutomationCreate,
    AutomationFilters,
    AutomationList,
    AutomationUpdate,
    refuse_loops,
)
from headrace.wire.base import encode_text
from headrace.wire.errors import InvalidRequest, ObjectNotFound
from headrace.wire.events import Event
from headrace.wire.ids import uuid7
from headrace.wire.triggers import renewed

_DOCUMENTS = ("tags", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")


async def create(store: Store, body: AutomationCreate, now: datetime) -> Automation:
    """Make an automation; its triggers are given new ids.

    Raises `InvalidRequest` for templates and `Unprocessable` for job variables that do not do.
    """
    validation.check_templates(body)
    await validation.check_job_variables(store, body, now)
    made = _as_automation(uuid7(), body, now, now)
    values = _values(made)
    async with store.transaction() as transaction:
        await transaction.execute(queries.INSERT, *(values[name] for name in queries.AUTOMATIONS.names))
        if body.owner_resource:
            # Before the rest: an automation may also act on what it belongs to, and belonging says more.
            await transaction.execute(queries.ADD_RESOURCE, made.id, body.owner_resource, True)
        await _concern(transaction, made.id, body)
        await _tell(transaction, [events.changed(made, Change.CREATED, now)], now)
    return made


async def read(connection: Connection, id: UUID) -> Automation:
    """The automation, or raise `ObjectNotFound`."""
    return _found(connection, await connection.fetch(queries.BY_ID, id))


async def enabled(connection: Connection) -> list[Automation]:
    """Every automation that may fire."""
    return queries.AUTOMATIONS.all(await connection.fetch(queries.ENABLED), connection.dialect)


async def list_automations(store: Store, body: AutomationList, limit: int) -> list[Automation]:
    """The automations that match."""
    return await queries.LIST.list(store, body.given(), body.sort, limit, body.offset)


async def count(store: Store, body: AutomationFilters) -> int:
    """How many automations match."""
    return await queries.LIST.count(store, body.given())


async def related_to(connection: Connection, resource_id: str) -> list[Automation]:
    """The automations that look for a resource, act on it or belong to it."""
    return queries.AUTOMATIONS.all(await connection.fetch(queries.RELATED, resource_id), connection.dialect)


async def update(store: Store, id: UUID, body: AutomationUpdate, now: datetime) -> None:
    """Put all of an automation in the place of what it was; what its triggers had counted is forgotten.

    Raises `ObjectNotFound`, and as `create` does.
    """
    validation.check_templates(body)
    await validation.check_job_variables(store, body, now)
    async with store.transaction() as transaction:
        before = await _locked(transaction, id)
        after = _as_automation(id, body, before.created, now)
        await _change(transaction, after)
        await transaction.execute(queries.DROP_RESOURCES, id)
        await _concern(transaction, id, body)
        await _tell(transaction, [events.changed(after, Change.UPDATED, now)], now)


async def set_enabled(store: Store, id: UUID, wanted: bool, now: datetime) -> None:
    """Let an automation fire, or keep it from it; one that is switched on begins to count anew.

    Raises `ObjectNotFound`, and `InvalidRequest` for an automation that would feed itself.
    """
    async with store.transaction() as transaction:
        found = await _locked(transaction, id)
        try:
            refuse_loops(wanted, found.trigger, found.actions)
        except ValueError as error:
            raise InvalidRequest(str(error), ("body", "enabled"), given=wanted) from None
        if found.enabled is wanted:
            return
        found.enabled, found.updated = wanted, now
        await _change(transaction, found)
        await _tell(transaction, [events.changed(found, Change.UPDATED, now)], now)


async def owned_by(connection: Connection, resource_id: str) -> list[UUID]:
    """The automations that belong to a resource."""
    rows = await connection.fetch(queries.OWNED, resource_id)
    return [automation.id for automation in queries.AUTOMATIONS.all(rows, connection.dialect)]


async def deleting(transaction: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """Tell of automations, which are still there, that they are deleted; what their triggers have counted goes."""
    found = [automation for id in ids for automation in (await _locked(transaction, id),)]
    for id in ids:
        for statement in queries.FORGET_EVENTS:
            await transaction.execute(statement, id)
    await _tell(transaction, [events.changed(automation, Change.DELETED, now) for automation in found], now)


async def _change(transaction: Connection, automation: Automation) -> None:
    values = _values(automation)
    columns = tuple(name for name in queries.AUTOMATIONS.names if name not in ("id", "created"))
    await transaction.execute(queries.change(columns), automation.id, *(values[name] for name in columns))
    for statement in queries.FORGET_EVENTS:
        await transaction.execute(statement, automation.id)


async def _concern(transaction: Connection, id: UUID, body: AutomationUpdate) -> None:
    found = sorted(resources.concerned(body))
    await transaction.execute_many(queries.ADD_RESOURCE, [(id, resource_id, False) for resource_id in found])


async def _tell(transaction: Connection, told: Iterable[Event], now: datetime) -> None:
    """Write what happened, and have the triggers look at the automations again."""
    await log.append(transaction, list(told), now)
    transaction.announce(Topic.AUTOMATIONS)


async def _locked(transaction: Connection, id: UUID) -> Automation:
    return _found(transaction, await transaction.fetch(queries.LOCK, id))


def _found(connection: Connection, rows: list[Any]) -> Automation:
    found = queries.AUTOMATIONS.all(rows, connection.dialect)
    if not found:
        raise missing()
    return found[0]


def missing() -> ObjectNotFound:
    """What to raise where there is no such automation."""
    return ObjectNotFound("Automation not found")


def _as_automation(id: UUID, body: AutomationUpdate, created: datetime | None, now: datetime) -> Automation:
    return Automation(
        id=id,
        created=created,
        updated=now,
        name=body.name,
        description=body.description,
        enabled=body.enabled,
        tags=body.tags,
        trigger=renewed(body.trigger),
        actions=body.actions,
        actions_on_trigger=body.actions_on_trigger,
        actions_on_resolve=body.actions_on_resolve,
    )


def _values(automation: Automation) -> dict[str, Any]:
    """What each column holds."""
    values = {name: getattr(automation, name) for name in queries.AUTOMATIONS.names}
    return values | {name: encode_text(values[name]) for name in _DOCUMENTS}
