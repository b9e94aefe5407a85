"""What the dispatcher promises to handlers, whatever the transport."""

import logging
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.server.context import Context, Headers
from headrace.server.http.failures import ECHO_LIMIT
from headrace.server.http.routing import Answer, Dispatcher, Router
from headrace.server.store.base import Store
from headrace.settings import Settings
from tests.server.http.example import router

dispatcher = Dispatcher([router])
MILL = "/mills/0190163d-8694-739b-aea5-966c26f8ad91"


async def ask(
    method: str, path: str, query: str = "", body: bytes = b"", headers: dict[bytes, bytes] | None = None
) -> Answer:
    ctx = Context(cast("Store", None), cast("Settings", None), Headers(headers or {}))
    return await dispatcher.dispatch(ctx, method, path, query, body)


async def value(method: str, path: str, query: str = "", body: bytes = b"") -> Any:
    answer = await ask(method, path, query, body)
    assert answer.status < 300, answer
    return msgspec.json.decode(answer.body)


async def refused(path: str, body: bytes, query: str = "", method: str = "POST") -> dict[str, Any]:
    answer = await ask(method, path, query, body)
    assert answer.status == 422, answer
    return msgspec.json.decode(answer.body)


async def test_values_in_the_path_have_the_handlers_types() -> None:
    assert (await value("GET", MILL))[0] == MILL.removeprefix("/mills/")


@pytest.mark.parametrize("text", ["nonsense", "", "7", "{0190163d-8694-739b-aea5-966c26f8ad91}"])
async def test_a_path_whose_id_is_no_uuid_does_not_exist(text: str) -> None:
    assert (await ask("GET", f"/mills/{text}/near")).status == 404


async def test_a_literal_segment_wins_over_a_value() -> None:
    assert (await value("GET", "/mills/about-me"))["client"] is None


async def test_a_value_may_take_the_rest_of_the_path() -> None:
    assert await value("GET", "/mills/files/a/b c/d.txt") == "a/b c/d.txt"


@pytest.mark.parametrize("path", ["/mills/name/", "/mills", "/", "", "/mills/name/a/b", "//mills/"])
async def test_an_unknown_path_is_not_found(path: str) -> None:
    assert (await ask("GET", path)).status == 404


async def test_a_wrong_method_is_told_which_are_right() -> None:
    answer = await ask("DELETE", MILL)
    assert answer.status == 405
    assert answer.headers == {"Allow": "GET, PATCH"}


@pytest.mark.parametrize("body", [b"", b"null", b"{}"])
async def test_an_optional_body_may_be_absent_empty_or_null(body: bytes) -> None:
    assert await value("POST", "/mills/filter", body=body) == 200


@pytest.mark.parametrize("body", [b"", b"null"])
async def test_a_required_body_must_be_there(body: bytes) -> None:
    (detail,) = (await refused("/mills/", body))["exception_detail"]
    assert (detail["type"], detail["loc"]) == ("missing", ["body"])


@pytest.mark.parametrize("body", [b'{"kind": null, "limit": null}', b'{"limit": null, "wheels": 8}'])
async def test_a_part_of_a_body_that_is_null_counts_as_absent(body: bytes) -> None:
    """The real client sends every part it knows, `null` for those it was not given."""
    assert await value("POST", "/mills/search", body=body) == {"kind": "WATER", "limit": 200}


async def test_a_part_that_does_not_fit_is_named_beside_one_that_is_null() -> None:
    answer = await refused("/mills/search", b'{"kind": null, "limit": "many"}')
    assert answer["exception_detail"][0]["loc"] == ["body", "limit"]


async def test_query_parameters_are_converted_and_default() -> None:
    assert (await value("GET", MILL))[1:] == [None, 200, None]
    given = await value("GET", MILL, "limit=5&since=2026-01-02T03:04:05&tag=a&tag=b&unknown=1")
    assert given[1:] == ["2026-01-02T03:04:05Z", 5, ["a", "b"]]


async def test_a_query_parameter_may_have_a_key_that_python_has_no_name_for() -> None:
    assert await value("GET", f"{MILL}/near", "distance=1.5") == [1.5, 10]
    assert await value("GET", f"{MILL}/near", "distance=1.5&at-most=3&at_most=4") == [1.5, 3]


