"""The client reaches a server behind TLS and behind a proxy, as the environment says."""

import base64
import ssl
from collections.abc import Generator
from pathlib import Path

import pytest

from headrace.client.http.transport import HttpTransport, Unreachable
from headrace.client.transports import Request
from headrace.settings import APISettings
from headrace.wire.errors import SettingsError
from tests.client.conftest import Impatient, Opening, Scripted, scripted

HELLO = Request("GET", "/hello")
TLS = Path(__file__).parent / "tls"


@pytest.fixture
def secure() -> Generator[Scripted]:
    """The scripted server behind TLS, with a certificate for `localhost` that nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")
    with scripted(context) as served:
        yield served


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_a_server_behind_tls_is_reached(secure: Scripted, opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "localhost.crt"))
    transport = opening(f"https://localhost:{secure.port}/api", Impatient(0, 0, 0))
    assert [transport.send(HELLO).status for _ in range(2)] == [200, 200]
    assert len({seen.connection for seen in secure.seen}) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(secure: Scripted, opening: Opening) -> None:
    transport = opening(f"https://localhost:{secure.port}/api", Impatient(5, 5, 5))
    with pytest.raises(Unreachable, match="certificate verify failed"):
        transport.send(HELLO)
    assert secure.seen == []


def test_a_plain_request_goes_through_the_proxy(
    script: Scripted, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy is sent the whole URL, and the credentials that its own URL carries."""
    monkeypatch.setenv("http_proxy", f"http://ada:l%40ce@127.0.0.1:{script.port}")
    assert opening("http://api.example:4200/api").send(HELLO).status == 200
    (seen,) = script.seen
    assert seen.path == "http://api.example:4200/api/hello"
    assert seen.headers["host"] == "api.example:4200"
    assert seen.headers["proxy-authorization"] == f"Basic {base64.b64encode(b'ada:l@ce').decode()}"


def test_a_secure_request_asks_the_proxy_for_a_tunnel(
    script: Scripted, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.otherwise = (403, "no tunnels today")
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{script.port}")
    with pytest.raises(Unreachable, match="403"):
        opening("https://api.example/api", Impatient(0, 0, 0)).send(HELLO)
    assert [(seen.method, seen.path) for seen in script.seen] == [("CONNECT", "api.example:443")]


def test_this_machine_needs_no_proxy(script: Scripted, opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert opening(script.url).send(HELLO).status == 200


def test_a_spared_host_is_not_asked_for_through_the_proxy(
    script: Scripted, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name does not exist, so that the proxy alone could answer for it."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{script.port}")
    monkeypatch.setenv("no_proxy", "api.invalid")
    with pytest.raises(Unreachable):
        opening("http://api.invalid/api", Impatient(0, 0, 0)).send(HELLO)
    assert script.seen == []


def test_a_proxy_of_another_kind_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://proxy.example:1080")
    with pytest.raises(SettingsError, match=r"HTTP_PROXY names a proxy .* socks5://proxy\.example"):
        HttpTransport(APISettings(url="http://api.example/api"))
