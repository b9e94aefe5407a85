"""One connection to an HTTP server, for one exchange at a time, on the standard library's `http.client`."""

import select
import zlib
from http.client import BadStatusLine, HTTPConnection, HTTPException, HTTPResponse, RemoteDisconnected

import msgspec

from headrace.client.transports import Answer

_GZIP = 16 + zlib.MAX_WBITS


class Message(msgspec.Struct, frozen=True):
    """A whole request as it is sent; `target` is what stands in the request line."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class NotHTTP(ConnectionError):
    """Whatever listens there does not speak HTTP."""


class Channel:
    """A connection. `fresh` until its first exchange is done, `reusable` if it can have another."""

    __slots__ = ("_connection", "_poll", "fresh", "reusable")

    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        connection.connect()
        self._poll = select.poll()
        self._poll.register(connection.sock, select.POLLIN)
        self.fresh = self.reusable = True

    def exchange(self, message: Message) -> Answer:
        """Send a whole request and read the whole answer. Raises `OSError`."""
        self.reusable = False
        refusal: OSError | None = None
        try:
            self._connection.request(message.method, message.target, message.body or None, message.headers)
        except (BrokenPipeError, ConnectionResetError) as error:
            refusal = error  # a server may refuse a long body before it has read it, so its answer may be there
        try:
            response = self._connection.getresponse()
            body = response.read()
        except OSError as error:
            raise (refusal or error) from None
        except HTTPException as error:
            raise _as_os_error(error) from error
        self.fresh = False
        self.reusable = refusal is None and not response.will_close
        return _answer(response, body)

    def is_stale(self) -> bool:
        """Whether the server has closed it while it was idle (or sent what nobody asked for)."""
        return bool(self._poll.poll(0))

    def close(self) -> None:
        self._connection.close()


def was_dropped(error: OSError) -> bool:
    """Whether the server closed the connection before it sent a byte of an answer."""
    return isinstance(error, RemoteDisconnected | BrokenPipeError | ConnectionResetError)


def _answer(response: HTTPResponse, body: bytes) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    if headers.get("content-encoding") == "gzip":
        try:
            body = zlib.decompress(body, _GZIP)
        except zlib.error as error:
            raise NotHTTP(f"its compressed answer is damaged: {error}") from error
    return Answer(response.status, headers, body)


def _as_os_error(error: HTTPException) -> OSError:
    if isinstance(error, BadStatusLine):
        return NotHTTP(f"what it answers is not HTTP: {error}")
    return ConnectionError(f"its answer broke off or makes no sense: {error!r}")
