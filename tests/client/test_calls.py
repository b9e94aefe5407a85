"""Typed calls send what the contract asks for, and their errors quote the request and the server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.client.http.transport import HttpTransport
from headrace.client.orchestration import HeadraceClient, SyncHeadraceClient
from headrace.client.schemas.actions import LogCreate
from headrace.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from headrace.client.schemas.objects import Event, State, StateType
from headrace.client.schemas.responses import SetStateStatus
from headrace.client.schemas.sorting import FlowRunSort
from headrace.wire.errors import (
    BadRequest,
    BodyTooLarge,
    Forbidden,
    HeadraceError,
    InternalError,
    Locked,
    ObjectAlreadyExists,
    ObjectNotFound,
    ServiceError,
    ServiceUnavailable,
    Unauthorized,
    Unprocessable,
)
from tests.client.conftest import Opening, Scripted, Seen

ID = UUID("01990000-0000-7000-8000-000000000000")
FLOW = {"id": str(ID), "name": "etl"}
RUN = {"id": str(ID), "name": "brisk-otter", "flow_id": str(ID)}


def numbered(count: int) -> list[dict[str, Any]]:
    return [RUN | {"id": str(UUID(int=number))} for number in range(count)]


class Listing:
    """A server that answers `/flow_runs/filter` out of a list, at most `most` at once."""

    def __init__(self, runs: list[dict[str, Any]], most: int = 200) -> None:
        self.runs, self.most = runs, most

    def __call__(self, seen: Seen) -> tuple[int, Any]:
        limit, offset = seen.json["limit"], seen.json["offset"]
        if limit > self.most:
            return 422, {"detail": f"Invalid limit: must be less than or equal to {self.most}."}
        return 200, self.runs[offset : offset + limit]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, ObjectNotFound),
        (405, BadRequest),
        (409, ObjectAlreadyExists),
        (413, BodyTooLarge),
        (422, Unprocessable),
        (423, Locked),
        (500, InternalError),
        (504, ServiceUnavailable),
    ],
)
def test_each_status_is_an_error_of_its_own(
    script: Scripted, client: SyncHeadraceClient, status: int, error: type[HeadraceError]
) -> None:
    script.otherwise = (status, {"detail": "because"})
    with pytest.raises(error) as raised:
        client.read_flow(ID)
    assert type(raised.value) is error
    assert f"GET /flows/{ID} was answered with {status}: because." in str(raised.value)


def test_a_refused_field_is_named(script: Scripted, client: SyncHeadraceClient) -> None:
    problem = {"type": "missing", "loc": ["body", "state", "type"], "msg": "Field required", "input": {}}
    script.otherwise = (422, {"exception_message": "Invalid request received.", "exception_detail": [problem]})
    with pytest.raises(Unprocessable, match=r"body\.state\.type: Field required"):
        client.set_flow_run_state(ID, State(type=StateType.RUNNING))


def test_missing_credentials_are_told_how_to_set_them(script: Scripted, client: SyncHeadraceClient) -> None:
    script.otherwise = (401, {"exception_message": "Unauthorized"})
    with pytest.raises(Unauthorized, match="HEADRACE_API_AUTH_STRING"):
        client.hello()


def test_a_slot_says_when_it_may_be_free(script: Scripted, client: SyncHeadraceClient) -> None:
    script.replies.append((423, {}, {"Retry-After": "2.5"}))
    with pytest.raises(Locked) as raised:
        client.hello()
    assert raised.value.retry_after == 2.5


@pytest.mark.parametrize("page", [b"<html>welcome</html>", b'{"no": "flow"}', b"\xff\xfe"])
def test_an_answer_of_something_else_is_said(script: Scripted, client: SyncHeadraceClient, page: bytes) -> None:
    script.otherwise = (200, page)
    with pytest.raises(InternalError, match=r"usually ends in /api"):
        client.read_flow(ID)


def test_an_error_page_that_is_no_json_is_quoted(script: Scripted, client: SyncHeadraceClient) -> None:
    script.otherwise = (404, b"<h1>Not\n Found</h1>")
    with pytest.raises(ObjectNotFound, match="<h1>Not Found</h1>"):
        client.read_flow(ID)


def test_a_run_is_made_with_its_flow(script: Scripted, client: SyncHeadraceClient) -> None:
    script.replies.extend([(201, FLOW), (201, RUN)])
    flow = SimpleNamespace(name="etl", version="v1", retries=2, retry_delay_seconds=10.0)
    run = client.create_flow_run(flow, parameters={"day": datetime(2026, 8, 1, tzinfo=UTC)}, tags={"a"})
    assert run.id == ID
    made_flow, made_run = script.seen
    assert (made_flow.method, made_flow.path, made_flow.json["name"]) == ("POST", "/api/flows/", "etl")
    assert made_run.json["flow_id"] == str(ID)
    assert made_run.json["parameters"] == {"day": "2026-08-01T00:00:00Z"}
    assert made_run.json["state"]["type"] == "PENDING"
    assert made_run.json["flow_version"] == "v1"
    policy = made_run.json["empirical_policy"]
    assert (policy["retries"], policy["retry_delay"]) == (2, 10)


def test_a_proposed_state_says_which_run_and_which_transition(script: Scripted, client: SyncHeadraceClient) -> None:
    answer = {"state": {"type": "RUNNING"}, "status": "ACCEPT", "details": {"type": "accept_details"}}
    script.otherwise = (201, answer)
    state = State(type=StateType.RUNNING)
    assert client.set_flow_run_state(ID, state).status is SetStateStatus.ACCEPT
    client.set_flow_run_state(ID, state, force=True)
    first, second = (seen.json for seen in script.seen)
    assert first["state"]["state_details"]["flow_run_id"] == str(ID)
    assert first["state"]["state_details"]["transition_id"] != second["state"]["state_details"]["transition_id"]
    assert (first["force"], second["force"]) == (False, True)
    assert state.state_details.transition_id is None


def test_a_repeated_proposal_is_the_same_transition(script: Scripted, client: SyncHeadraceClient) -> None:
    answer = {"state": {"type": "RUNNING"}, "status": "ACCEPT", "details": {"type": "accept_details"}}
    script.replies.append((503, {}))
    script.otherwise = (201, answer)
    client.set_flow_run_state(ID, State(type=StateType.RUNNING))
    first, second = script.seen
    assert first.body == second.body


def test_only_what_is_given_is_changed(script: Scripted, client: SyncHeadraceClient) -> None:
    script.otherwise = (204, b"")
    client.update_flow_run(ID, name="new", parameters={"x": 1})
    assert script.seen[0].json == {"name": "new", "parameters": {"x": 1}}


def test_filters_and_sorts_travel_and_what_is_absent_does_not(script: Scripted, client: SyncHeadraceClient) -> None:
    script.otherwise = (200, [RUN])
    runs = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(name=FlowRunFilterName(like_="otter")),
        sort=FlowRunSort.START_TIME_DESC,
        limit=1,
        offset=3,
    )
    assert [run.name for run in runs] == ["brisk-otter"]
    sent = script.seen[0].json
    assert sent["flow_runs"]["name"]["like_"] == "otter"
    assert (sent["sort"], sent["limit"], sent["offset"]) == ("START_TIME_DESC", 1, 3)
    assert "flows" not in sent


@pytest.mark.parametrize(
    ("limit", "count", "requests"), [(None, 450, 3), (None, 400, 3), (250, 250, 2), (200, 200, 1), (0, 0, 0)]
)
def test_more_than_a_page_is_read_page_by_page(
    script: Scripted, client: SyncHeadraceClient, limit: int | None, count: int, requests: int
) -> None:
    script.answer = Listing(numbered(450 if count == 450 else 400))
    runs = client.read_flow_runs(limit=limit)
    assert [run.id.int for run in runs] == list(range(count))
    assert len(script.seen) == requests


def test_a_server_with_a_smaller_page_is_read_to_the_end(script: Scripted, client: SyncHeadraceClient) -> None:
    script.answer = Listing(numbered(120), most=50)
    assert len(client.read_flow_runs(limit=None)) == 120
    assert [seen.json["limit"] for seen in script.seen] == [200, 50, 50, 50]


def test_a_run_that_moved_to_the_next_page_is_given_once(script: Scripted, client: SyncHeadraceClient) -> None:
    runs = numbered(300)
    pages: Iterator[list[dict[str, Any]]] = iter([runs[:200], runs[199:300]])
    script.answer = lambda seen: (200, next(pages))
    assert len(client.read_flow_runs(limit=None)) == 300


def test_a_limit_that_means_nothing_is_the_callers_to_hear_of(script: Scripted, client: SyncHeadraceClient) -> None:
    script.otherwise = (422, {"detail": "Invalid limit: must be less than or equal to 0."})
    with pytest.raises(Unprocessable, match="Invalid limit"):
        client.read_flow_runs()


def test_names_are_quoted_into_paths(script: Scripted, client: SyncHeadraceClient) -> None:
    script.otherwise = (200, FLOW)
    client.read_flow_by_name("été/1 ?x\r\nHost: evil")
    assert script.seen[0].path == "/api/flows/name/%C3%A9t%C3%A9%2F1%20%3Fx%0D%0AHost%3A%20evil"


def test_events_and_logs_travel_in_batches(script: Scripted, client: SyncHeadraceClient) -> None:
    script.otherwise = (204, b"")
    happened = datetime(2026, 8, 1, tzinfo=UTC)
    event = Event(id=uuid4(), occurred=happened, event="shop.sold", resource={"prefect.resource.id": "shop.1"})
    client.post_events([event])
    client.create_logs([LogCreate(name="n", level=20, message="m", timestamp=happened), {"name": "d"}])
    events, logs = script.seen
    assert (events.path, events.json[0]["event"]) == ("/api/events", "shop.sold")
    assert (logs.path, [line["name"] for line in logs.json]) == ("/api/logs/", ["n", "d"])


def test_the_health_of_a_server_is_an_answer(script: Scripted, client: SyncHeadraceClient) -> None:
    assert client.api_healthcheck() is None
    script.otherwise = (500, {})
    assert isinstance(client.api_healthcheck(), InternalError)


def test_a_server_of_another_major_version_is_refused(script: Scripted, client: SyncHeadraceClient) -> None:
    script.replies.extend([(200, "3.9.1"), (200, "4.0.0")])
    client.raise_for_api_version_mismatch()
    with pytest.raises(ServiceError, match=r"speaks version 4\.0\.0"):
        client.raise_for_api_version_mismatch()


async def test_the_asynchronous_client_makes_the_same_calls(script: Scripted, opening: Opening) -> None:
    script.answer = Listing(numbered(250))
    async with HeadraceClient(opening(script.url)) as client:
        assert len(await client.read_flow_runs(limit=None)) == 250


def test_both_clients_have_the_same_calls() -> None:
    def calls(client: type) -> set[str]:
        return {name for name in dir(client) if not name.startswith("_")}

    assert calls(HeadraceClient) == calls(SyncHeadraceClient)


def test_a_client_says_where_it_works(script: Scripted, transport: HttpTransport) -> None:
    assert SyncHeadraceClient(transport).api_url == script.url
