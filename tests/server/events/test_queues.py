"""The queues: what is shown of them adds up, whatever events went through."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.rules.retention import Retention
from headrace.server.events import retention
from headrace.server.events.arrivals import Arrival, Refusal
from headrace.server.events.log import logged
from headrace.server.events.persister import EventPersister
from headrace.server.store.base import Statement, Store
from headrace.settings import Settings
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.events.consumers.handled import Rig, happening, write
from tests.server.events.logged import make_event


async def queues(api: Api) -> Any:
    answer = await api.get("/x/queues")
    assert answer.status == 200
    return answer.json


async def test_an_empty_server_has_empty_queues(api: Api) -> None:
    told = await queues(api)
    assert told["ingest"] == {
        "depth": 0,
        "oldest_age": None,
        "accepted": 0,
        "persisted": 0,
        "duplicates": 0,
        "quarantined": 0,
    }
    assert (told["log"]["persisted"], told["log"]["events"], told["log"]["ended"]) == (0, 0, 0)
    assert (told["consumers"], told["kept_aside"]) == ([], {})


async def test_what_was_accepted_is_persisted_there_already_or_quarantined(
    api: Api, store: Store, database_settings: Settings
) -> None:
    async with EventPersister.running(store, database_settings) as services:
        [persister] = [one for one in services if isinstance(one, EventPersister)]
        await persister.handle([Arrival(logged(make_event(number))) for number in (1, 2, 1)])
        await persister.handle([Refusal("no JSON", b"{")])
        told = await queues(api)
    assert {name: told["ingest"][name] for name in ("accepted", "persisted", "duplicates", "quarantined")} == {
        "accepted": 4,
        "persisted": 2,
        "duplicates": 1,
        "quarantined": 1,
    }
    assert told["kept_aside"] == {"ingest": 1}


async def test_depth_and_oldest_age_are_of_what_a_consumer_has_not_handled(api: Api, store: Store) -> None:
    rig = Rig(store)
    await write(store, happening("a"))
    await rig.run()
    before = (await queues(api))["consumers"][0]
    assert (before["name"], before["depth"], before["oldest_age"], before["handled"]) == ("tester", 0, None, 1)
    await write(store, happening("b"), happening("c"), received=now() - timedelta(minutes=5))
    after = (await queues(api))["consumers"][0]
    assert after["cursor"] == before["cursor"]
    assert after["depth"] == 2
    assert after["oldest_age"] == pytest.approx(300, abs=60)


_TABLES = (
    "configuration",
    "events",
    "event_resources",
    "event_consumers",
    "event_followers",
    "event_quarantine",
    "log_trims",
)
_KINDS = st.lists(st.sampled_from(["plain", "lost leader", "refused", "run", "trim"]), max_size=12)


@given(steps=_KINDS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_event_is_handled_ahead_parked_or_quarantined(api: Api, store: Store, steps: list[str]) -> None:
    for table in _TABLES:
        await store.execute(Statement(f"DELETE FROM {table}"))
    rig = Rig(store)
    rig.writer.refused = {f"refused {number}" for number in range(len(steps))}
    await rig.run()
    sent = 0
    for step in steps:
        match step:
            case "run":
                await rig.run()
            case "trim":
                await retention.trim(store, Retention(7 * 86_400, prefixes={"": 1e-9}), now() + timedelta(hours=1))
            case _:
                follows = happening("never sent") if step == "lost leader" else None
                await write(store, happening(f"{step} {sent}", follows))
                sent += 1
        told = await queues(api)
        [consumer] = told["consumers"]
        assert told["log"]["persisted"] == told["log"]["events"] + told["log"]["ended"] == sent
        assert sum(consumer[part] for part in ("handled", "depth", "parked", "quarantined")) == sent
