"""Requests over the network get through where they can, and say clearly where they cannot."""

import asyncio
import base64
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from headrace.client.http.patience import Patience
from headrace.client.http.transport import HttpTransport, Unreachable
from headrace.client.orchestration import SyncHeadraceClient
from headrace.client.transports import Request
from headrace.settings import APISettings
from headrace.wire.errors import InternalError, Locked, ServiceUnavailable, SettingsError
from tests.client.conftest import Impatient, Opening, Scripted, exit_status, forked

HELLO = Request("GET", "/hello")


def test_requests_one_after_the_other_share_a_connection(script: Scripted, transport: HttpTransport) -> None:
    for _ in range(5):
        transport.send(HELLO)
    assert len({seen.connection for seen in script.seen}) == 1


def test_requests_at_the_same_time_have_connections_of_their_own(script: Scripted, transport: HttpTransport) -> None:
    script.hold = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(transport.send, HELLO) for _ in range(8)]
        for _ in range(8):
            assert script.arrived.acquire(timeout=10)
        script.hold.set()
        assert [each.result().status for each in answers] == [200] * 8
    assert len({seen.connection for seen in script.seen}) == 8


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(script: Scripted, transport: HttpTransport) -> None:
    transport.send(HELLO)
    script.replies.append(None)
    assert transport.send(HELLO).status == 200
    assert len(script.seen) == 3


@pytest.mark.parametrize("status", [408, 429, 502, 503])
def test_a_passing_refusal_is_tried_again(script: Scripted, transport: HttpTransport, status: int) -> None:
    script.replies.extend([(status, {}), (status, {})])
    assert transport.send(Request("POST", "/flows/", body=b"{}")).status == 200
    assert [seen.body for seen in script.seen] == [b"{}"] * 3


def test_a_refusal_that_does_not_pass_is_given_up_after_five_more_attempts(
    script: Scripted, client: SyncHeadraceClient
) -> None:
    script.otherwise = (503, {"exception_message": "Service Unavailable", "detail": "the database is busy"})
    with pytest.raises(ServiceUnavailable, match=r"GET /hello was answered with 503: the database is busy\."):
        client.hello()
    assert len(script.seen) == 6


@pytest.mark.parametrize(("status", "error"), [(500, InternalError), (423, Locked)])
def test_an_answer_that_is_no_accident_is_not_asked_for_twice(
    script: Scripted, client: SyncHeadraceClient, status: int, error: type[Exception]
) -> None:
    script.otherwise = (status, {"detail": "no"})
    with pytest.raises(error):
        client.hello()
    assert len(script.seen) == 1


def test_a_lost_connection_is_tried_again_once_the_server_is_known(script: Scripted, transport: HttpTransport) -> None:
    transport.send(HELLO)
    script.replies.extend([None, None, None, None])
    assert transport.send(HELLO).status == 200


def test_the_server_says_how_long_to_wait() -> None:
    patience = Patience()
    assert patience.after_status(0, {"retry-after": "7.5"}) == 7.5
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (patience.after_status(0, {"retry-after": soon}) or 0) <= 60
    assert patience.after_status(0, {"retry-after": "1e9"}) == 300
    assert patience.after_status(5, {"retry-after": "1"}) is None


def test_waits_grow_and_end() -> None:
    patience = Patience.of(5)
    waits = [patience.after_status(attempt, {}) for attempt in range(6)]
    assert waits[-1] is None
    assert all(0.75 * 2**n <= (wait or 0) <= 1.25 * 2**n for n, wait in enumerate(waits[:-1]))
    assert patience.after_status(50, {"prefect-maintenance": "true"}) is not None
    assert patience.after_loss(2, reached_before=False) is None
    assert Patience.of(0).after_loss(0, reached_before=False) is None


def test_nobody_at_the_address_is_said_within_a_second_or_two(opening: Opening) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api"
        transport = opening(url)
        begun = time.monotonic()
        with pytest.raises(Unreachable) as raised:
            transport.send(HELLO)
    assert time.monotonic() - begun < 3
    message = str(raised.value)
    assert url in message
    assert "GET /hello" in message
    assert "HEADRACE_API_URL" in message
    assert "headrace server status" in message


def test_a_name_that_leads_nowhere_is_said(opening: Opening) -> None:
    transport = opening("http://nowhere.invalid/api", Impatient(0, 0, 0))
    with pytest.raises(Unreachable, match=r"http://nowhere\.invalid/api cannot be reached"):
        transport.send(HELLO)


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_set(script: Scripted, opening: Opening) -> None:
    script.hold = threading.Event()
    transport = opening(script.url, Impatient(0, 0, 0), request_timeout=0.05)
    with pytest.raises(ServiceUnavailable, match=r"did not answer in time.*HEADRACE_API_REQUEST_TIMEOUT"):
        transport.send(HELLO)


