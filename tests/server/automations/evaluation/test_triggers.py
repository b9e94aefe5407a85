"""The events of the log go by the triggers of automations once, and what fires is written with them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from headrace.server.automations.evaluation.triggers import Triggers
from headrace.server.events.quarantine import replaying
from headrace.server.services.base import Service
from headrace.server.store import make_store
from headrace.server.store.base import Dialect, Statement
from headrace.settings import Settings
from headrace.wire.quarantine import QuarantineSelection
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.automations.evaluation.watching import Server, event, log_at

BEAT: dict[str, Any] = {"expect": ["beat", "end"], "after": ["beat"], "posture": "Proactive", "within": 10}
EACH = {"for_each": ["prefect.resource.id"]}


@pytest.fixture
def server(api: Api, database_settings: Settings) -> Server:
    return Server(api, database_settings)


async def count(server: Server, table: str) -> int:
    row = await server.store.fetch_one(Statement(f"SELECT count(*) FROM {table}"))
    assert row is not None
    return row[0]


async def test_an_automation_fires_at_the_events_it_expects(server: Server) -> None:
    made = await server.automation(expect=["a"], match={"prefect.resource.id": "thing.*"}, **EACH)
    await server.send("a", "b")
    await server.send("a", resource="other.1")
    await server.send("a", resource="thing.2")
    await server.settle()
    assert await server.fired(made) == [('["thing.1"]', "a"), ('["thing.2"]', "a")]


async def test_events_from_before_an_automation_was_made_are_not_its_own(server: Server) -> None:
    await server.send("a", "a")
    made = await server.automation(expect=["a"])
    await server.send("a")
    await server.settle()
    assert await server.names(made) == ["a"]


async def test_changes_of_automations_count_for_every_event_after_them(server: Server) -> None:
    made = await server.automation(expect=["a"])
    await server.send("a")
    await server.settle()
    await server.api.patch(f"/automations/{made['id']}", {"enabled": False})
    await server.send("a")
    await server.settle()
    await server.api.patch(f"/automations/{made['id']}", {"enabled": True})
    await server.send("a")
    await server.settle()
    await server.api.delete(f"/automations/{made['id']}")
    await server.send("a")
    await server.settle()
    assert await server.names(made) == ["a", "a"]


async def test_a_count_outlives_the_server(server: Server, database_settings: Settings) -> None:
    made = await server.automation(expect=["a"], threshold=3, within=60, **EACH)
    for _ in range(3):
        assert await server.names(made) == []
        await server.send("a")
        await Server(server.api, database_settings).settle()
    assert await server.names(made) == ["a"]


async def test_keys_are_counted_apart_in_one_batch(server: Server) -> None:
    made = await server.automation(expect=["a"], threshold=2, within=60, **EACH)
    for resource in ("one", "two", "three", "two", "one"):
        await server.send("a", resource=resource)
    await server.settle()
    assert [key for key, _ in await server.fired(made)] == ['["two"]', '["one"]']


async def test_parts_of_a_trigger_outlive_the_server(server: Server, database_settings: Settings) -> None:
    parts = [{"type": "event", "posture": "Reactive", "expect": [name]} for name in "abc"]
    made = await server.automation("sequence", triggers=parts)
    for name in "abc":
        assert await server.names(made) == []
        await server.send(name)
        await Server(server.api, database_settings).settle()
    assert await server.names(made) == ["c"]
    assert await count(server, "automation_child_firings") == 0


async def test_a_sequence_sees_events_in_causal_order(server: Server) -> None:
    """Though the follower comes first."""
    parts = [{"type": "event", "posture": "Reactive", "expect": [name]} for name in "abc"]
    made = await server.automation("sequence", triggers=parts)
    first = event("a")
    second = event("b", follows=first.id)
    third = event("c", follows=second.id)
    for one in (third, second, first):
        await log_at(server.store, 0, one)
        await server.settle()
    assert await server.names(made) == ["c"]


async def test_what_fires_is_in_the_log_and_waits_for_its_actions(server: Server) -> None:
    made = await server.automation(expect=["a"])
    await server.send("a")
    await server.settle()
    rows = await server.store.fetch(Statement("SELECT status FROM automation_actions"))
    assert [tuple(row) for row in rows] == [("PENDING",)]
    rows = await server.store.fetch(Statement("SELECT event FROM events ORDER BY seq"))
    assert [row[0] for row in rows] == [
        "prefect.automation.created",
        "a",
        "prefect.automation.triggered",
        "prefect.automation.action.triggered",
    ]
    assert made["enabled"]


async def test_an_automation_can_fire_because_another_has(server: Server) -> None:
    first = await server.automation(expect=["a"])
    second = await server.automation(
        expect=["prefect.automation.triggered"], match={"prefect.resource.id": f"prefect.automation.{first['id']}"}
    )
    await server.send("a")
    await server.settle()
    assert await server.names(second) == ["prefect.automation.triggered"]


async def test_two_servers_make_an_automation_fire_once_for_each_event(
    server: Server, database_settings: Settings
) -> None:
    store = make_store(database_settings)
    await store.open()
    try:
        other = Server(server.api.over(store), database_settings)
        made = await server.automation(expect=["a"])
        for _ in range(5):
            await server.send(*["a"] * 5)
            await other.send(*["a"] * 5)
            await server.triggers.tick()
            await other.triggers.tick()
        await server.settle()
        await other.settle()
        assert len(await server.names(made)) == 50
    finally:
        await store.close()


async def test_without_automations_the_log_is_passed_over(server: Server) -> None:
    await server.send(*"abc")
    await server.settle()
    row = await server.store.fetch_one(Statement("SELECT handled FROM event_consumers WHERE name = 'triggers'"))
    assert row is not None
    assert row[0] == 3


async def test_an_event_that_cannot_be_read_is_set_aside_and_can_be_tried_again(server: Server) -> None:
    made = await server.automation(expect=["a"])
    await server.send("a", "a")
    await server.store.execute(
        Statement(
            "UPDATE events SET payload = $1 WHERE seq = (SELECT min(seq) FROM events WHERE event = 'a')",
        ),
        "[1]",
    )
    await server.settle()
    assert await server.names(made) == ["a"]
    row = await server.store.fetch_one(Statement("SELECT reason FROM event_quarantine"))
    assert row is not None
    assert row[0].startswith("triggers cannot read it: ")
    answer = await replaying.replay(server.store, QuarantineSelection())
    assert (answer.replayed, answer.failed) == (0, 1)
    await server.store.execute(Statement("UPDATE events SET payload = '{}' WHERE payload = '[1]'"))
    answer = await replaying.replay(server.store, QuarantineSelection())
    assert (answer.replayed, answer.failed) == (1, 0)
    assert await server.names(made) == ["a", "a"]
    assert await count(server, "event_quarantine") == 0


async def heartbeat(server: Server) -> Any:
    return await server.automation(**BEAT, **EACH)


async def backdate(server: Server, seconds: float) -> None:
    """Let so much time have passed for all windows."""
    shift: Any = int(seconds * 1_000_000) if server.store.dialect is Dialect.SQLITE else timedelta(seconds=seconds)
    await server.store.execute(
        Statement(
            "UPDATE automation_buckets SET since = since - $1::interval, until = until - $1::interval",
            sqlite="UPDATE automation_buckets SET since = since - $1, until = until - $1",
        ),
        shift,
    )


async def test_an_event_that_fails_to_come_fires_once(server: Server) -> None:
    made = await heartbeat(server)
    await server.send("beat", resource="run.1")
    await server.send("beat", resource="run.2")
    await server.send("beat", "end", resource="run.3")
    await server.settle()
    assert not await server.proactive.tick()
    assert await server.fired(made) == []
    await backdate(server, 11)
    await server.proactive.tick()
    await server.proactive.tick()
    assert sorted(await server.fired(made)) == [('["run.1"]', "beat"), ('["run.2"]', "beat")]
    assert await count(server, "automation_buckets") == 0


async def test_time_goes_on_only_as_far_as_events_are_handled(server: Server) -> None:
    """What is expected may be among those that are not."""
    made = await heartbeat(server)
    await log_at(server.store, 60, event("beat", ago=60))
    await server.settle()
    await log_at(server.store, 55, event("end", ago=55))
    await server.proactive.tick()
    assert await server.names(made) == []
    await server.settle()
    await server.proactive.tick()
    assert await server.names(made) == []


async def test_a_trigger_without_keys_waits_from_the_beginning(server: Server) -> None:
    made = await server.automation(expect=["a"], posture="Proactive", within=10)
    await server.settle()
    await server.proactive.tick()
    assert await count(server, "automation_buckets") == 1
    await backdate(server, 11)
    await server.proactive.tick()
    await server.proactive.tick()
    assert await server.names(made) == [None]
    await server.send("a")
    await server.settle()
    await backdate(server, 11)
    await server.proactive.tick()
    assert await server.names(made) == [None]


async def test_two_servers_tell_of_a_missing_event_once(server: Server, database_settings: Settings) -> None:
    store = make_store(database_settings)
    await store.open()
    try:
        other = Server(server.api.over(store), database_settings)
        made = await heartbeat(server)
        await server.send("beat")
        await server.settle()
        await backdate(server, 11)
        await other.proactive.tick()
        await server.proactive.tick()
        assert await server.names(made) == ["beat"]
    finally:
        await store.close()


async def test_windows_that_cannot_fire_any_more_are_forgotten(server: Server) -> None:
    await server.automation(expect=["a"], threshold=5, within=1)
    await server.send("a")
    await server.settle()
    await server.proactive.tick()
    assert await count(server, "automation_buckets") == 1
    await backdate(server, 3600)
    await server.proactive.tick()
    assert await count(server, "automation_buckets") == 0


async def test_the_services_of_a_server_do_it_by_themselves(server: Server, database_settings: Settings) -> None:
    made = await server.automation(expect=["a"])
    async with Service.running(server.store, database_settings):
        assert Triggers.of(server.store) is not None
        await server.send("a")
        listener = server.store.announced(server.triggers.topic)  # type: ignore[arg-type]
        deadline = now() + timedelta(seconds=30)
        while not await server.names(made):
            assert now() < deadline
            await listener.wait(1)
    assert UUID(made["id"])
