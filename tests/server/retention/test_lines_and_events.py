"""Log lines and events that are old enough go for good, batch by batch, and nothing else does."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from headrace.server.events.log import append
from headrace.server.events.persister import EventPersister
from headrace.server.logs import retention as lines
from headrace.server.logs import service as logs
from headrace.server.retention.keeper import RetentionKeeper
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.wire.logs import LogCreate
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.events.logged import make_event

DAY = 86_400.0
_MESSAGES = Statement("SELECT message FROM logs ORDER BY timestamp, id")
_EVENTS = Statement("SELECT event FROM events ORDER BY event")


async def line(store: Store, message: str, *, days: float, level: int = 20) -> None:
    """A line of so many days ago."""
    at = now() - timedelta(days=days)
    await logs.create(store, [LogCreate(name="x", level=level, message=message, timestamp=at, flow_run_id=uuid4())], at)


async def messages(store: Store) -> list[str]:
    return [row[0] for row in await store.fetch(_MESSAGES)]


async def put(api: Api, name: str, **policy: float) -> None:
    assert (await api.call("PUT", f"/x/retention/policies/{name}", policy)).status == 200


async def run(api: Api, *names: str) -> list[dict[str, object]]:
    return (await api.post("/x/retention/run", {"names": names or None})).json


async def policy(api: Api, name: str) -> dict[str, object]:
    return (await api.get(f"/x/retention/policies/{name}")).json


async def test_lines_of_a_level_with_a_policy_of_its_own_go_by_that_one(api: Api, store: Store) -> None:
    for level, name in ((5, "trace"), (10, "debug"), (20, "info"), (35, "loud"), (50, "dead")):
        await line(store, f"old {name}", days=40, level=level)
        await line(store, f"new {name}", days=2, level=level)
    await put(api, "logs", max_age=30 * DAY)
    await put(api, "logs.debug", max_age=DAY)
    await put(api, "logs.critical", max_age=90 * DAY)
    assert [(done["name"], done["removed"], done["more"]) for done in await run(api)] == [
        ("logs", 2, False),
        ("logs.critical", 0, False),
        ("logs.debug", 4, False),
    ]
    assert await messages(store) == ["old dead", "new info", "new loud", "new dead"]
    found = await policy(api, "logs.debug")
    assert (found["last_removed"], found["removed"], found["started"]) == (4, 4, None)
    assert found["last_run"] is not None


async def test_lines_go_in_stretches_and_a_stretch_of_one_moment_is_passed_too(
    api: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "BATCH", 2)
    at = now() - timedelta(days=40)
    same = [LogCreate(name="x", level=20, message=str(n), timestamp=at, flow_run_id=uuid4()) for n in range(5)]
    await logs.create(store, same, at)
    for number in range(5):
        await line(store, f"later {number}", days=39 - number, level=10 + 10 * (number % 2))
    await line(store, "kept", days=1)
    await put(api, "logs.info", max_age=30 * DAY)
    assert (await run(api))[0]["removed"] == 7
    assert await messages(store) == ["later 0", "later 2", "later 4", "kept"]


async def test_a_run_goes_on_where_it_stopped(
    api: Api, store: Store, database_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "BATCH", 1)
    monkeypatch.setattr("headrace.server.retention.running.BUDGET", 0.0)
    for number in range(4):
        await line(store, str(number), days=40 - number)
    await put(api, "logs.info", max_age=30 * DAY)
    keeper = RetentionKeeper(store, database_settings)
    assert await keeper.tick(), "there is more"
    assert await messages(store) == ["1", "2", "3"]
    assert (await policy(api, "logs.info"))["started"] is not None
    while await keeper.tick():
        pass
    assert await messages(store) == []
    found = await policy(api, "logs.info")
    assert (found["started"], found["last_removed"], found["removed"]) == (None, 4, 4)


async def test_lines_that_come_late_and_those_that_another_policy_was_for_are_found(api: Api, store: Store) -> None:
    await put(api, "logs.info", max_age=30 * DAY)
    await put(api, "logs.error", max_age=90 * DAY)
    await run(api)
    await line(store, "late", days=30.5)
    await line(store, "error", days=80, level=40)
    assert [done["removed"] for done in await run(api, "logs.info")] == [1]
    assert await messages(store) == ["error"]
    await put(api, "logs.error", max_age=70 * DAY)
    assert [done["removed"] for done in await run(api)] == [1, 0]


async def test_the_service_runs_a_policy_soon_and_then_once_in_a_while(
    api: Api, store: Store, database_settings: Settings
) -> None:
    await put(api, "logs", max_age=30 * DAY)
    keeper = RetentionKeeper(store, database_settings)
    await line(store, "first", days=40)
    assert not await keeper.tick()
    await line(store, "second", days=40)
    assert not await keeper.tick()
    assert await messages(store) == ["second"]
    await store.execute(Statement("UPDATE retention_policies SET last_run = $1"), now() - timedelta(hours=1))
    assert not await keeper.tick()
    assert await messages(store) == []


async def test_a_preview_of_lines_and_events_counts_what_is_due_and_removes_nothing(api: Api, store: Store) -> None:
    for days in (40, 35, 1):
        await line(store, "x" * 100, days=days)
        await event(store, "deed.done", days=days)
        await event(store, "other", days=days)
    drafts = [
        {"name": "logs", "max_age": 30 * DAY},
        {"name": "logs.error", "max_age": DAY},
        {"name": "events.deed", "max_age": 37 * DAY},
    ]
    found = (await api.post("/x/retention/preview", {"policies": drafts})).json
    assert [(one["name"], one["total"], one["undoable"], one["capped"]) for one in found] == [
        ("logs", 2, False, False),
        ("logs.error", 0, False, False),
        ("events.deed", 1, False, False),
    ]
    assert found[0]["rows"] == {"logs": 2}
    assert 400 < found[0]["bytes"] < 2_000
    oldest = datetime.fromisoformat(found[0]["oldest"])
    assert abs(oldest - (now() - timedelta(days=40))) < timedelta(minutes=1)
    assert len(await messages(store)) == 3
    assert len(await store.fetch(_EVENTS)) == 6


async def event(store: Store, name: str, *, days: float) -> None:
    """An event of so many days ago."""
    at = now() - timedelta(days=days)
    made = make_event(uuid4().int >> 96, event=name)
    made.occurred = at
    async with store.transaction() as transaction:
        await append(transaction, [made], at)


async def test_policies_for_events_come_before_the_settings_longer_or_shorter(
    api: Api, store: Store, database_settings: Settings
) -> None:
    for days in (20, 3):
        for name in ("deed.done", "deed.small", "other"):
            await event(store, name, days=days)
    persister = EventPersister(store, database_settings)
    await put(api, "events", max_age=365 * DAY)
    assert not await persister.tick()
    assert len(await store.fetch(_EVENTS)) == 6, "a week is what the settings say"
    await put(api, "events.deed", max_age=10 * DAY)
    await put(api, "events.deed.small", max_age=DAY)
    assert not await persister.tick()
    assert [row[0] for row in await store.fetch(_EVENTS)] == ["deed.done", "other", "other"]
    small, deed = await policy(api, "events.deed.small"), await policy(api, "events.deed")
    assert [(one["last_removed"], one["removed"]) for one in (small, deed)] == [(2, 2), (1, 1)]


async def test_events_are_ended_at_once_when_asked(api: Api, store: Store) -> None:
    await event(store, "deed.done", days=3)
    await put(api, "events.deed", max_age=2 * DAY)
    assert [(done["removed"], done["more"]) for done in await run(api)] == [(1, False)]
    assert await store.fetch(_EVENTS) == []
