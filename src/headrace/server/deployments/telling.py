"""Puts into the log what becomes of deployments, in the transaction in which it does."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from headrace.server.deployments import events, queries
from headrace.server.deployments.queries import Stored
from headrace.server.events import log
from headrace.server.events.facts import Change
from headrace.server.store.base import Connection, Topic
from headrace.wire.deployments import DeploymentStatus


async def made(transaction: Connection, id: UUID, now: datetime) -> None:
    """A deployment has been made."""
    await _tell(transaction, Change.CREATED, id, now)


async def changed(transaction: Connection, before: Stored, now: datetime) -> None:
    """A deployment has been set; where nothing is different, there is nothing to tell."""
    id = before.deployment.id
    after = await queries.by_id(transaction, id)
    payload = None if after is None else events.updates(before, after)
    if payload is not None:
        (around,) = await queries.surroundings(transaction, [id])
        await log.append(transaction, [events.deployment_changed(Change.UPDATED, around, now, payload)], now)
        transaction.announce(Topic.NAMES)


async def deleting(transaction: Connection, id: UUID, now: datetime) -> None:
    """A deployment, which is still there, is about to be deleted."""
    await _tell(transaction, Change.DELETED, id, now)


async def status_entered(transaction: Connection, status: DeploymentStatus, ids: Sequence[UUID], now: datetime) -> None:
    """Somebody has begun to ask for the runs of these deployments, or nobody does any more."""
    if not ids:
        return
    found = await queries.surroundings(transaction, ids)
    told = [events.status_entered(status, around, now) for around in found]
    await log.append(transaction, told, now)


async def _tell(transaction: Connection, change: Change, id: UUID, now: datetime) -> None:
    (around,) = await queries.surroundings(transaction, [id])
    await log.append(transaction, [events.deployment_changed(change, around, now)], now)
    transaction.announce(Topic.NAMES)
