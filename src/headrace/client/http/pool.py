"""Connections to one server that wait for their next request."""

import threading
from collections import deque
from typing import TYPE_CHECKING

from headrace.client.http.channel import Channel, Dropped
from headrace.client.transports import Answer

if TYPE_CHECKING:
    import ssl

_MOST_IDLE = 32


class Pool:
    """Lends channels to any thread, the most recently used first."""

    def __init__(self, host: str, port: int, timeout: float, *, tls: bool) -> None:
        self._host, self._port, self._timeout, self._tls = host, port, timeout, tls
        self._idle: deque[Channel] = deque()
        self._closed = False
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def exchange(self, message: bytes) -> Answer:
        """Send a request and read its answer. Raises `OSError`.

        A server may close an idle connection at the very moment a request is sent on it; such a
        request is sent once more on a new connection.
        """
        while True:
            channel = self._lend()
            try:
                answer = channel.exchange(message)
            except (Dropped, BrokenPipeError, ConnectionResetError):
                channel.close()
                if channel.fresh:
                    raise
                continue
            except BaseException:
                channel.close()
                raise
            self._take_back(channel)
            return answer

    def close(self) -> None:
        """Close every channel: idle ones now, lent ones when they come back."""
        self._closed = True
        self.drop_idle()

    def drop_idle(self) -> None:
        """Close the idle channels. In a forked child, those of the parent stay open."""
        while self._idle:
            self._idle.pop().close()

    def _lend(self) -> Channel:
        while self._idle:
            try:
                channel = self._idle.pop()
            except IndexError:
                break
            if not channel.is_stale():
                return channel
            channel.close()
        return Channel(self._host, self._port, self._timeout, self._security() if self._tls else None)

    def _take_back(self, channel: Channel) -> None:
        if not channel.reusable or len(self._idle) >= _MOST_IDLE:
            channel.close()
            return
        self._idle.append(channel)
        if self._closed:
            self.drop_idle()

    def _security(self) -> "ssl.SSLContext":
        with self._lock:
            if self._context is None:
                import ssl

                self._context = ssl.create_default_context()
            return self._context
