"""What can be done with retention policies."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from headrace.rules.retention import Retention
from headrace.rules.retention_policies import Policy, check, event_retention, parse_class
from headrace.server.configuration import service as configuration
from headrace.server.retention import queries
from headrace.server.store.base import Connection, Store
from headrace.wire.errors import ObjectNotFound
from headrace.wire.retention import RetentionPolicy, RetentionPolicyUpdate
from headrace.wire.times import from_micros

_SUGGESTED = "retention_suggested"


async def list_policies(connection: Connection) -> list[RetentionPolicy]:
    """Those that are in force, by name."""
    return queries.POLICIES.all(await connection.fetch(queries.LIST), connection.dialect)


async def read(connection: Connection, name: str) -> RetentionPolicy:
    """One of them. Raises `ObjectNotFound`, and `Unprocessable` for a name that is no class."""
    about = str(parse_class(name))
    row = await connection.fetch_one(queries.READ, about)
    if row is None:
        raise ObjectNotFound(f"No retention policy is set for {about}.")
    return queries.POLICIES.one(row, connection.dialect)


async def put(store: Store, name: str, wanted: RetentionPolicyUpdate, now: datetime) -> RetentionPolicy:
    """Set a policy, in the place of what was set before. Raises `Unprocessable` for one that cannot be."""
    policy = check(Policy(parse_class(name), wanted.max_age, wanted.keep_last))
    async with store.transaction() as transaction:
        await transaction.execute(queries.PUT, str(policy.about), now, policy.max_age, policy.keep_last)
        await _look_again(transaction, policy)
        return await read(transaction, name)


async def delete(store: Store, name: str) -> None:
    """Set nothing for the class any more. Raises `ObjectNotFound`."""
    async with store.transaction() as transaction:
        policy = rule_of(await read(transaction, name))
        await transaction.execute(queries.DELETE, str(policy.about))
        await _look_again(transaction, policy)


async def of_events(connection: Connection, settings: Retention) -> Retention:
    """For how long events are kept, by the settings and the policies together."""
    return event_retention(settings, map(rule_of, await list_policies(connection)))


async def note_ended_events(connection: Connection, ended: Mapping[str | None, int], now: datetime) -> None:
    """So many events were ended, by what said how long they are kept: a name, a prefix, or nothing but the default."""
    for source, many in ended.items():
        if not many:
            continue
        name = "events" if source is None else f"events.{source}"
        await connection.execute(queries.ENDED, name, now, many)


async def begin(store: Store, name: str, now: datetime, beginning: datetime, belated: timedelta | None) -> datetime:
    """Begin a run of a policy on lines, unless one goes on: from where it is to look at them.

    That is where the last run came to, less the time by which lines may come late; or the `beginning`, if that is None.
    """
    async with store.transaction() as transaction:
        passed = await _passed(transaction, name)
        since = beginning if passed is None or belated is None else passed - belated
        if await transaction.execute(queries.BEGIN, name, now, since):
            return since
        return passed or beginning


async def _passed(connection: Connection, name: str) -> datetime | None:
    row = await connection.fetch_one(queries.PASSED, name)
    moment = None if row is None else row[0]
    return from_micros(moment) if isinstance(moment, int) else moment


async def is_to_be_suggested(store: Store, now: datetime) -> bool:
    """Whether there is no policy, and this is the first time that somebody asks."""
    if await configuration.read(store, _SUGGESTED) or await list_policies(store):
        return False
    await configuration.write(store, _SUGGESTED, True, now)
    return True


def rule_of(policy: RetentionPolicy) -> Policy:
    """The policy as the rules have it."""
    return Policy(parse_class(policy.name), policy.max_age, policy.keep_last)


def rules_of(policies: Sequence[RetentionPolicy]) -> list[Policy]:
    return [rule_of(policy) for policy in policies]


async def _look_again(transaction: Connection, policy: Policy) -> None:
    kind = str(policy.about.kind)
    await transaction.execute(queries.LOOK_AGAIN, kind, f"{kind}/")
