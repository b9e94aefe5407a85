"""`/logs` answers as the contract says, on both databases."""

from typing import Any
from uuid import uuid4

import pytest

from tests.server.api import Api

RUN = str(uuid4())


def a_line(message: str = "hello", **fields: Any) -> dict[str, Any]:
    line = {"name": "log", "level": 20, "message": message, "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": RUN}
    return line | fields


async def messages(api: Api, **body: Any) -> list[str]:
    return [line["message"] for line in (await api.post("/logs/filter", body)).json]


async def test_lines_are_kept_whether_their_runs_are_known_or_not(api: Api) -> None:
    made = await api.post("/logs/", [a_line(), a_line("other", flow_run_id=None)])
    assert (made.status, made.json) == (201, None)
    (line,) = (await api.post("/logs/filter", {"logs": {"flow_run_id": {"any_": [RUN]}}})).json
    assert line["message"] == "hello"
    assert line["timestamp"] == "2026-01-01T00:00:00Z"
    assert line["flow_run_id"] == RUN
    assert line["task_run_id"] is None


async def test_lines_come_in_the_order_of_their_times_and_then_of_their_arrival(api: Api) -> None:
    times = {"c": "2026-01-01T00:00:02Z", "a": "2026-01-01T00:00:01", "b": "2026-01-01T01:00:01+01:00"}
    await api.post("/logs/", [a_line(message, timestamp=time) for message, time in times.items()])
    assert await messages(api) == ["a", "b", "c"]
    assert await messages(api, sort="TIMESTAMP_DESC") == ["c", "b", "a"]
    assert await messages(api, limit=1, offset=1) == ["b"]


async def test_nul_characters_are_left_out(api: Api) -> None:
    assert (await api.post("/logs/", [a_line("nul\0l", name="lo\0g")])).status == 201
    (line,) = (await api.post("/logs/filter")).json
    assert (line["message"], line["name"]) == ("null", "log")


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"level": "high"}, ["body", 1, "level"]),
        ({"level": 2**40}, ["body", 1, "level"]),
        ({"timestamp": "yesterday"}, ["body", 1, "timestamp"]),
        ({"flow_run_id": "x"}, ["body", 1, "flow_run_id"]),
        ({"colour": "red"}, ["body", 1, "colour"]),
    ],
)
async def test_one_bad_line_refuses_the_batch_and_names_the_field(
    api: Api, change: dict[str, Any], location: list[Any]
) -> None:
    refused = await api.post("/logs/", [a_line(), a_line(**change)])
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == location
    assert await messages(api) == []


async def test_no_lines_are_fine(api: Api) -> None:
    assert (await api.post("/logs/", [])).status == 201


async def test_a_search_text_is_bounded(api: Api) -> None:
    refused = await api.post("/logs/filter", {"logs": {"text": {"query": "x" * 201}}})
    assert refused.status == 422
    assert refused.json["exception_detail"][0]["loc"] == ["body", "logs", "text", "query"]
