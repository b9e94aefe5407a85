"""Running policies: a delete operation for what can be given back, batches for what cannot."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never

from headrace.rules.retention_policies import LEVELS, Kind, Policy, cutoff, levels, outcomes, parse_class
from headrace.server.events import retention as events
from headrace.server.logs import partitions
from headrace.server.logs import retention as logs
from headrace.server.operations import service as operations
from headrace.server.operations.service import Author
from headrace.server.retention import due, queries, service
from headrace.server.retention.forecasts import settings_retention
from headrace.server.store.base import Store
from headrace.settings import Settings
from headrace.wire.errors import ObjectNotFound
from headrace.wire.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from headrace.wire.operations import (
    MOST_IDS,
    OperationCreate,
    OperationKind,
    OperationNoun,
    OperationOptions,
    Target,
    TargetFilters,
)
from headrace.wire.retention import RetentionRun

BUDGET = 1.0
"""Seconds after which no further batch is begun; what is left comes next."""
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_BELATED = timedelta(days=1)
"""Lines that come later than this after their time may be passed by, where a policy is not for all of them."""


async def run(store: Store, settings: Settings, names: Sequence[str] | None, now: datetime) -> list[RetentionRun]:
    """Run these policies, by default all. Raises `ObjectNotFound` for one that is not set."""
    policies = service.rules_of(await service.list_policies(store))
    if names is not None:
        wanted = [parse_class(name) for name in names]
        if missing := [about for about in wanted if about not in {policy.about for policy in policies}]:
            raise ObjectNotFound(f"No retention policy is set for {missing[0]}.")
        chosen = [policy for policy in policies if policy.about in wanted]
    else:
        chosen = policies
    until = time.monotonic() + BUDGET
    return [await run_one(store, settings, policy, policies, now, until) for policy in chosen]


async def run_one(
    store: Store, settings: Settings, policy: Policy, all_: Sequence[Policy], now: datetime, until: float
) -> RetentionRun:
    """Run a policy beside all that are in force, until that moment of the monotonic clock."""
    match policy.about.kind:
        case Kind.FLOW_RUNS | Kind.TASK_RUNS | Kind.ARTIFACTS:
            return await _ask_for_operation(store, policy, all_, now)
        case Kind.LOGS:
            return await _end_lines(store, policy, all_, now, until)
        case Kind.EVENTS:
            return await _end_events(store, settings, policy, now, until)
        case _:
            assert_never(policy.about.kind)


async def _ask_for_operation(store: Store, policy: Policy, all_: Sequence[Policy], now: datetime) -> RetentionRun:
    name = str(policy.about)
    if (row := await store.fetch_one(queries.UNDER_WAY, name)) is not None:
        return RetentionRun(name=name, under_way=row[0])
    target = await _target(store, policy, all_, now)
    if target is None:
        await store.execute(queries.NOTHING_DUE, name, now)
        return RetentionRun(name=name)
    wanted = OperationCreate(
        kind=OperationKind.DELETE,
        noun=OperationNoun(policy.about.kind),
        target=target,
        options=OperationOptions(children=False),
        reason=f"Retention of {name}",
    )
    operation = await operations.create(store, wanted, Author(policy=name), now)
    await store.execute(queries.ASKED, name, now, operation.id)
    return RetentionRun(name=name, operation_id=operation.id)


async def _target(store: Store, policy: Policy, all_: Sequence[Policy], now: datetime) -> Target | None:
    """What is due, or None if nothing is: by its end where that says it all, else by ids, as many as one may name."""
    classes = [other.about for other in all_]
    before = cutoff(policy, now)
    if policy.about.kind is not Kind.FLOW_RUNS or policy.keep_last is not None or before is None:
        ids = await due.ids(store, policy, classes, now, MOST_IDS)
        return Target(ids=ids) if ids else None
    if not await due.ids(store, policy, classes, now, 1):
        return None
    ends = list(outcomes(policy.about, classes))
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=ends)), end_time=FlowRunFilterEndTime(before_=before)
    )
    return Target(filters=TargetFilters(flow_runs=wanted))


async def _end_lines(store: Store, policy: Policy, all_: Sequence[Policy], now: datetime, until: float) -> RetentionRun:
    name, before = str(policy.about), cutoff(policy, now) or now
    wanted = levels(policy.about, [other.about for other in all_])
    passed = await service.begin(store, name, now, _BEGINNING, _BELATED if len(wanted) < len(LEVELS) else None)
    removed = 0
    if len(wanted) == len(LEVELS):  # all that is due: whole weeks go at once where the database has them
        removed = await partitions.drop(store, before)
        await store.execute(queries.GO_ON, name, passed, removed)
    while True:
        async with store.bulk() as transaction:
            ended, upto = await logs.trim(transaction, passed, before, wanted)
            await transaction.execute(queries.GO_ON, name, upto or before, ended)
            if upto is None:
                await transaction.execute(queries.END, name, now)
        removed += ended
        if upto is None or time.monotonic() >= until:
            return RetentionRun(name=name, removed=removed, more=upto is not None)
        passed = upto


async def _end_events(store: Store, settings: Settings, policy: Policy, now: datetime, until: float) -> RetentionRun:
    kept = await service.of_events(store, settings_retention(settings))
    removed, more = 0, True
    while more:
        ended = Counter[str | None]()
        more = await events.trim(store, kept, now, ended)
        await service.note_ended_events(store, ended, now)
        removed += ended[policy.about.part]
        if time.monotonic() >= until:
            break
    return RetentionRun(name=str(policy.about), removed=removed, more=more)