@pytest.mark.parametrize(
    ("path", "query", "kind", "name"),
    [
        (MILL, "limit=x", "int_parsing", "limit"),
        (f"{MILL}/near", "", "missing", "distance"),
        (f"{MILL}/near", "distance=1&at-most=x", "int_parsing", "at-most"),
    ],
)
async def test_a_query_parameter_that_does_not_fit_is_named(path: str, query: str, kind: str, name: str) -> None:
    (detail,) = (await refused(path, b"", query, "GET"))["exception_detail"]
    assert (detail["type"], detail["loc"]) == (kind, ["query", name])


async def test_a_reply_says_its_own_status_headers_and_media_type() -> None:
    answer = await ask("GET", "/mills/text")
    assert (answer.status, answer.body, answer.media_type, answer.headers) == (
        202,
        b"plain",
        "text/plain",
        {"X-Mill": "1"},
    )


async def test_the_routes_status_holds_unless_the_reply_names_another() -> None:
    assert (await ask("POST", "/mills/", body=b'{"name":"new"}')).status == 201
    assert (await ask("POST", "/mills/", body=b'{"name":"old"}')).status == 200


async def test_an_answer_without_content_has_no_body() -> None:
    assert await ask("PATCH", MILL) == Answer(204, media_type=None)


@pytest.mark.parametrize(
    ("body", "kind", "location", "given"),
    [
        (b"{}", "missing", ["name"], {}),
        (b'{"name":"a","sails":4}', "extra_forbidden", ["sails"], 4),
        (b'{"name":""}', "string_too_short", ["name"], ""),
        (b'{"name":"a/b"}', "string_pattern_mismatch", ["name"], "a/b"),
        (b'{"name":3}', "string_type", ["name"], 3),
        (b'{"name":"a","kind":"STEAM"}', "enum", ["kind"], "STEAM"),
        (b'{"name":"a","height":"tall"}', "float_parsing", ["height"], "tall"),
        (b'{"name":"a","height":[]}', "float_type", ["height"], []),
        (b'{"name":"a","running":"maybe"}', "bool_parsing", ["running"], "maybe"),
        (b'{"name":"a","owner":"me"}', "uuid_parsing", ["owner"], "me"),
        (b'{"name":"a","built":"long ago"}', "datetime_from_date_parsing", ["built"], "long ago"),
        (b'{"name":"a","tags":"x"}', "list_type", ["tags"], "x"),
        (b'{"name":"a","tags":["x",3]}', "string_type", ["tags", 1], 3),
        (b'{"name":"a","ledger":[]}', "dict_type", ["ledger"], []),
        (b'{"name":"a","wheels":[{"spokes":4},{"spokes":"x"}]}', "int_parsing", ["wheels", 1, "spokes"], "x"),
        (b'{"name":"a","wheels":[{"spokes":2}]}', "greater_than_equal", ["wheels", 0, "spokes"], 2),
        (b'{"name":"a","wheels":[{"rim":2}]}', "extra_forbidden", ["wheels", 0, "rim"], 2),
        (b"[]", "dict_type", [], []),
    ],
)
async def test_a_field_that_does_not_fit_is_named(body: bytes, kind: str, location: list[Any], given: Any) -> None:
    answer = await refused("/mills/", body)
    (detail,) = answer["exception_detail"]
    assert answer["exception_message"] == "Invalid request received."
    assert (detail["type"], detail["loc"], detail["input"]) == (kind, ["body", *location], given)
    assert answer["request_body"] == msgspec.json.decode(body)


@pytest.mark.parametrize(
    ("body", "position"),
    [(b'{"name"', 7), (b'{"name":}', 8), (b'{"name":"a"} x', 14), (b'{"name":"\xff"}', 9), (b'{"name":NaN}', 8)],
)
async def test_what_is_not_json_is_shown_where_it_breaks(body: bytes, position: int) -> None:
    answer = await refused("/mills/", body)
    (detail,) = answer["exception_detail"]
    assert (detail["type"], detail["loc"]) == ("json_invalid", ["body", position])
    assert answer["request_body"] == body.decode(errors="replace")


