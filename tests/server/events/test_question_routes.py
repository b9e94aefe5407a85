"""`/events/filter`, its next pages, and `/events/count-by`: what is answered, and what is refused."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import compress

import msgspec
import pytest

from headrace.server.events import log
from headrace.wire.events import Event
from headrace.wire.times import now
from tests.server.api import Api

MONDAY = datetime(2024, 6, 3, tzinfo=UTC)


async def happen(api: Api, *numbers: int, at: datetime, every: timedelta = timedelta(0), **fields: Any) -> None:
    """Write events of these numbers, which are their ids, one after the other."""
    events = [
        msgspec.convert(
            {
                "id": UUID(int=number),
                "occurred": at + every * place,
                "event": "made",
                "resource": {"prefect.resource.id": "r.1"},
            }
            | fields,
            Event,
        )
        for place, number in enumerate(numbers)
    ]
    async with api.store.transaction() as transaction:
        await log.append(transaction, events, now())


def numbers(page: Any) -> list[int]:
    return [UUID(event["id"]).int for event in page["events"]]


async def following(api: Api, page: Any) -> Any:
    """The page that one names as its next."""
    path, _, query = page["next_page"].partition("?")
    answered = await api.get(path, query)
    assert answered.status == 200, answered.json
    return answered.json


async def test_an_event_comes_back_as_it_was_sent_and_with_the_time_it_was_received(api: Api) -> None:
    sent = {
        "id": "0198a000-0000-7000-8000-000000000001",
        "occurred": (now() - timedelta(minutes=1)).isoformat().replace("+00:00", "Z"),
        "event": "brew.started",
        "resource": {"prefect.resource.id": "kettle.1", "color": "red"},
        "related": [{"prefect.resource.id": "kitchen", "prefect.resource.role": "place"}],
        "payload": {"z": 1, "a": {"deep": [True, None, "ü"]}, "big": 12345678901234567890123},
        "follows": "0198a000-0000-7000-8000-000000000000",
    }
    before = now()
    assert (await api.post("/events", [sent])).status == 204
    page = (await api.post("/events/filter", {})).json
    [event] = page["events"]
    assert before <= datetime.fromisoformat(event.pop("received")) <= now()
    assert event == sent
    assert list(event["payload"]) == ["z", "a", "big"]
    assert (page["total"], page["next_page"]) == (1, None)


async def test_pages_neither_shift_nor_repeat_when_events_come_in_meanwhile(api: Api) -> None:
    start = now() - timedelta(hours=1)
    await happen(api, *range(1, 8), at=start, every=timedelta(minutes=1))
    first = (await api.post("/events/filter", {"limit": 3})).json
    await happen(api, 8, at=now())
    await happen(api, 9, at=start)
    second = await following(api, first)
    third = await following(api, second)
    assert [numbers(page) for page in (first, second)] == [[7, 6, 5], [4, 3, 2]]
    assert numbers(third) == [9, 1], "an event of the past, which no page has passed yet, is in its place"
    assert third["next_page"] is None
    assert {page["total"] for page in (first, second, third)} == {7}


async def test_the_first_of_each_resource_is_found_and_resources_are_counted(api: Api) -> None:
    start = now() - timedelta(hours=1)
    for resource, ids in (("r.1", (1, 2, 3)), ("r.2", (4, 5)), ("r.3", (6,))):
        await happen(
            api, *ids, at=start, every=timedelta(minutes=1), resource={"prefect.resource.id": resource, "n": resource}
        )
    distinct = {"resource": {"distinct": True}}
    newest = (await api.post("/events/filter", {"filter": distinct, "limit": 2})).json
    assert (numbers(newest), newest["total"]) == ([3, 5], 3)
    assert numbers(await following(api, newest)) == [6]
    oldest = (await api.post("/events/filter", {"filter": distinct | {"order": "ASC"}})).json
    assert (numbers(oldest), oldest["total"]) == ([1, 4, 6], 3)


@pytest.mark.parametrize("body", [b"", b"null", {}, {"filter": None}, {"filter": {}}, {"filter": {"resource": None}}])
async def test_a_question_may_be_left_out(api: Api, body: Any) -> None:
    await happen(api, 1, at=now())
    await happen(api, 2, at=now() - timedelta(days=181), resource={"prefect.resource.id": "r.2"})
    answered = await api.post("/events/filter", body)
    assert (answered.status, numbers(answered.json)) == (200, [1]), "what is older than 180 days is to be asked for"


async def test_a_page_of_nothing_says_how_many_there_are_and_leads_nowhere(api: Api) -> None:
    await happen(api, 1, 2, 3, at=now() - timedelta(minutes=1))
    page = (await api.post("/events/filter", {"limit": 0})).json
    assert page == {"events": [], "total": 3, "next_page": None}


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 51},
        {"limit": -1},
        {"limit": 2.5},
        {"filter": {"unknown": 1}},
        {"filter": {"order": "asc"}},
        {"filter": {"occurred": {"since": "yesterday"}}},
        {"filter": {"event": {"names": []}}},
        {"filter": {"event": {"name": "a"}}},
        {"filter": {"resource": {"labels": []}}},
        {"filter": {"resource": {"labels": {"a": 1}}}},
        {"filter": {"resource": {"labels": {"a": [None]}}}},
        {"filter": {"resource": {"distinct": "perhaps"}}},
        {"filter": {"related": {"resources_in_roles": [["a"]]}}},
        {"filter": {"related": {"resources_in_roles": ["ab"]}}},
        {"filter": {"related": [None]}},
        {"filter": {"any_resource": {"role": []}}},
        {"filter": {"id": {"id": ["1"]}}},
        {"filter": {"text": {}}},
        {"filter": {"text": {"query": "a" * 201}}},
        b"{",
        b"[]",
    ],
)
async def test_a_question_that_means_nothing_is_refused_with_its_reason(api: Api, body: Any) -> None:
    answered = await api.post("/events/filter", body)
    assert answered.status == 422
    assert answered.json["exception_detail"][0]["msg"]


async def test_a_pattern_that_is_too_long_is_refused_on_both_databases(api: Api) -> None:
    long = {"resource": {"labels": {"color": "[" * 3_999 + "*"}}}
    assert (await api.post("/events/filter", {"filter": long})).status == 200
    longer = {"resource": {"labels": {"color": "[" * 4_000 + "*"}}}
    refused = await api.post("/events/filter", {"filter": longer})
    assert (refused.status, "too long" in refused.json["detail"]) == (422, True)


def as_token(said: Any) -> str:
    return urlsafe_b64encode(compress(said if isinstance(said, bytes) else msgspec.json.encode(said))).decode()


async def test_the_token_of_a_long_filter_fits_into_a_url(api: Api) -> None:
    ids = [f"prefect.flow-run.{UUID(int=number * 0x1234567_89ABCDEF)}" for number in range(1_500)]
    for number in (1, 2):
        await happen(api, number, at=now(), resource={"prefect.resource.id": ids[number]})
    page = (await api.post("/events/filter", {"limit": 1, "filter": {"resource": {"id": ids}}})).json
    assert len(page["next_page"]) < 60_000
    assert numbers(await following(api, page)) == [1]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "%00",
        "%F0%9F%98%80",
        "abcd",
        as_token({"x": 1}),
        as_token({"filter": {}, "total": 1, "limit": 51, "occurred": "2026-01-01T00:00:00Z", "seq": 1}),
        as_token({"filter": {}, "total": 1, "limit": 5, "occurred": "2026-01-01T00:00:00Z", "seq": 2**64}),
        as_token({"filter": {"x": 1}, "total": 1, "limit": 5, "occurred": "2026-01-01T00:00:00Z", "seq": 1}),
        as_token(b"[" * 5000),
        as_token(b" " * 8_000_000),
        as_token(b"{}")[:-6],
        urlsafe_b64encode(b"{}").decode(),
    ],
)
async def test_a_token_that_no_page_gave_is_forbidden(api: Api, token: str) -> None:
    answered = await api.get("/events/filter/next", f"page-token={token}")
    assert (answered.status, answered.json["code"]) == (403, "forbidden")


async def test_a_page_without_a_token_is_refused_by_the_name_of_the_key(api: Api) -> None:
    answered = await api.get("/events/filter/next")
    assert (answered.status, answered.json["exception_detail"][0]["loc"]) == (422, ["query", "page-token"])


async def counted(api: Api, by: str, since: datetime | str, until: datetime | str, **options: Any) -> Any:
    occurred = {"since": since, "until": until}
    answered = await api.post(f"/events/count-by/{by}", {"filter": {"occurred": occurred}, **options})
    assert answered.status == 200, answered.json
    return answered.json


async def test_spans_of_time_are_filled_and_begin_at_a_whole_one_since_april_2024(api: Api) -> None:
    await happen(api, 1, 2, at=MONDAY + timedelta(days=8, hours=3), every=timedelta(hours=1))
    weeks = await counted(api, "time", MONDAY + timedelta(hours=5), MONDAY + timedelta(days=17), time_unit="week")
    assert weeks == [
        {
            "value": str(number),
            "label": f"2024-06-{day:02}T00:00:00+00:00",
            "count": count,
            "start_time": f"2024-06-{day:02}T00:00:00Z",
            "end_time": f"2024-06-{day + 6:02}T23:59:59.999999Z",
        }
        for number, (day, count) in enumerate([(3, 0), (10, 2), (17, 0)])
    ]
    days = await counted(api, "day", MONDAY, MONDAY + timedelta(days=9), time_unit="week", time_interval=4)
    assert [each["count"] for each in days] == [0, 0, 0, 0, 0, 0, 0, 0, 2], "a day is a day, whatever else is said"


@pytest.mark.parametrize(
    ("since", "until", "unit", "interval", "spans"),
    [
        ("2024-04-01T00:00:00Z", "2024-04-03T00:00:00Z", "day", 1, 2),
        ("2024-04-01T00:00:00Z", "2024-04-03T00:00:00.000001Z", "day", 1, 3),
        ("2024-03-20T05:00:00Z", "2024-04-09T00:00:00Z", "week", 1, 4),
        ("2024-04-01T00:00:00Z", "2024-04-02T00:00:00Z", "day", 0.01, 100),
        ("2024-04-01T00:00:00Z", "2024-04-01T00:16:40Z", "second", 1, 1000),
        ("2024-04-01T00:00:00Z", "2024-04-01T00:00:01Z", "second", 0.3, 4),
        ("2025-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "day", 1, 0),
        ("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z", "day", 1, 0),
        ("0500-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "week", 10_000, 9),
    ],
)
async def test_a_window_has_the_spans_that_begin_in_it(
    api: Api, since: str, until: str, unit: str, interval: float, spans: int
) -> None:
    assert len(await counted(api, "time", since, until, time_unit=unit, time_interval=interval)) == spans


async def test_no_span_begins_after_now_and_the_last_is_whole(api: Api) -> None:
    await happen(api, 1, at=now())
    spans = await counted(api, "time", now(), now() + timedelta(days=3), time_unit="hour")
    assert len(spans) in (1, 2), "the hour may end meanwhile"
    assert datetime.fromisoformat(spans[-1]["end_time"]) > now() - timedelta(minutes=1)


async def test_names_and_resources_are_counted_the_most_frequent_first(api: Api) -> None:
    named = {"prefect.resource.id": "r.1", "prefect.name": "one", "prefect.resource.name": "Old"}
    await happen(api, 1, at=MONDAY, event="b", resource=named)
    await happen(api, 2, at=MONDAY + timedelta(hours=1), event="b", resource=named | {"prefect.resource.name": "New"})
    await happen(api, 3, at=MONDAY, event="c", resource={"prefect.resource.id": "r.2", "prefect.name": "two"})
    await happen(api, 4, at=MONDAY, event="a", resource={"prefect.resource.id": "r.3"})
    by_name = await counted(api, "event", MONDAY, MONDAY + timedelta(days=1))
    assert [(each["value"], each["label"], each["count"]) for each in by_name] == [
        ("b", "b", 2),
        ("a", "a", 1),
        ("c", "c", 1),
    ]
    assert (by_name[0]["start_time"], by_name[0]["end_time"]) == ("2024-06-03T00:00:00Z", "2024-06-03T01:00:00Z")
    by_resource = await counted(api, "resource", MONDAY, MONDAY + timedelta(days=1))
    assert [(each["value"], each["label"], each["count"]) for each in by_resource] == [
        ("r.1", "New", 2),
        ("r.3", "r.3", 1),
        ("r.2", "two", 1),
    ]


@pytest.mark.parametrize("by", ["day", "time", "event", "resource"])
async def test_more_than_a_thousand_spans_are_refused_whatever_is_counted_by(api: Api, by: str) -> None:
    window = {"since": "2020-01-01T00:00:00Z", "until": "2024-04-01T00:00:00Z"}
    answered = await api.post(f"/events/count-by/{by}", {"filter": {"occurred": window}, "time_unit": "hour"})
    assert answered.status == 422
    assert "which is too many" in answered.json["detail"]


@pytest.mark.parametrize(
    ("by", "body", "status"),
    [
        ("year", {"filter": {}}, 404),
        ("time", {}, 422),
        ("time", {"filter": None}, 422),
        ("time", {"filter": {}, "time_unit": "year"}, 422),
        ("time", {"filter": {}, "time_interval": 0.001}, 422),
        ("time", {"filter": {}, "time_interval": 1e300}, 422),
        ("time", {"filter": {"occurred": {"since": "0001-01-01T00:00:00Z"}}, "time_interval": 1e6}, 422),
        ("time", {"filter": {}, "time_interval": "many"}, 422),
        ("event", {"filter": {"x": 1}}, 422),
    ],
)
async def test_counts_that_mean_nothing_are_refused(api: Api, by: str, body: Any, status: int) -> None:
    answered = await api.post(f"/events/count-by/{by}", body)
    assert answered.status == status, answered.json
