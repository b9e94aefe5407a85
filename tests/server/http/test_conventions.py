"""The conventions of contract §1, over ASGI."""

import asyncio
import base64
import gzip
from collections.abc import Callable

import pytest

from headrace.server.http import bodies
from headrace.server.http.bodies import Bodies
from headrace.wire.errors import RequestTimeout
from tests.server.http.asgi import Calls, Response

MakeCalls = Callable[..., Calls]


def basic(credentials: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}


async def answered(calls: Calls, method: str, path: str, **options: object) -> Response:
    response = await calls(method, path, **options)  # type: ignore[arg-type] - options are Calls' own
    assert response is not None
    return response


class TestPaths:
    async def test_the_api_is_below_the_base_path_only(self, calls: MakeCalls) -> None:
        assert (await answered(calls(), "GET", "/api/health")).json() is True
        assert (await answered(calls(), "GET", "/health")).status == 404
        assert (await answered(calls(), "GET", "/apihealth")).status == 404

    @pytest.mark.parametrize(("base", "path"), [("/engine/api", "/engine/api/health"), ("", "/health")])
    async def test_the_base_path_can_be_another(self, calls: MakeCalls, base: str, path: str) -> None:
        app = calls(SERVER_API_BASE_PATH=base) if base else calls_at_root(calls)
        assert (await answered(app, "GET", path)).status == 200

    @pytest.mark.parametrize(
        ("method", "path", "location"),
        [
            ("POST", "/api/mills", "/api/mills/?a=b%20c"),
            ("GET", "/api/health/", "/api/health?a=b%20c"),
            ("GET", "/api/mills/name/ü x/", "/api/mills/name/%C3%BC%20x?a=b%20c"),
        ],
    )
    async def test_a_slash_too_many_or_too_few_redirects(
        self, calls: MakeCalls, method: str, path: str, location: str
    ) -> None:
        response = await answered(calls(), method, path, query="a=b%20c")
        assert (response.status, response.headers["location"]) == (307, location)

    async def test_an_object_that_is_missing_is_no_redirect(self, calls: MakeCalls) -> None:
        assert (await answered(calls(), "GET", "/api/mills/missing")).status == 404

    async def test_a_wrong_method_names_the_right_ones(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "PUT", "/api/mills/")
        assert (response.status, response.headers["allow"]) == (405, "POST")

    async def test_head_answers_as_get_without_a_body(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "HEAD", "/api/health")
        assert (response.status, response.headers["content-length"], response.body) == (200, "4", b"")
        assert (await answered(calls(), "HEAD", "/api/mills/flour")).body == b""
        assert (await answered(calls(), "HEAD", "/api/mills/")).status == 405

    async def test_every_answer_names_our_own_version(self, calls: MakeCalls) -> None:
        own = (await answered(calls(), "GET", "/api/x/version")).json()
        assert (await answered(calls(), "GET", "/nothing")).headers["x-headrace-version"] == own

    async def test_an_answer_without_content_has_no_length(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "PATCH", "/api/mills/0190163d-8694-739b-aea5-966c26f8ad91")
        assert (response.status, response.body) == (204, b"")
        assert "content-length" not in response.headers
        assert "content-type" not in response.headers


def calls_at_root(calls: MakeCalls) -> Calls:
    """An application with an empty base path, which the environment cannot say."""
    import msgspec

    from headrace.server.app import create_app
    from tests.server.http.example import example_server

    settings = calls().app._settings
    api = msgspec.structs.replace(settings.server.api, base_path="")
    settings = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, api=api))
    return Calls(create_app(settings, example_server(settings)))


class TestApiVersion:
    @pytest.mark.parametrize("version", ["0.8.0", "0.8.4", "0.9.0", "10.0.0"])
    async def test_known_and_newer_versions_are_served(self, calls: MakeCalls, version: str) -> None:
        response = await answered(calls(), "GET", "/api/mills/flour", headers={"x-prefect-api-version": version})
        assert response.status == 200

    @pytest.mark.parametrize("version", ["", "1", "0.8", "a.b.c", "0.8.4.1", "-1.0.0", "0.8.4 ", "٠.٨.٤"])
    async def test_what_is_no_version_is_refused(self, calls: MakeCalls, version: str) -> None:
        response = await answered(calls(), "GET", "/api/admin/storage", headers={"x-prefect-api-version": version})
        assert response.status == 400
        assert response.json()["detail"].startswith("Invalid X-PREFECT-API-VERSION header format.")

    async def test_a_version_too_old_is_refused(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "GET", "/api/admin/storage", headers={"x-prefect-api-version": "0.7.9"})
        assert (response.status, response.json()["detail"]) == (
            400,
            "The request specified API version 0.7.9 but this server requires version 0.8.0 or higher.",
        )

    @pytest.mark.parametrize("path", ["health", "ready", "hello", "version", "admin/version"])
    async def test_the_first_calls_of_any_client_are_served(self, calls: MakeCalls, path: str) -> None:
        response = await answered(calls(), "GET", f"/api/{path}", headers={"x-prefect-api-version": "0.1.0"})
        assert response.status == 200


