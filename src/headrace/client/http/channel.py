"""One connection to an HTTP server, for one exchange at a time.

httptools parses what the server sends: an exchange costs a sixth of what it does with urllib3
(docs/decisions/0003-client-transport.md).
"""

import select
import socket
import zlib
from typing import TYPE_CHECKING

import httptools

from headrace.client.transports import Answer

if TYPE_CHECKING:
    import ssl

_CHUNK = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Dropped(ConnectionError):
    """The server closed the connection before it sent a byte of an answer."""


class NotHTTP(ConnectionError):
    """Whatever listens there does not speak HTTP."""


class Channel:
    """A connected socket. `fresh` until its first exchange is done, `reusable` if it can have another."""

    __slots__ = ("_poll", "_socket", "fresh", "reusable")

    def __init__(self, host: str, port: int, timeout: float, tls: "ssl.SSLContext | None") -> None:
        self._socket = socket.create_connection((host, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self.fresh = self.reusable = True

    def exchange(self, message: bytes) -> Answer:
        """Send a whole request and read the whole answer. Raises `OSError`."""
        self.reusable = False
        refusal: OSError | None = None
        try:
            self._socket.sendall(message)
        except (BrokenPipeError, ConnectionResetError) as error:
            refusal = error  # a server may refuse a long body before it has read it, so its answer may be there
        incoming = _Incoming()
        try:
            while not incoming.complete:
                incoming.feed(self._socket.recv(_CHUNK))
        except OSError as error:
            raise (refusal or error) from None
        self.fresh = False
        self.reusable = incoming.reusable and refusal is None
        return incoming.answer()

    def is_stale(self) -> bool:
        """Whether the server has closed it while it was idle (or sent what nobody asked for)."""
        return bool(self._poll.poll(0))

    def close(self) -> None:
        self._socket.close()


class _Incoming:
    """One answer while it arrives; httptools calls the methods named `on_…`."""

    __slots__ = ("_bodies", "_headers", "_parser", "_received", "complete", "reusable")

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._bodies: list[bytes] = []
        self._received = self.complete = self.reusable = False

    def feed(self, data: bytes) -> None:
        """Take what was received; nothing means that the server closed the connection."""
        if not data:
            return self._end()
        self._received = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise NotHTTP(f"what it answers is not HTTP: {error}") from error

    def answer(self) -> Answer:
        """The whole of it, unpacked."""
        body = self._bodies[0] if len(self._bodies) == 1 else b"".join(self._bodies)
        if self._headers.get("content-encoding") == "gzip":
            try:
                body = zlib.decompress(body, _GZIP)
            except zlib.error as error:
                raise NotHTTP(f"its compressed answer is damaged: {error}") from error
        return Answer(self._parser.get_status_code(), self._headers, body)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self._bodies.append(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self.complete, self.reusable = True, self._parser.should_keep_alive()
        else:
            self._headers = {}  # an interim answer, the real one follows

    def _end(self) -> None:
        if not self._received:
            raise Dropped("the connection was closed without an answer")
        measured = "content-length" in self._headers or "transfer-encoding" in self._headers
        if measured or not self._headers:
            raise ConnectionError("the connection was closed within an answer")
        self.complete = True
