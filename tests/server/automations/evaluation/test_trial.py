"""`POST /x/automations/test`: what a trigger would have done over the last days."""

import asyncio
from typing import Any

import pytest

from headrace.server.automations.evaluation import trial
from headrace.server.store.base import Statement
from headrace.settings import Settings
from tests.server.api import Api, Json
from tests.server.automations.evaluation.watching import Server, event, log_at

EACH = ["prefect.resource.id"]


@pytest.fixture
def server(api: Api, database_settings: Settings) -> Server:
    return Server(api, database_settings)


def reactive(**fields: Any) -> Json:
    return {"type": "event", "posture": "Reactive", **fields}


async def tried(server: Server, **body: Json) -> Json:
    answer = await server.api.post("/x/automations/test", body)
    assert answer.status == 200, answer.json
    return answer.json


async def test_it_tells_when_and_because_of_which_events(server: Server) -> None:
    first, second, other = event("a", "run.1", ago=50), event("a", "run.1", ago=40), event("b", ago=30)
    await log_at(server.store, 20, other, second, first)
    wanted = reactive(expect=["a"], threshold=2, within=60, for_each=EACH)
    told = await tried(server, trigger=wanted)
    assert (told["events"], told["matched"], told["count"], told["notice"]) == (2, 2, 1, None)
    (firing,) = told["firings"]
    assert firing["labels"] == {"prefect.resource.id": "run.1"}
    assert firing["events"] == [str(second.id), str(first.id)]
    assert firing["reason"] == "a was the last of 2 events within 60 s"


async def test_an_automation_is_tried_by_its_id_and_nothing_is_written(server: Server) -> None:
    made = await server.automation(expect=["a"])
    await log_at(server.store, 0, event("a", ago=10))
    before = await server.store.fetch(Statement("SELECT count(*) FROM events"))
    told = await tried(server, automation_id=made["id"])
    assert told["count"] == 1
    assert await server.store.fetch(Statement("SELECT count(*) FROM events")) == before
    assert await server.names(made) == []


async def test_only_the_last_days_are_looked_at(server: Server) -> None:
    await log_at(server.store, 0, event("a", ago=3 * 86_400), event("a", ago=10))
    assert (await tried(server, trigger=reactive(expect=["a"]), days=1))["count"] == 1
    assert (await tried(server, trigger=reactive(expect=["a"]), days=4))["count"] == 2


async def test_events_that_failed_to_come_are_told(server: Server) -> None:
    await log_at(server.store, 0, event("beat", "run.1", ago=100), event("beat", "run.2", ago=5))
    wanted = reactive(expect=["beat"], after=["beat"], within=30, for_each=EACH) | {"posture": "Proactive"}
    told = await tried(server, trigger=wanted)
    assert [firing["labels"]["prefect.resource.id"] for firing in told["firings"]] == ["run.1"]


async def test_a_long_log_is_read_in_pages(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_PAGE", 7)
    await log_at(server.store, 0, *(event("a", ago=number) for number in range(30)))
    assert (await tried(server, trigger=reactive(expect=["a"])))["count"] == 30
    assert (await tried(server, trigger=reactive(expect=[], match={"prefect.resource.id": "x"})))["events"] == 30


async def test_it_says_so_when_not_all_was_looked_at(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_PAGE", 10)
    monkeypatch.setattr(trial, "MOST_EVENTS", 10)
    await log_at(server.store, 0, *(event("a", ago=60 + number) for number in range(30)))
    told = await tried(server, trigger=reactive(expect=["a"]))
    assert told["count"] == 10
    assert told["notice"].startswith("Only the events until ")
    monkeypatch.setattr(trial, "MOST_EVENTS", 1_000)
    monkeypatch.setattr(trial, "MOST_FIRINGS", 5)
    told = await tried(server, trigger=reactive(expect=["a"]))
    assert (told["count"], len(told["firings"])) == (30, 5)
    assert told["notice"] == "Only the first 5 of 30 firings are told."


async def test_others_have_their_turn_meanwhile(server: Server) -> None:
    await log_at(server.store, 0, *(event("a", ago=1 + number) for number in range(500)))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await tried(server, trigger=reactive(expect=["a"]))
    counting.cancel()
    assert turns >= 5


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"trigger": reactive(), "automation_id": "01a20351-3688-7c10-9702-b588fc14284c"}, 422),
        ({"automation_id": "01a20351-3688-7c10-9702-b588fc14284c"}, 404),
        ({"trigger": reactive(), "days": 0}, 422),
        ({"trigger": reactive(), "days": 365}, 422),
        ({"trigger": {"type": "metric"}}, 422),
        ({"trigger": reactive(), "dayz": 1}, 422),
    ],
)
async def test_what_cannot_be_tried_is_refused(server: Server, body: Json, status: int) -> None:
    assert (await server.api.post("/x/automations/test", body)).status == status