class TestAuthentication:
    SETTING = {"SERVER_API_AUTH_STRING": "miller:flöur"}

    async def test_the_right_credentials_are_let_in(self, calls: MakeCalls) -> None:
        response = await answered(calls(**self.SETTING), "GET", "/api/version", headers=basic("miller:flöur"))
        assert response.status == 200

    @pytest.mark.parametrize(
        "headers", [{}, basic("miller:bread"), {"authorization": "Bearer x"}, {"authorization": ""}]
    )
    async def test_others_are_not(self, calls: MakeCalls, headers: dict[str, str]) -> None:
        response = await answered(calls(**self.SETTING), "GET", "/api/version", headers=headers)
        assert response.status == 401
        assert response.json()["exception_message"] == "Unauthorized"

    async def test_an_unknown_path_is_not_given_away(self, calls: MakeCalls) -> None:
        assert (await answered(calls(**self.SETTING), "GET", "/api/nothing")).status == 401

    @pytest.mark.parametrize("path", ["health", "ready"])
    async def test_health_and_readiness_are_open(self, calls: MakeCalls, path: str) -> None:
        assert (await answered(calls(**self.SETTING), "GET", f"/api/{path}")).status == 200

    async def test_what_monitors_read_beside_the_api_is_closed_too(self, calls: MakeCalls) -> None:
        assert (await answered(calls(**self.SETTING), "GET", "/metrics")).status == 401
        for path in ("/metrics", "/api/x/metrics"):
            let_in = await answered(calls(**self.SETTING), "GET", path, headers=basic("miller:flöur"))
            assert (let_in.status, let_in.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert (await answered(calls(), "GET", "/metrics")).status == 200

    async def test_a_refusal_comes_before_the_body(self, calls: MakeCalls) -> None:
        app = calls(**self.SETTING)
        await answered(app, "POST", "/api/mills/", body=[b"x"] * 10)
        assert app.received == 0


class TestCsrf:
    ON = {"SERVER_API_CSRF_PROTECTION_ENABLED": "true"}

    async def test_switched_off_it_says_so(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "GET", "/api/csrf-token", query="client=me")
        assert (response.status, response.json()["detail"]) == (422, "CSRF protection is disabled.")

    @pytest.mark.parametrize(
        ("headers", "detail"),
        [
            ({}, "Missing CSRF token."),
            ({"prefect-csrf-token": "x"}, "Missing client identifier."),
            ({"prefect-csrf-token": "x", "prefect-csrf-client": "me"}, "Invalid CSRF token or client identifier."),
            ({"prefect-csrf-token": "ü", "prefect-csrf-client": "me"}, "Invalid CSRF token or client identifier."),
        ],
    )
    async def test_a_change_without_a_token_is_forbidden(
        self, calls: MakeCalls, headers: dict[str, str], detail: str
    ) -> None:
        response = await answered(calls(**self.ON), "POST", "/api/mills/filter", headers=headers)
        assert (response.status, response.json()["detail"]) == (403, detail)

    async def test_a_token_serves_its_client_and_no_other(self, calls: MakeCalls) -> None:
        app = calls(**self.ON)
        token = (await answered(app, "GET", "/api/csrf-token", query="client=me")).json()
        assert token["client"] == "me"
        headers = {"prefect-csrf-token": token["token"], "prefect-csrf-client": "me"}
        assert (await answered(app, "POST", "/api/mills/filter", headers=headers)).status == 200
        headers["prefect-csrf-client"] = "you"
        assert (await answered(app, "POST", "/api/mills/filter", headers=headers)).status == 403

    async def test_reading_needs_no_token(self, calls: MakeCalls) -> None:
        assert (await answered(calls(**self.ON), "GET", "/api/version")).status == 200


class TestOtherOrigins:
    PREFLIGHT = {"origin": "http://ui", "access-control-request-method": "POST"}

    async def test_by_default_any_origin_may_read(self, calls: MakeCalls) -> None:
        for path in ("/api/health", "/api/nothing"):
            response = await answered(calls(), "GET", path, headers={"origin": "http://ui"})
            assert response.headers["access-control-allow-origin"] == "*"

    async def test_only_named_origins_may_read_when_some_are_named(self, calls: MakeCalls) -> None:
        app = calls(SERVER_API_CORS_ALLOWED_ORIGINS="http://ui, http://other")
        named = await answered(app, "GET", "/api/health", headers={"origin": "http://ui"})
        assert named.headers["access-control-allow-origin"] == "http://ui"
        assert named.headers["vary"] == "Origin"
        stranger = await answered(app, "GET", "/api/health", headers={"origin": "http://evil"})
        assert "access-control-allow-origin" not in stranger.headers

    async def test_a_preflight_is_answered_even_without_credentials(self, calls: MakeCalls) -> None:
        app = calls(SERVER_API_AUTH_STRING="a:b")
        headers = self.PREFLIGHT | {"access-control-request-headers": "authorization, x-mill"}
        response = await answered(app, "OPTIONS", "/api/mills/", headers=headers)
        assert response.status == 200
        assert response.headers["access-control-allow-headers"] == "authorization, x-mill"
        assert "PATCH" in response.headers["access-control-allow-methods"]

    async def test_a_preflight_of_a_stranger_is_refused(self, calls: MakeCalls) -> None:
        app = calls(SERVER_API_CORS_ALLOWED_ORIGINS="http://other")
        assert (await answered(app, "OPTIONS", "/api/mills/", headers=self.PREFLIGHT)).status == 400

    async def test_options_of_its_own_is_a_wrong_method(self, calls: MakeCalls) -> None:
        assert (await answered(calls(), "OPTIONS", "/api/mills/")).status == 405


class TestBodies:
    async def test_a_body_needs_no_content_type(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "POST", "/api/mills/", body=b'{"name":"a"}')
        assert response.status == 201

    async def test_a_body_may_come_in_pieces(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "POST", "/api/mills/", body=[b'{"na', b"", b'me":"a"}'])
        assert response.status == 201

    async def test_attribution_headers_are_tolerated(self, calls: MakeCalls) -> None:
        headers = {"x-prefect-worker-id": "w", "prefect-automation-id": "a", "x-prefect-flow-run-id": "nonsense"}
        assert (await answered(calls(), "POST", "/api/mills/filter", headers=headers)).status == 200

    async def test_a_declared_body_over_the_limit_is_refused_unread(self, calls: MakeCalls) -> None:
        app = calls(SERVER_API_MAX_BODY_BYTES="1024")
        response = await answered(app, "POST", "/api/mills/", headers={"content-length": "1025"}, body=b"x")
        assert response.status == 413
        assert app.received == 0

    async def test_a_chunked_body_over_the_limit_is_refused_before_it_is_all_read(self, calls: MakeCalls) -> None:
        app = calls(SERVER_API_MAX_BODY_BYTES="1024")
        response = await answered(app, "POST", "/api/mills/", body=[b"x" * 512] * 100)
        assert response.status == 413
        assert app.received == 3

    async def test_a_body_of_just_the_limit_is_read(self, calls: MakeCalls) -> None:
        app = calls(SERVER_API_MAX_BODY_BYTES="1024")
        body = b'{"limit":7}'.ljust(1024)
        assert (await answered(app, "POST", "/api/mills/filter", body=body)).json() == 7

    async def test_a_client_that_hangs_up_is_not_answered(self, calls: MakeCalls) -> None:
        assert await calls()("POST", "/api/mills/", body=[b'{"name":'], gone=True) is None

    async def test_a_body_that_stalls_is_given_up_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "ARRIVAL_SECONDS", 0.02)
        arrived = asyncio.Event()

        async def stalled() -> bodies.Message:
            await asyncio.Event().wait()
            return {}

        async def late() -> bodies.Message:
            await arrived.wait()
            return {"type": "http.request", "body": b"here"}

        reader = Bodies(limit=1024)
        declared = {b"content-length": b"4"}
        first = asyncio.create_task(reader.read(stalled, declared))
        with pytest.raises(RequestTimeout):
            await first
        monkeypatch.setattr(bodies, "ARRIVAL_SECONDS", 30.0)
        second = asyncio.create_task(reader.read(late, declared))
        arrived.set()
        assert await second == b"here"

    async def test_a_request_that_is_cancelled_while_it_is_read_stays_cancelled(self) -> None:
        waiting = asyncio.Event()

        async def stalled() -> bodies.Message:
            waiting.set()
            await asyncio.Event().wait()
            return {}

        task = asyncio.create_task(Bodies(limit=1024).read(stalled, {b"content-length": b"4"}))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


