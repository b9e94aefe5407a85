"""Requests over the network: credentials, keep-alive, patience, and a clear word when nobody answers."""

import base64
import itertools
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace.client import forks
from headrace.client.http.csrf import Token
from headrace.client.http.patience import PASSING, Patience
from headrace.client.http.pool import Pool
from headrace.client.transports import Answer, Request
from headrace.wire import versions
from headrace.wire.errors import ServiceUnavailable, SettingsError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from headrace.settings import APISettings

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PORTS = {"http": 80, "https": 443}
_CONCURRENT = 32


class Unreachable(ServiceUnavailable):
    """Nobody answers at the address of the API, or the connection broke."""


class HttpTransport:
    """A `Transport` to the API at `settings.url`.

    Requests are repeated after 408, 429, 502, 503 and lost connections, at most `max_retries` times.
    Raises `Unreachable`, or `ServiceUnavailable` when an answer takes too long.
    Callers in an event loop are served by threads, so that no loop is needed to make a call.
    """

    def __init__(self, settings: "APISettings", patience: Patience | None = None) -> None:
        assert settings.url is not None
        parts = urlsplit(settings.url)
        if parts.hostname is None or parts.username is not None:
            raise SettingsError(
                "HEADRACE_API_URL must be a URL with a host and without credentials, such as "
                "http://127.0.0.1:4200/api; user and password belong in HEADRACE_API_AUTH_STRING."
            )
        tls = parts.scheme == "https"
        self._url = settings.url.rstrip("/")
        self._base = parts.path.rstrip("/")
        self._headers = _common_headers(settings, parts.netloc, parts.hostname)
        self._pool = Pool(parts.hostname, parts.port or _PORTS[parts.scheme], settings.request_timeout, tls=tls)
        self._patience = patience or Patience.of(settings.max_retries)
        self._token: Token | None = None
        self._reached = False
        self._closing = threading.Event()
        self._threads: ThreadPoolExecutor | None = None
        forks.watch(self)

    @property
    def where(self) -> str:
        return self._url

    def send(self, request: Request) -> Answer:
        answer = self._attempt(request)
        if answer.status == 403 and Token.is_wanted(answer):
            self._token = Token.read(self._attempt(Token.request()))
            answer = self._attempt(request)
        return answer

    async def send_async(self, request: Request) -> Answer:
        import asyncio

        return await asyncio.get_running_loop().run_in_executor(self._executor(), self.send, request)

    def close(self) -> None:
        self._closing.set()
        self._pool.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    def before_fork(self) -> None:
        """Sockets and threads may stay with the parent."""

    def after_fork(self, *, in_child: bool) -> None:
        if in_child:
            self._threads = None
            self._pool.drop_idle()

    def _attempt(self, request: Request) -> Answer:
        message = self._message(request)
        for attempt in itertools.count():
            try:
                answer = self._pool.exchange(message)
            except OSError as error:
                wait = None if _is_final(error) else self._patience.after_loss(attempt, reached_before=self._reached)
                if wait is None or self._closing.wait(wait):
                    raise self._unreachable(request, error) from error
            else:
                self._reached = True
                if answer.status not in PASSING:
                    return answer
                wait = self._patience.after_status(attempt, answer.headers)
                if wait is None or self._closing.wait(wait):
                    return answer
        raise AssertionError("counting does not end")

    def _message(self, request: Request) -> bytes:
        query = f"?{request.query}" if request.query else ""
        token = "" if self._token is None or request.method == "GET" else self._token.headers
        length = f"Content-Length: {len(request.body)}\r\n" if request.body or request.method != "GET" else ""
        head = f"{request.method} {self._base}{request.path}{query} HTTP/1.1\r\n{self._headers}{token}{length}\r\n"
        return head.encode("ascii") + request.body

    def _unreachable(self, request: Request, error: OSError) -> ServiceUnavailable:
        if isinstance(error, TimeoutError):
            return ServiceUnavailable(
                f"{request}: the API at {self._url} did not answer in time ({_reason(error)}). "
                "Look at the server's load and log, or raise HEADRACE_API_REQUEST_TIMEOUT."
            )
        return Unreachable(
            f"{request}: the API at {self._url} cannot be reached: {_reason(error)}. "
            "Check that a server runs there (`headrace server status`) and that HEADRACE_API_URL is right."
        )

    def _executor(self) -> "ThreadPoolExecutor":
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor

            self._threads = ThreadPoolExecutor(_CONCURRENT, "headrace-client")
        return self._threads


def _common_headers(settings: "APISettings", netloc: str, hostname: str) -> str:
    """The header lines that every request carries."""
    lines = [
        f"Host: {netloc}",
        "User-Agent: headrace",
        f"X-PREFECT-API-VERSION: {versions.API}",
        "Accept: application/json",
        "Content-Type: application/json",
    ]
    if hostname not in _LOOPBACK:  # on one machine, packing costs more than it saves
        lines.append("Accept-Encoding: gzip")
    if settings.auth_string is not None:
        lines.append(f"Authorization: Basic {base64.b64encode(settings.auth_string.encode()).decode()}")
    elif settings.key is not None:
        lines.append(f"Authorization: Bearer {settings.key}")
    if any("\r" in line or "\n" in line for line in lines):
        raise SettingsError("HEADRACE_API_URL, HEADRACE_API_KEY and HEADRACE_API_AUTH_STRING must each be one line.")
    return "".join(f"{line}\r\n" for line in lines)


def _is_final(error: OSError) -> bool:
    """Whether trying again cannot help: a certificate that is not trusted stays so."""
    return type(error).__name__ == "SSLCertVerificationError"


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
