"""Connections to one server that wait for their next request."""

from collections import deque

from headrace.client.http.channel import Channel, Message, was_dropped
from headrace.client.http.route import Route
from headrace.client.transports import Answer

_MOST_IDLE = 32


class Pool:
    """Lends channels to any thread, the most recently used first."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._idle: deque[Channel] = deque()
        self._closed = False

    def exchange(self, message: Message) -> Answer:
        """Send a request and read its answer. Raises `OSError`.

        A server may close an idle connection at the very moment a request is sent on it; such a
        request is sent once more on a new connection.
        """
        while True:
            channel = self._lend()
            try:
                answer = channel.exchange(message)
            except OSError as error:
                channel.close()
                if channel.fresh or not was_dropped(error):
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
        return Channel(self._route.connection())

    def _take_back(self, channel: Channel) -> None:
        if not channel.reusable or len(self._idle) >= _MOST_IDLE:
            channel.close()
            return
        self._idle.append(channel)
        if self._closed:
            self.drop_idle()