def test_something_that_is_no_http_server_is_said(opening: Opening) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1024)
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        transport = opening(f"http://127.0.0.1:{listener.getsockname()[1]}", Impatient(0, 0, 0))
        with pytest.raises(Unreachable, match="what it answers is not HTTP"):
            transport.send(HELLO)
        thread.join()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcdef",
        b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nabcdef",
    ],
)
def test_every_way_of_sending_an_answer_is_understood(raw: bytes, opening: Opening) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1024)
                for byte in raw:
                    peer.sendall(bytes([byte]))

        thread = threading.Thread(target=speak)
        thread.start()
        transport = opening(f"http://127.0.0.1:{listener.getsockname()[1]}", Impatient(0, 0, 0))
        answer = transport.send(HELLO)
        thread.join()
        assert (answer.status, answer.body) == (200, b"abcdef")


def test_half_an_answer_is_a_lost_connection(opening: Opening) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1024)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")

        thread = threading.Thread(target=speak)
        thread.start()
        transport = opening(f"http://127.0.0.1:{listener.getsockname()[1]}", Impatient(0, 0, 0))
        with pytest.raises(Unreachable, match="broke off"):
            transport.send(HELLO)
        thread.join()


def test_credentials_and_versions_go_with_every_request(script: Scripted, opening: Opening) -> None:
    opening(script.url, auth_string="ann:secret").send(HELLO)
    opening(script.url, key="k-1").send(HELLO)
    basic, bearer = (seen.headers for seen in script.seen)
    assert basic["authorization"] == "Basic " + base64.b64encode(b"ann:secret").decode()
    assert bearer["authorization"] == "Bearer k-1"
    assert basic["x-prefect-api-version"] == "0.8.4"


@pytest.mark.parametrize("url", ["http://ann:secret@127.0.0.1/api", "http:///api"])
def test_a_url_that_cannot_be_used_is_said_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="HEADRACE_API_URL") as raised:
        HttpTransport(APISettings(url=url))
    assert "secret" not in str(raised.value)


def test_a_credential_cannot_smuggle_in_a_header(script: Scripted, opening: Opening) -> None:
    with pytest.raises(SettingsError, match="one line"):
        opening(script.url, key="k\r\nX-Evil: 1")


def test_packed_answers_are_unpacked(script: Scripted, monkeypatch: pytest.MonkeyPatch, opening: Opening) -> None:
    monkeypatch.setattr("headrace.client.http.transport.LOOPBACK", frozenset[str]())
    script.otherwise = (200, "x" * 5000)
    transport = opening(script.url)
    assert SyncHeadraceClient(transport).hello() == "x" * 5000
    assert script.seen[0].headers["accept-encoding"] == "gzip"
    transport.close()


def test_a_server_with_csrf_protection_is_given_its_token(script: Scripted, client: SyncHeadraceClient) -> None:
    script.replies.extend(
        [
            (403, {"detail": "Missing CSRF token."}),
            (200, {"token": "t-1", "client": "c-1", "expiration": "2099-01-01T00:00:00Z"}),
            (201, None),
            (201, None),
        ]
    )
    client.create_logs([])
    client.create_logs([])
    refused, asked, repeated, next_one = script.seen
    assert "prefect-csrf-token" not in refused.headers
    assert asked.path.startswith("/api/csrf-token?client=")
    for change in (repeated, next_one):
        assert (change.headers["prefect-csrf-token"], change.headers["prefect-csrf-client"]) == ("t-1", "c-1")


async def test_a_call_does_not_hold_up_the_event_loop(script: Scripted, transport: HttpTransport) -> None:
    script.hold = threading.Event()
    call = asyncio.create_task(transport.send_async(HELLO))
    assert await asyncio.to_thread(script.arrived.acquire, timeout=10)
    assert not call.done()
    script.hold.set()
    assert (await call).status == 200


def test_closing_ends_the_wait_for_another_attempt(script: Scripted, opening: Opening) -> None:
    script.otherwise = (503, {})
    transport = opening(script.url)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(transport.send, HELLO)
        assert script.arrived.acquire(timeout=10)
        transport.close()
        assert call.result(timeout=0.7).status == 503


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_uses_connections_of_its_own(script: Scripted, transport: HttpTransport) -> None:
    transport.send(HELLO)
    assert exit_status(forked(lambda: transport.send(HELLO))) == 0
    transport.send(HELLO)
    parents, childs, again = (seen.connection for seen in script.seen)
    assert parents == again
    assert childs != parents
