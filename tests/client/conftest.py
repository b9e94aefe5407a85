"""A tiny real HTTP server whose answers a test writes down beforehand."""

import contextlib
import gzip
import json
import os
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from headrace.client.http.patience import Patience
from headrace.client.http.transport import HttpTransport
from headrace.client.orchestration import SyncHeadraceClient
from headrace.settings import APISettings


def forked(action: Callable[[], Any]) -> int:
    """Start it in a forked child and return the child's id; the child ends with 0 if it did not raise."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    return child


def exit_status(child: int) -> int:
    """Wait for a child and say how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@dataclass
class Seen:
    """A request that arrived. `connection` is the same for requests that came on the same one."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Scripted:
    """The server: says what `replies` hold, one after the other, then `otherwise`; None drops the connection."""

    otherwise: tuple[int, Any] = (200, True)
    replies: deque[tuple[int, Any] | tuple[int, Any, dict[str, str]] | None] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    answer: Callable[[Seen], tuple[int, Any]] | None = None
    hold: threading.Event | None = None
    port: int = 0
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do(self) -> None:
        script = self.server.script
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        script.seen.append(Seen(self.command, self.path, headers, body, id(self)))
        script.arrived.release()
        if script.hold is not None:
            script.hold.wait(10)
        reply = script.replies.popleft() if script.replies else script.otherwise
        if script.answer is not None:
            reply = script.answer(script.seen[-1])
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, content, *rest = reply
        payload = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        if "gzip" in headers.get("accept-encoding", ""):
            payload = gzip.compress(payload)
            self.send_header("Content-Encoding", "gzip")
        for name, value in (rest[0] if rest else {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if status != 204:
            self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = do

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    script: Scripted

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextlib.contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Generator[Scripted]:
    """A running server, to be told what to say."""
    server = _Server(("127.0.0.1", 0), _Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.script = Scripted(port=server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.script
    if server.script.hold is not None:
        server.script.hold.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def script() -> Generator[Scripted]:
    """A running server on plain HTTP."""
    with scripted() as served:
        yield served


class Impatient(Patience, frozen=True):
    """Repeats as often as `Patience`, without the waits that nobody asked for."""

    def _backoff(self, attempt: int) -> float:
        return 0.0


Opening = Callable[..., HttpTransport]


@pytest.fixture
def opening() -> Generator[Opening]:
    """Opens transports that are closed when the test ends: `opening(url, patience, **settings)`."""
    with contextlib.ExitStack() as stack:

        def open_one(url: str, patience: Patience | None = None, **settings: Any) -> HttpTransport:
            return stack.enter_context(contextlib.closing(HttpTransport(APISettings(url=url, **settings), patience)))

        yield open_one


@pytest.fixture
def transport(script: Scripted, opening: Opening) -> HttpTransport:
    """A transport to the server."""
    return opening(script.url, Impatient())


@pytest.fixture
def client(transport: HttpTransport) -> SyncHeadraceClient:
    """A client of the server."""
    return SyncHeadraceClient(transport)
