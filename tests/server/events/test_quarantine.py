"""What cannot be taken in is kept aside with its reason, alone, and can be tried again or dropped."""

import logging
from typing import Any
from uuid import UUID

import msgspec
import pytest

from headrace.server.context import Context
from headrace.server.events import arrivals, writing
from headrace.server.events.arrivals import Arrival, Refusal
from headrace.server.events.ingest import ingest
from headrace.server.events.quarantine import replaying, service
from headrace.server.events.quarantine.entries import Entry
from headrace.server.store.base import Connection, Dialect, Statement, Store
from headrace.settings import Settings
from headrace.wire.errors import InternalError
from headrace.wire.quarantine import QuarantineSelection
from headrace.wire.times import now
from tests.server.api import Api
from tests.server.events.frames import Sender
from tests.server.events.logged import make_event, numbers
from tests.server.events.reported import event

X = "/x/events/quarantine"
ONE = UUID(int=1001)


def told(number: int, **fields: Any) -> dict[str, Any]:
    """An event as its JSON says it."""
    return {
        "id": str(UUID(int=number)),
        "occurred": "2026-01-01T00:00:00Z",
        "event": "made",
        "resource": {"prefect.resource.id": f"r.{number}"},
    } | fields


def frame(number: int, **fields: Any) -> str:
    return msgspec.json.encode(told(number, **fields)).decode()


async def send(store: Store, settings: Settings, *frames: str | bytes) -> None:
    await ingest(Context(store, settings), Sender(frames))


async def kept(api: Api, **wanted: Any) -> list[Any]:
    answer = await api.post(f"{X}/filter", wanted)
    assert answer.status == 200
    return answer.json


DEEP = '{"a":' * 151 + "1" + "}" * 151
POISON: dict[str, tuple[str | bytes, str]] = {
    "no JSON": ("{", "truncated"),
    "empty": ("", "truncated"),
    "a number": ("7", "Expected `object`"),
    "no id": ('{"event": "made"}', "missing required field `id`"),
    "another id": (frame(9, id="x"), "Invalid UUID"),
    "no resource": (frame(9, resource={"a": "b"}), "the resource has no prefect.resource.id"),
    "no role": (frame(9, related=[{"prefect.resource.id": "r"}]), "has no prefect.resource.role"),
    "not UTF-8": (frame(9, payload={"a": "é"}).encode().replace("é".encode(), b"\xff"), "utf-8"),
    "bytes of nothing": (b"\xff\x00", "malformed"),
    "a payload of text": (frame(9, payload="text"), "not an object"),
    "a lone surrogate": (frame(9, payload={"a": "S"}).replace('"S"', '"\\ud800"'), "surrogate"),
    "too deep": (frame(9, payload={"a": "D"}).replace('"D"', DEEP), "nested in more than 150 levels"),
    "much too deep": ('{"payload":' + '{"a":' * 10_000, "recursion"),
    "too large": (frame(9, payload={"a": "x" * 2_000_000}), "more than the 1,500,000"),
    "a name too long": (frame(9, event="e" * 1025), "length <= 1024"),
    "an impossible time": (frame(9, occurred="0001-01-01T00:00:00+02:00"), "outside the years"),
}


@pytest.mark.parametrize("case", POISON)
async def test_a_frame_that_is_no_event_is_kept_aside_as_it_came_and_its_neighbours_are_written(
    api: Api, store: Store, database_settings: Settings, case: str
) -> None:
    poison, reason = POISON[case]
    await send(store, database_settings, frame(1), poison, frame(2))
    assert await numbers(store) == [1, 2]
    [entry] = await kept(api)
    assert (entry["consumer"], entry["seq"]) == (None, None)
    assert reason in entry["reason"]
    assert entry["bytes"] == len(poison.encode() if isinstance(poison, str) else poison)
    assert (await service.read(store, UUID(entry["id"]))).body == (
        poison.encode() if isinstance(poison, str) else poison
    )


@pytest.mark.parametrize("case", ["no resource", "no role", "a payload of text", "too deep", "a name too long"])
async def test_a_request_with_an_event_that_is_none_is_refused_as_a_whole(api: Api, store: Store, case: str) -> None:
    poison = POISON[case][0]
    assert isinstance(poison, str)
    answer = await api.post("/events", f"[{frame(1)},{poison}]".encode())
    assert answer.status == 422
    assert answer.json["exception_detail"][0]["loc"][:2] == ["body", 1]
    assert await numbers(store) == []
    assert await kept(api) == []


async def test_of_what_is_very_long_the_beginning_is_shown(api: Api, store: Store, database_settings: Settings) -> None:
    await send(store, database_settings, "é" * 1_000_000)
    [entry] = await kept(api)
    assert (entry["body"], entry["bytes"]) == ("é" * 5_000, 2_000_000)


async def test_the_id_and_name_of_an_event_are_told_where_they_can_be_read(
    api: Api, store: Store, database_settings: Settings
) -> None:
    await send(store, database_settings, frame(9, resource={}))
    [entry] = await kept(api)
    assert (UUID(entry["event_id"]).int, entry["event"]) == (9, "made")


async def test_a_frame_that_comes_again_is_kept_once(api: Api, store: Store, database_settings: Settings) -> None:
    await send(store, database_settings, "{", "{")
    await send(store, database_settings, "{")
    assert len(await kept(api)) == 1