@pytest.mark.parametrize("body", [b'{"ledger":' + b"[" * 100_000, b'{"name":"a","sails":1,,}', b"[" * 100_000])
async def test_a_body_that_is_wrong_in_two_ways_is_refused_once(body: bytes) -> None:
    assert len((await refused("/mills/", body))["exception_detail"]) == 1


async def test_a_large_body_is_not_echoed_whole() -> None:
    body = msgspec.json.encode({"name": 1, "tags": ["x" * 1000] * 1000})
    answer = await ask("POST", "/mills/", body=body)
    assert answer.status == 422
    assert len(answer.body) < 2 * ECHO_LIMIT


@pytest.mark.parametrize(
    ("built", "answered"),
    [
        ('"2026-01-02T03:04:05.5+02:00"', "2026-01-02T01:04:05.500000Z"),
        ('"2026-01-02T03:04:05"', "2026-01-02T03:04:05Z"),
        ("1767323045", "2026-01-02T03:04:05Z"),
    ],
)
async def test_times_are_read_with_any_offset_with_none_and_as_seconds(built: str, answered: str) -> None:
    assert (await value("POST", "/mills/", body=b'{"name":"a","built":%s}' % built.encode()))["built"] == answered


@settings(max_examples=300)
@given(
    body=st.one_of(
        st.binary(),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-10, 10)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["name", "tags", "wheels", "spokes", "x`y"]), inner)
            ),
        ).map(msgspec.json.encode),
    )
)
async def test_any_body_is_either_taken_or_refused_with_a_place(body: bytes) -> None:
    answer = await ask("POST", "/mills/", body=body)
    assert answer.status in (200, 201, 422)
    if answer.status == 422:
        (detail,) = msgspec.json.decode(answer.body)["exception_detail"]
        assert detail["loc"][0] == "body"


async def test_a_crash_tells_the_client_nothing_and_the_log_everything(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "headrace.server"):
        answer = await ask("GET", "/mills/broken")
    assert answer.status == 500
    assert msgspec.json.decode(answer.body)["exception_message"] == "Internal Server Error"
    assert b"wheel" not in answer.body
    (record,) = caplog.records
    assert record.getMessage() == "request_crashed"
    assert answer.headers == {"X-Request-Id": record.__dict__["request_id"]}
    assert record.exc_info is not None
    assert "the wheel is stuck" in str(record.exc_info[1])


async def test_a_lost_database_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    answer = await ask("GET", "/mills/unusable")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("busy", 503, {"exception_message": "Service Unavailable"}),
        ("taken", 409, {"detail": "Data integrity conflict."}),
        ("missing", 404, {"detail": "Mill not found", "exception_message": "Mill not found"}),
    ],
)
async def test_an_error_has_the_contracts_status_and_body(path: str, status: int, body: dict[str, str]) -> None:
    answer = await ask("GET", f"/mills/{path}")
    assert answer.status == status
    assert msgspec.json.decode(answer.body).items() >= body.items()


async def test_a_busy_database_says_when_to_come_back() -> None:
    assert (await ask("GET", "/mills/busy")).headers == {"Retry-After": "1"}


def test_a_route_cannot_be_declared_twice() -> None:
    twice = Router(prefix="/twice")

    async def handler(ctx: Context, id: UUID) -> None: ...

    twice.get("/{id}")(handler)
    twice.get("/{id}")(handler)
    with pytest.raises(ValueError, match=r"GET /twice/\{id\} is declared twice"):
        Dispatcher([twice])


async def test_a_context_knows_the_client() -> None:
    headers = {b"x-prefect-api-version": b"0.8.4", b"user-agent": b"prefect/3.8.8 (API 0.8.4)"}
    answer = await ask("GET", "/mills/about-me", headers=headers)
    about = msgspec.json.decode(answer.body)
    assert (about["api"], about["client"], about["zone"]) == ([0, 8, 4], "3.8.8", "UTC")


@pytest.mark.parametrize("agent", ["curl/8", "prefect/x (API 0.8.4)", "prefect/3.8.8", ""])
def test_a_client_of_another_kind_has_no_prefect_version(agent: str) -> None:
    ctx = Context(cast("Store", None), cast("Settings", None), Headers({b"user-agent": agent.encode()}))
    assert ctx.client_version is None