class TestCompression:
    GZIP = {"accept-encoding": "deflate, gzip;q=0.9"}

    async def test_a_large_answer_is_compressed_when_asked(self, calls: MakeCalls) -> None:
        for size in (100_000, 1_000_000):
            response = await answered(calls(), "GET", "/api/mills/large", query=f"size={size}", headers=self.GZIP)
            assert response.headers["content-encoding"] == "gzip"
            assert int(response.headers["content-length"]) == len(response.body)
            assert gzip.decompress(response.body) == b'"' + b"m" * size + b'"'

    async def test_it_is_not_when_nobody_asks(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "GET", "/api/mills/large", query="size=100000")
        assert "content-encoding" not in response.headers
        assert response.headers["vary"] == "Accept-Encoding"

    async def test_a_small_answer_stays_as_it_is(self, calls: MakeCalls) -> None:
        response = await answered(calls(), "GET", "/api/mills/large", query="size=100", headers=self.GZIP)
        assert "content-encoding" not in response.headers


async def test_an_answer_can_be_streamed(calls: MakeCalls) -> None:
    response = await answered(calls(), "GET", "/api/mills/flour")
    assert (response.status, response.body) == (200, b"0\n1\n2\n")
    assert response.headers["content-type"] == "text/csv"
    assert response.headers["content-disposition"] == "attachment"


async def test_handlers_know_how_the_api_was_reached(calls: MakeCalls) -> None:
    assert (await answered(calls(), "GET", "/api/mills/about-me")).json()["url"] == "http://testing/api"
