"""What policies would remove now, without removing it."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from headrace.rules.retention import Retention, read_retention
from headrace.rules.retention_policies import Kind, Policy, check, cutoff, event_retention, levels, parse_class
from headrace.server.events import retention as events
from headrace.server.logs import retention as logs
from headrace.server.retention import due, estimates
from headrace.server.retention.estimates import Estimate
from headrace.server.retention.service import list_policies, rules_of
from headrace.server.store.base import Store, View
from headrace.settings import Settings
from headrace.wire.retention import RetentionForecast, RetentionPolicyDraft

MOST = 1_000_000
"""So many are counted of each class; beyond that, it is said that there are more."""


class _Found(msgspec.Struct, frozen=True):
    total: int
    oldest: datetime | None
    estimate: Estimate
    capped: bool


async def preview(
    store: Store, settings: Settings, drafts: Sequence[RetentionPolicyDraft] | None, now: datetime
) -> list[RetentionForecast]:
    """What each of the drafts would remove beside the policies that are set; without drafts, what those would."""
    in_force = {policy.about: policy for policy in rules_of(await list_policies(store))}
    wanted = list(in_force.values())
    if drafts is not None:
        wanted = [check(Policy(parse_class(draft.name), draft.max_age, draft.keep_last)) for draft in drafts]
        in_force |= {policy.about: policy for policy in wanted}
    of_events = event_retention(settings_retention(settings), in_force.values())
    return [await _forecast(store, policy, list(in_force.values()), of_events, now) for policy in wanted]


def settings_retention(settings: Settings) -> Retention:
    """What the settings say of events."""
    events = settings.server.events
    return read_retention(events.retention_period, events.retention_overrides)


async def _forecast(
    store: Store, policy: Policy, all_: Sequence[Policy], of_events: Retention, now: datetime
) -> RetentionForecast:
    async with store.view() as view:
        found = await _find(view, policy, all_, of_events, now)
    return RetentionForecast(
        name=str(policy.about),
        max_age=policy.max_age,
        keep_last=policy.keep_last,
        before=cutoff(policy, now),
        total=found.total,
        capped=found.capped,
        rows=dict(found.estimate.rows),
        bytes=found.estimate.bytes,
        oldest=found.oldest,
        undoable=policy.about.kind.undoable,
    )


async def _find(view: View, policy: Policy, all_: Sequence[Policy], of_events: Retention, now: datetime) -> _Found:
    classes = [other.about for other in all_]
    before = cutoff(policy, now) or now
    match policy.about.kind:
        case Kind.FLOW_RUNS | Kind.TASK_RUNS | Kind.ARTIFACTS as kind:
            totals = await due.totals(view, policy, classes, now, MOST)
            sample = await due.ids(view, policy, classes, now, estimates.SAMPLE)
            estimate = await estimates.of_sample(view, kind, sample, totals.many)
            return _Found(totals.many, totals.oldest, estimate, totals.many == MOST)
        case Kind.LOGS:
            lines = await logs.totals(view, before, levels(policy.about, classes), MOST)
            return _Found(
                lines.many, lines.oldest, estimates.of_texts("logs", lines.many, lines.characters), lines.capped
            )
        case Kind.EVENTS:
            named = (await events.totals(view, of_events, now, MOST)).get(policy.about.part)
            if named is None:
                return _Found(0, None, Estimate({}, 0), False)
            estimate = estimates.of_texts("events", named.many, named.characters)
            return _Found(named.many, named.oldest, estimate, named.capped)
        case _:
            assert_never(policy.about.kind)
