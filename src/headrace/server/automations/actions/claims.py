"""Claiming actions, and saying how they came out.

A claim is a right with an end: a server that dies while it carries an action out loses it, and the action is begun
again under the same invocation. How it came out is only taken from the latest claim, together with the event
that tells of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from headrace.rules.action_targets import target
from headrace.server.automations import events
from headrace.server.automations.actions import queries
from headrace.server.automations.actions.queries import Job
from headrace.server.automations.events import Ending, Invocation
from headrace.server.events import log
from headrace.server.store.base import Connection, Store, Topic
from headrace.wire.base import encode_text
from headrace.wire.firings import ActionStatus, TriggerState

LEASE = timedelta(seconds=20)
"""How long a claim holds unless it is renewed; so soon after a server's death others go on with its actions."""
RENEWED_EVERY = 5.0
"""Seconds between two renewals of the claims of what is under way."""
_FIRST_PAUSE = timedelta(seconds=2)
_GIVEN_UP = Ending(
    reason=(
        f"It was begun {queries.MOST_ATTEMPTS} times and never came to an end: the server stopped each time,"
        " or the action took too long."
    )
)


async def claim(store: Store, most: int, now: datetime) -> list[Job]:
    """Take actions that are due, as many as `most`; nobody else takes them before the claim's end."""
    if await store.fetch_one(queries.ANY_DUE, now) is None:
        return []
    async with store.transaction() as transaction:
        await _give_up(transaction, now)
        rows = await transaction.fetch(queries.CLAIM, now, now + LEASE, most)
        return await _jobs(transaction, rows) if rows else []


async def renew(store: Store, ids: Sequence[UUID], now: datetime) -> None:
    """Keep the claims of actions that are still being carried out."""
    await store.execute(queries.RENEW, list(ids), now + LEASE)


async def end(transaction: Connection, job: Job, ending: Ending, now: datetime) -> bool:
    """Write how an action came out, and tell of it; False if another has claimed it since."""
    status = ActionStatus.EXECUTED if ending.reason is None else ActionStatus.FAILED
    result = encode_text(ending.result) if ending.result else None
    values = (job.id, job.attempts, status.value, now, ending.reason, result)
    if not await transaction.execute(queries.END, *values):
        return False
    await log.append(transaction, [events.action_ended(invocation(job), job.attempts, ending, now)], now)
    transaction.announce(Topic.ACTIONS)
    return True


async def put_off(store: Store, job: Job, reason: str, now: datetime) -> None:
    """Have an action tried again later: after 2 s, then 4 s, 8 s and so on."""
    round_attempt = (job.attempts - 1) % queries.MOST_ATTEMPTS
    await store.execute(queries.PUT_OFF, job.id, job.attempts, now + _FIRST_PAUSE * 2**round_attempt, now, reason)


def invocation(job: Job) -> Invocation:
    """The action as events tell of it."""
    firing, automation = job.cause.firing, job.cause.automation
    return Invocation(
        id=job.id,
        automation=automation,
        position=job.position,
        action=job.action,
        event=job.event,
        fired=events.fired(automation, firing, TriggerState.Triggered, job.created),
        target=target(job.action, job.event, firing.triggering_labels),
    )


async def _give_up(transaction: Connection, now: datetime) -> None:
    rows = await transaction.fetch(queries.LEFT, now)
    for job in await _jobs(transaction, rows) if rows else []:
        await end(transaction, job, _GIVEN_UP, now)


async def _jobs(transaction: Connection, rows: Sequence[Sequence[object]]) -> list[Job]:
    found = await transaction.fetch(queries.READ_JOBS, [row[0] for row in rows])
    return queries.JOBS.all(found, transaction.dialect)
