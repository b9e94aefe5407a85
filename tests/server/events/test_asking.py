"""Questions to the log: the databases answer as the predicate does, page by page and in every count."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import floats, sampled_from

from headrace.rules.event_matching import compile_filter
from headrace.server.events import counting, listing, log, lookups
from headrace.server.events.listing import page_of_token
from headrace.server.store.base import Store
from headrace.wire.events import RESOURCE_ID, Countable, Event, EventCountRequest, ReceivedEvent, TimeUnit
from headrace.wire.filters import EventFilter, EventOrder
from tests.server.events.asked import NOON, criteria, make_log

LATER = NOON + timedelta(hours=1)
LOG = make_log()
on_both = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def fill(store: Store) -> None:
    """Write the log once for each database: hypothesis asks the same one again."""
    async with store.transaction() as transaction:
        await log.append(transaction, LOG, LATER)


async def asked(store: Store, wanted: EventFilter, limit: int) -> tuple[list[ReceivedEvent], set[int]]:
    """All events that match, as its pages give them, and the totals that the pages say."""
    page = await listing.first_page(store, wanted, limit, LATER)
    events, totals = list(page.events), {page.total}
    while page.next is not None:
        assert len(page.events) == limit
        page = await page_of_token(store, page.next.token)
        events += page.events
        totals.add(page.total)
    return events, totals


def expected(wanted: EventFilter) -> list[Event]:
    """The same by hand; events of one moment are in the order in which they were written."""
    test = compile_filter(wanted)
    descending = wanted.order is EventOrder.DESC
    found = sorted((event for event in LOG if test(event)), key=lambda event: (event.occurred, event.id.int))
    ordered = found[::-1] if descending else found
    if wanted.resource is None or not wanted.resource.distinct:
        return ordered
    first = {event.resource[RESOURCE_ID]: event for event in reversed(ordered)}
    return [event for event in ordered if first[event.resource[RESOURCE_ID]] is event]


@pytest.mark.parametrize("few", [lookups.FEW_ROWS, 30])
@on_both
@given(criteria=criteria)
async def test_a_filter_finds_what_the_predicate_allows_in_pages_that_fit_together(
    store: Store, criteria: dict[str, Any], few: int
) -> None:
    """Wherever it begins: few resources are looked up, of many the log is walked."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lookups, "FEW_ROWS", few)
        await check_pages(store, criteria)


async def check_pages(store: Store, criteria: dict[str, Any]) -> None:
    await fill(store)
    wanted = msgspec.convert(criteria, EventFilter)
    found, totals = await asked(store, wanted, 9)
    matching = expected(wanted)
    assert [event.id.int for event in found] == [event.id.int for event in matching]
    assert totals == {len(matching)}


@on_both
@given(
    criteria=criteria, unit=sampled_from([TimeUnit.SECOND, TimeUnit.MINUTE, TimeUnit.HOUR]), interval=floats(0.5, 30)
)
async def test_counts_by_time_are_of_the_events_that_a_filter_finds(
    store: Store, criteria: dict[str, Any], unit: TimeUnit, interval: float
) -> None:
    await fill(store)
    wanted = msgspec.convert(criteria | within(criteria), EventFilter)
    asked = EventCountRequest(filter=wanted, time_unit=unit, time_interval=interval)
    spans = await counting.count(store, Countable.TIME, asked, LATER)
    test = compile_filter(wanted)
    found = [event.occurred for event in LOG if test(event)]
    assert [span.count for span in spans] == [
        sum(span.start_time <= moment <= span.end_time for moment in found) for span in spans
    ]
    # A window that ends where a span would begin holds no more of it than that moment.
    assert sum(span.count for span in spans) >= sum(moment < wanted.occurred.until for moment in found)


@on_both
@given(criteria=criteria)
async def test_counts_by_name_and_resource_are_of_the_events_that_a_filter_finds(
    store: Store, criteria: dict[str, Any]
) -> None:
    await fill(store)
    wanted = msgspec.convert(criteria | within(criteria), EventFilter)
    test = compile_filter(wanted)
    found = sorted((event for event in LOG if test(event)), key=lambda event: (event.occurred, event.id.int))
    asked = EventCountRequest(filter=wanted)
    by_name = await counting.count(store, Countable.EVENT, asked, LATER)
    by_resource = await counting.count(store, Countable.RESOURCE, asked, LATER)
    assert {each.value: each.count for each in by_name} == Counter(event.event for event in found)
    assert {each.value: each.count for each in by_resource} == Counter(event.resource[RESOURCE_ID] for event in found)
    for counts in (by_name, by_resource):
        assert counts == sorted(counts, key=lambda each: (-each.count, each.label))
    for each in by_resource:
        own = [event for event in found if event.resource[RESOURCE_ID] == each.value]
        assert (each.start_time, each.end_time) == (own[0].occurred, own[-1].occurred)


def within(criteria: dict[str, Any]) -> dict[str, Any]:
    """The times of a filter that says none, so that there are no more spans than are allowed."""
    window = {"since": (NOON - timedelta(minutes=1)).isoformat(), "until": (NOON + timedelta(minutes=1)).isoformat()}
    return {"occurred": window | criteria.get("occurred", {})}