async def test_what_the_database_refuses_is_found_by_halves_and_kept_aside_alone(
    api: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [Arrival(arrivals.logged(make_event(number))) for number in range(1, 10)]
    refusing(monkeypatch, {3, 8})
    outcome = await writing.persist(store, events)
    assert (outcome.persisted, outcome.duplicates, outcome.quarantined) == (7, 0, 2)
    assert await numbers(store) == [1, 2, 4, 5, 6, 7, 9]
    entries = await kept(api)
    assert sorted(UUID(entry["event_id"]).int for entry in entries) == [3, 8]
    assert {entry["reason"] for entry in entries} == {"The database refused a statement: no."}
    monkeypatch.undo()
    replayed = await api.post(f"{X}/replay", {"ids": [entries[0]["id"]]})
    assert replayed.json == {"replayed": 1, "failed": 0}
    assert len(await numbers(store)) == 8
    assert len(await kept(api)) == 1


async def test_an_event_that_only_one_database_can_keep_is_kept_aside_by_the_other_alone(
    api: Api, store: Store
) -> None:
    """PostgreSQL finds no place in an index for a name so long."""
    long = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(3_000))
    events = [told(1), told(2, resource={"prefect.resource.id": long}), told(3)]
    assert (await api.post("/events", events)).status == 204
    if store.dialect is Dialect.SQLITE:
        assert await numbers(store) == [1, 2, 3]
    else:
        assert await numbers(store) == [1, 3]
        [entry] = await kept(api)
        assert (UUID(entry["event_id"]).int, "index row" in entry["reason"]) == (2, True)
        assert msgspec.json.decode(entry["body"])["resource"] == events[1]["resource"]


def refusing(monkeypatch: pytest.MonkeyPatch, refused: set[int]) -> None:
    """A log that takes all events but these."""

    async def append(transaction: Connection, events: list[Any], received: Any) -> int:
        if any(event.id.int in refused for event in events):
            raise InternalError("The database refused a statement: no.")
        return await kept_append(transaction, events, received)

    kept_append = writing.append
    monkeypatch.setattr(writing, "append", append)


async def test_a_task_runs_event_that_cannot_be_recorded_is_in_the_log_and_kept_aside_for_the_recorder(
    api: Api, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    broken = event(1, ONE, None, task_run={"run_count": "many"})
    with caplog.at_level(logging.WARNING, "headrace.server.events"):
        assert (await api.post("/events", [broken])).status == 204
    assert await numbers(store) == [1]
    [entry] = await kept(api, consumer="task-run-recorder")
    assert (UUID(entry["event_id"]).int, entry["event"]) == (1, "prefect.task-run.Running")
    assert "run_count" in entry["reason"]
    assert msgspec.json.decode(entry["body"])["payload"] == broken["payload"]
    assert (await api.post(f"{X}/replay", {})).json == {"replayed": 0, "failed": 1}
    await store.execute(
        Statement("UPDATE event_quarantine SET body = $1"),
        entry["body"].replace('"many"', "1").encode(),
    )
    assert (await api.post(f"{X}/replay", {})).json == {"replayed": 1, "failed": 0}
    assert (await api.get(f"/task_runs/{ONE}")).json["run_count"] == 1
    assert await kept(api) == []


async def test_a_replay_that_fails_again_says_the_new_reason(api: Api, store: Store) -> None:
    async with store.transaction() as transaction:
        await service.add(transaction, [entry(b"{", reason="old"), entry(frame(1).encode(), reason="old")], now())
        await service.add(transaction, [entry(b"", consumer="nobody")], now())
    assert (await api.post(f"{X}/replay", {"consumer": "ingest"})).json == {"replayed": 1, "failed": 1}
    assert await numbers(store) == [1]
    assert ["truncated" in one["reason"] for one in await kept(api, consumer="ingest")] == [True]
    assert (await api.post(f"{X}/replay", {"consumer": "nobody"})).json == {"replayed": 0, "failed": 1}
    assert ["'nobody'" in one["reason"] for one in await kept(api, consumer="nobody")] == [True]


def entry(body: bytes, *, consumer: str | None = None, reason: str = "") -> Entry:
    return Entry(consumer, None, None, None, reason, body)


async def test_they_are_listed_latest_first_counted_and_dropped_by_id_and_consumer(api: Api, store: Store) -> None:
    async with store.transaction() as transaction:
        for number in range(3):
            await service.add(transaction, [entry(b"%d" % number)], now())
        await service.add(transaction, [entry(b"of another", consumer="triggers")], now())
    assert [one["body"] for one in await kept(api, limit=3)] == ["of another", "2", "1"]
    assert [one["body"] for one in await kept(api, offset=3)] == ["0"]
    assert (await api.post(f"{X}/count", {})).json == 4
    assert (await api.post(f"{X}/count", {"consumer": "ingest"})).json == 3
    ids = [one["id"] for one in await kept(api, consumer="ingest")]
    assert (await api.post(f"{X}/drop", {"ids": ids[:1]})).json == 1
    assert (await api.post(f"{X}/drop", {"ids": ids, "consumer": "triggers"})).json == 0
    assert (await api.post(f"{X}/drop", {"consumer": "ingest"})).json == 2
    assert [one["body"] for one in await kept(api)] == ["of another"]
    assert (await api.post(f"{X}/drop")).status == 422


async def test_an_entry_that_is_dropped_meanwhile_is_passed_by_a_replay(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> list[UUID]:
        return [UUID(int=1)]

    monkeypatch.setattr(service, "ids", gone)
    answer = await replaying.replay(store, QuarantineSelection())
    assert (answer.replayed, answer.failed) == (0, 0)


def test_what_is_kept_of_an_event_is_what_came() -> None:
    body = frame(
        1,
        payload={"b": 1, "a": {"z": [1.5, None]}},
        related=[{"prefect.resource.id": "r", "prefect.resource.role": "x"}],
    )
    arrival = arrivals.read(body)
    assert isinstance(arrival, Arrival)
    again = arrivals.read(arrival.body())
    assert again == arrival
    assert not isinstance(again, Refusal)
