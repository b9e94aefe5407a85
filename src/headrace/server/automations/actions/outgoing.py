"""Calls to other people's servers: bounded in time and size, and kept out of private networks where that is wanted.

A name is resolved once and the connection goes to the very address that was looked at, so that a name which
changes its mind in between gains nothing. Redirects are not followed.
"""

import asyncio
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from headrace.server.automations.actions.work import ActionFailed

T = TypeVar("T")
TIMEOUT = 15.0
"""Seconds that connecting, sending and each part of the answer may take."""
_MOST_BYTES = 64 * 1024
_SHOWN = 2_000
_MOST_THREADS = 32
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to make. `allow_private` lets it go to addresses of private networks and of this machine."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    allow_private: bool = True
    verify: bool = True
    timeout: float = TIMEOUT


class Answered(msgspec.Struct, frozen=True):
    """What came back; a long body is cut."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def told(self) -> dict[str, Any]:
        """What the event of an action says of it."""
        return {
            "status_code": self.status,
            "response_body": self.text[:_SHOWN],
            "response_headers": self.headers,
        }


async def call(wanted: Call) -> Answered:
    """Make the request; raise `ActionFailed` if it cannot be made, or if the answer is not a success."""
    exchange = _Exchange(wanted)
    try:
        answer = await in_thread(exchange.run)
    except asyncio.CancelledError:
        exchange.abort()
        raise
    except (OSError, http.client.HTTPException) as error:
        certificate = isinstance(error, ssl.SSLCertVerificationError)
        raise ActionFailed(f"The call to {_host(wanted.url)} failed: {error!r}", again=not certificate) from error
    if 200 <= answer.status < 300:
        return answer
    reason = f"{_host(wanted.url)} answered with status {answer.status}"
    if 300 <= answer.status < 400:
        reason = f"{reason}, a redirect, which is not followed: call the address that it names"
    raise ActionFailed(f"{reason}.", answer.told, again=answer.status in _AGAIN)


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work in threads of its own, so that hosts which hang keep no other part of the server waiting."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=_MOST_THREADS, thread_name_prefix="outgoing")


def check_url(url: str) -> None:
    """Raise `ActionFailed` for what is not an address to call."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fits = None, False
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or not port_fits:
        raise ActionFailed("The URL of the block is not one that can be called: it has to begin with http(s)://host.")


def _host(url: str) -> str:
    """The part of a URL that may be told: paths and queries carry secrets."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


class _Exchange:
    """One request and its answer, which another thread may cut off."""

    def __init__(self, wanted: Call) -> None:
        self._wanted = wanted
        self._connection: http.client.HTTPConnection | None = None
        self._aborted = False

    def run(self) -> Answered:
        wanted = self._wanted
        check_url(wanted.url)
        parts = urlsplit(wanted.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connection = _connection(wanted)
        try:
            if self._aborted:
                raise ConnectionAbortedError("the call took too long")
            connection.request(wanted.method, path, body=wanted.body or None, headers=dict(wanted.headers))
            response = connection.getresponse()
            body = response.read(_MOST_BYTES)
            return Answered(response.status, dict(response.getheaders()), body.decode(errors="replace"))
        except (ValueError, UnicodeError) as error:
            raise ActionFailed(f"The call cannot be made: {error}") from error
        finally:
            connection.close()

    def abort(self) -> None:
        """End the exchange wherever it is."""
        self._aborted = True
        sock = None if self._connection is None else self._connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _connection(wanted: Call) -> http.client.HTTPConnection:
    parts = urlsplit(wanted.url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    made = socket.create_connection(_address(host, port, wanted.allow_private), timeout=wanted.timeout)
    connection = http.client.HTTPConnection(host, port, timeout=wanted.timeout)
    try:
        if parts.scheme == "https":
            made = _tls(wanted.verify).wrap_socket(made, server_hostname=host)
    except BaseException:
        made.close()
        raise
    connection.sock = made
    return connection


def _tls(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _address(host: str, port: int, allow_private: bool) -> tuple[str, int]:
    """The address to connect to. Raises `ActionFailed` if it is a private one and may not be."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(info[4][0]) for info in found]
    if not allow_private:
        private = next((each for each in addresses if not _is_public(each)), None)
        if private is not None:
            raise ActionFailed(
                f"{host} is at {private}, an address of a private network, which the block does not allow:"
                " set its allow_private_urls to call it all the same."
            )
    return addresses[0], port


def _is_public(address: str) -> bool:
    """Whether anyone on the internet could be meant; an IPv4 address within IPv6 counts as what it is."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not parsed.is_multicast
