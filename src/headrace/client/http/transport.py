"""Requests over the network: credentials, keep-alive, patience, and a clear word when nobody answers."""

import base64
import itertools
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace.client import forks
from headrace.client.http.channel import Message
from headrace.client.http.csrf import Token
from headrace.client.http.patience import PASSING, Patience
from headrace.client.http.pool import Pool
from headrace.client.http.route import LOOPBACK, Route
from headrace.client.transports import Answer, Request
from headrace.wire import versions
from headrace.wire.errors import ServiceUnavailable, SettingsError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from headrace.settings import APISettings

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
        route = Route(parts, settings.request_timeout)
        self._url = settings.url.rstrip("/")
        self._base = route.prefix + parts.path.rstrip("/")
        self._headers = _common_headers(settings, parts.hostname) | route.headers
        self._pool = Pool(route)
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

    def _message(self, request: Request) -> Message:
        query = f"?{request.query}" if request.query else ""
        headers = self._headers
        if self._token is not None and request.method != "GET":
            headers = headers | self._token.headers
        if request.headers:
            headers = headers | dict(request.headers)
        return Message(request.method, f"{self._base}{request.path}{query}", headers, request.body)

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


def _common_headers(settings: "APISettings", hostname: str) -> dict[str, str]:
    """The headers that every request carries."""
    headers = {
        "User-Agent": "headrace",
        "X-PREFECT-API-VERSION": versions.API,
        "Accept": "application/json",
        "Content-Type": "application/json",
        # on one machine, packing costs more than it saves
        "Accept-Encoding": "identity" if hostname in LOOPBACK else "gzip",
    }
    if settings.auth_string is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(settings.auth_string.encode()).decode()}"
    elif settings.key is not None:
        headers["Authorization"] = f"Bearer {settings.key}"
    if any("\r" in value or "\n" in value for value in headers.values()):
        raise SettingsError("HEADRACE_API_KEY and HEADRACE_API_AUTH_STRING must each be one line.")
    return headers


def _is_final(error: OSError) -> bool:
    """Whether trying again cannot help: a certificate that is not trusted stays so."""
    return type(error).__name__ == "SSLCertVerificationError"


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
